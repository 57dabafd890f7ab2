//! The tool's own login: whether the tool is installed and signed in, and as whom. Nothing is run, and no network is asked.

use connection_contract::prelude::*;

use crate::{probe, spec::Tool};

/// So many directories are named where the tool is in none.
const NAMED: usize = 4;

/// A tool that can be used.
#[derive(Debug)]
pub(crate) struct Found {
    /// Where it is.
    pub(crate) path: DisplayText,
    /// Where its login is looked for.
    pub(crate) directory: Root,
    /// Whose login it has, where that can be read.
    pub(crate) account: Option<Identity>,
    /// Whether it says that the account has a subscription.
    pub(crate) is_subscription: bool,
    /// Whether its files, all of which could be judged, hold no login.
    pub(crate) is_bare: bool,
}

/// Looks for the tool and into the directory of its profile.
///
/// Whether it is signed in is known, or not: a login may be in the platform's keychain, or in a variable. Only what says
/// that there is none is a reason.
pub(crate) async fn look(tool: &Tool, ctx: &Context<'_>) -> Result<Found, NotLive> {
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
    Ok(Found { path, directory: directory.clone(), account: probed.account, is_subscription, is_bare })
}

/// The directory of the profile.
pub(crate) fn directory<'c>(tool: &Tool, ctx: &'c Context<'_>) -> Result<&'c Root, NotLive> {
    ctx.directory().ok_or_else(|| {
        let nowhere = format!("it is not known in which directory {} keeps the login of this owner", tool.name);
        let reason = Reason::new(tool.code("nowhere"), nowhere);
        NotLive::failing(reason.remedy("create a profile with a directory, and connect that"))
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

/// Whether a person can do something about it while the setup waits.
pub(crate) fn is_remediable(tool: &Tool, not_live: &NotLive) -> bool {
    [tool.code("not_installed"), tool.code("signed_out")].contains(&not_live.reason.code.as_ref().to_owned())
}
