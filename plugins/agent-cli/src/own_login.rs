//! The tool's own login: whether the tool is installed and signed in, and as which account.
//!
//! Nothing is run, and no request is sent.

use connection_contract::prelude::*;

use crate::{probe, spec::Tool};

/// Maximum number of searched directories that a message names.
const NAMED: usize = 4;

/// A tool that is installed and not known to be signed out.
#[derive(Debug)]
pub(crate) struct DetectedTool {
    /// Path of the tool's binary.
    pub(crate) path: DisplayText,
    /// Directory of the profile, which contains the login.
    pub(crate) directory: GrantedDirectory,
    /// Account of the login, if it can be read.
    pub(crate) account: Option<Identity>,
    /// `true` if the directory shows that the account has a subscription.
    pub(crate) is_subscription: bool,
    /// `true` if all files that were read were understood, and none contains a login.
    pub(crate) is_bare: bool,
}

/// Looks for the tool, and reads the directory of its profile.
///
/// It may remain unknown whether the tool is signed in, because the login may be in the platform's keychain or in an
/// environment variable. A directory is an error only if the tool has not used it, or if it is known to contain no
/// login.
pub(crate) async fn detect(tool: &Tool, ctx: &Context<'_>) -> Result<DetectedTool, NotLive> {
    let path = installed(tool, ctx).await?;
    let directory = directory(tool, ctx)?;
    let Some(files) = ctx.files() else {
        return Err(NotLive::failing(Reason::new(reason::DENIED, "this host gives no access to files")));
    };
    let probed = probe::directory(tool, directory, files, ctx.file_cache()).await?;
    if !probed.exists || probed.authenticated == Some(false) {
        return Err(NotLive::failing(signed_out(tool)));
    }
    let is_bare = probed.authenticated.is_none() && !probed.is_doubtful;
    let is_subscription = probed.is_subscription;
    Ok(DetectedTool { path, directory: directory.clone(), account: probed.account, is_subscription, is_bare })
}

/// Returns the directory of the profile.
pub(crate) fn directory<'c>(tool: &Tool, ctx: &'c Context<'_>) -> Result<&'c GrantedDirectory, NotLive> {
    ctx.directory().ok_or_else(|| {
        let nowhere = format!("the directory in which {} keeps the login of this owner is unknown", tool.name);
        let reason = Reason::new(tool.code("nowhere"), nowhere);
        NotLive::failing(reason.remedy("create a profile with a directory, and connect that profile"))
    })
}

async fn installed(tool: &Tool, ctx: &Context<'_>) -> Result<DisplayText, NotLive> {
    let Some(tools) = ctx.tools() else {
        return Err(NotLive::failing(Reason::new(reason::DENIED, "this host does not look for local tools")));
    };
    let found = match tools.find(&tool.tool()).await {
        Ok(found) => found,
        Err(ServiceError::NotFound) => FoundTool::default(),
        Err(ServiceError::Denied) => {
            return Err(NotLive::failing(Reason::new(reason::DENIED, "this host does not allow the tool")));
        }
        Err(_) => {
            return Err(NotLive::offline(Reason::new(reason::PROVIDER_ERROR, "the tool cannot be looked for now")));
        }
    };
    found.path.ok_or_else(|| {
        let mut looked: Vec<_> = found.probed.iter().take(NAMED).map(DisplayText::as_str).collect();
        if found.probed.len() > NAMED {
            looked.push("others");
        }
        let places = if looked.is_empty() { String::new() } else { format!(", looked in {}", looked.join(", ")) };
        let reason = Reason::new(tool.code("not_installed"), format!("{} is not installed{places}", tool.name));
        NotLive::failing(reason.remedy(format!("install it with '{}', see {}", tool.install(), tool.docs)))
    })
}

pub(crate) fn signed_out(tool: &Tool) -> Reason {
    let reason = Reason::new(tool.code("signed_out"), format!("{} is not signed in", tool.name));
    reason.remedy(format!("run '{}': {}", tool.sign_in.join(" "), tool.sign_in_hint))
}

/// Returns `true` if a person can fix the problem while the setup waits.
pub(crate) fn is_remediable(tool: &Tool, not_live: &NotLive) -> bool {
    [tool.code("not_installed"), tool.code("signed_out")].contains(&not_live.reason.code.as_ref().to_owned())
}
