//! Setup with the tool's own login, with an API key, or with a token that the tool printed.

use connection_contract::prelude::*;

use crate::{
    AgentCli, key,
    login::Login,
    own_login,
    spec::{ADMIN_KEY, API_KEY, HOW, SETUP_TOKEN, Tool},
};

/// Maximum number of times that setup asks before it fails.
const MAX_TRIES: usize = 3;

/// Runs a setup from the first question to the credential.
pub(crate) async fn run(
    kind: &AgentCli,
    tool: &Tool,
    ctx: &SetupContext<'_>,
) -> Result<SetupResult<Login>, SetupFailure> {
    if let Some(notice) = detected(tool, ctx).await {
        ctx.show(notice);
    }
    let prompt = Prompt::new(format!("Connect {}", tool.name)).field(HOW);
    let way = ctx.ask_until(MAX_TRIES, prompt, |answers| async move {
        match answers.text(HOW)? {
            API_KEY => Ok(Way::ApiKey),
            SETUP_TOKEN => Ok(Way::SetupToken),
            _ => match own_login::detect(tool, ctx).await {
                Ok(found) => Ok(Way::OwnLogin(found)),
                Err(not_live) if own_login::is_remediable(tool, &not_live) => Err(correctable(not_live.reason)),
                Err(other) => Err(other.into()),
            },
        }
    });
    match way.await? {
        Way::ApiKey => with_key(kind, tool, ctx).await,
        Way::OwnLogin(found) => Ok(by_own_login(tool, found, ctx)),
        Way::SetupToken => with_token(tool, ctx).await,
    }
}

/// The way to sign in that a person chose.
enum Way {
    ApiKey,
    OwnLogin(own_login::DetectedTool),
    SetupToken,
}

/// Returns the failure for a reason that a person can correct during the setup.
fn correctable(reason: Reason) -> SetupFailure {
    let problem = with_remedy(&reason);
    SetupFailure::from(NotLive::failing(reason)).ask_again(problem)
}

fn by_own_login(tool: &Tool, found: own_login::DetectedTool, ctx: &SetupContext<'_>) -> SetupResult<Login> {
    let account = found.account.as_ref().map(|account| account.account_id.as_str().to_owned());
    let identity = found.account.unwrap_or_else(|| unnamed(tool, &found.directory, ctx));
    let measured = VerifyResult::live().identity(identity.clone());
    SetupResult::new(Login::own(account, found.is_subscription), identity).measured(measured)
}

/// Returns a notice that is shown beside the first question.
///
/// It says where the tool is, its version and its account; or what is missing, and what to do about it. Returns `None`
/// if the host does not look for tools.
async fn detected(tool: &Tool, ctx: &SetupContext<'_>) -> Option<Notice> {
    let tools = ctx.tools()?;
    let found = match own_login::detect(tool, ctx).await {
        Ok(found) => found,
        Err(not_live) => return Some(Notice::new(with_remedy(&not_live.reason))),
    };
    let spec = tool.tool();
    let version = match spec.is_version_asked {
        true => tools.version(&spec).await.map_or_else(|_| String::new(), |said| format!(" ({said})")),
        false => String::new(),
    };
    let account = found.account.map_or_else(String::new, |account| format!(", signed in as {}", account.label));
    Some(Notice::new(format!("{} is at {}{version}{account}", tool.name, found.path)))
}

async fn with_key(kind: &AgentCli, tool: &Tool, ctx: &SetupContext<'_>) -> Result<SetupResult<Login>, SetupFailure> {
    let mut prompt = Prompt::new(format!("API key of {}", tool.provider)).field(API_KEY);
    if tool.costs().is_some() {
        prompt = prompt.field(ADMIN_KEY);
    }
    let made = ctx.ask_until(MAX_TRIES, prompt, |mut answers| async move {
        let key = answers.secret(API_KEY)?;
        let admin = if answers.has(ADMIN_KEY) { Some(answers.secret(ADMIN_KEY)?) } else { None };
        let login = Login::api_key(key.duplicate()).with_admin_key(admin);
        match key::account(kind, tool, &login, &key, ctx).await {
            Ok(identity) => {
                let measured = VerifyResult::live().identity(identity.clone());
                Ok(SetupResult::new(login, identity).measured(measured))
            }
            Err(refused) if [reason::UNAUTHORIZED, reason::FORBIDDEN].contains(&&*refused.reason.code) => {
                Err(correctable(refused.reason))
            }
            Err(other) => Err(other.into()),
        }
    });
    made.await.map_err(|failure| {
        let message = format!("{} accepted none of the keys", tool.provider);
        failure.when_refused(message, format!("make one at {}", tool.api.console))
    })
}

/// Sets up a connection with a token. The token does not name its account, so it belongs to the profile with this
/// directory, and a later token replaces it.
async fn with_token(tool: &Tool, ctx: &SetupContext<'_>) -> Result<SetupResult<Login>, SetupFailure> {
    let directory = own_login::directory(tool, ctx)?;
    let prompt = Prompt::new(format!("Token of {}", tool.name)).field(SETUP_TOKEN);
    let token = ctx.prompt(prompt).await.secret(SETUP_TOKEN)?;
    let hash = hash_of(directory, ctx);
    let last = last_part(directory);
    let identity = Identity::new(format!("token:{hash}"), format!("{} token in {last}", tool.name));
    let measured = VerifyResult::live().identity(identity.clone());
    Ok(SetupResult::new(Login::setup_token(token), identity).measured(measured))
}

/// Joins the message and the remedy of a reason.
fn with_remedy(reason: &Reason) -> DisplayText {
    match &reason.remedy {
        Some(remedy) => format!("{}: {remedy}", reason.message).into(),
        None => reason.message.clone(),
    }
}

/// Returns the account of a login that names none. It is named by a hash of its directory, because the path may be
/// private.
fn unnamed(tool: &Tool, directory: &GrantedDirectory, ctx: &Context<'_>) -> Identity {
    let hash = hash_of(directory, ctx);
    let last = last_part(directory);
    Identity::new(format!("directory:{hash}"), format!("{} in {last}", tool.name))
}

fn hash_of(directory: &GrantedDirectory, ctx: &Context<'_>) -> String {
    let hash = encode::hex(&ctx.crypto().sha256(directory.as_str().as_bytes()));
    hash.get(..16).unwrap_or_default().to_owned()
}

fn last_part(directory: &GrantedDirectory) -> &str {
    directory.as_str().rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default()
}
