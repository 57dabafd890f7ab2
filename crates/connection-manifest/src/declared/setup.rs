//! The setup of a connection: the confirmation, the questions, and the connection that results.

use connection_contract::{AuthType, ConnectionDefinition, Identity, Prompt, SetupContext, SetupFailure, SetupResult};

use super::{ACCOUNT, CONFIRMATION, Declared, unverified};
use crate::kind::{FileCredential, Values};

pub(super) async fn setup(
    declared: &Declared,
    ctx: &SetupContext<'_>,
) -> Result<SetupResult<FileCredential>, SetupFailure> {
    let mut values = Values::default();
    if declared.descriptor.auth != AuthType::None {
        confirmed(declared, ctx).await?;
    }
    if let Some(api) = &declared.api {
        return api.setup(ctx).await;
    }
    if declared.descriptor.auth != AuthType::None {
        values = ask(declared, ctx).await?;
    }
    let account = values.config.get(ACCOUNT).cloned().unwrap_or_else(|| declared.descriptor.provider.to_string());
    let identity = Identity::new(account.clone(), account);
    let mut credential = FileCredential { values, token: None, oauth2: None };
    let config: Vec<_> = credential.values.config.clone().into_iter().collect();
    let mut made = match &declared.oauth2 {
        None => SetupResult::new(credential, identity),
        Some(oauth2) => {
            let flow = oauth2.setup(ctx).await?;
            credential.oauth2 = Some(flow.credential);
            let mut made = SetupResult::new(credential, identity)
                .reach(flow.reach)
                .valid_until(flow.valid_until)
                .renew_at(flow.renew_at)
                .authorized_until(flow.authorized_until);
            made.granted_scopes = flow.granted_scopes;
            made
        }
    };
    let mut measured = unverified(declared).valid_until(made.valid_until);
    measured.granted_scopes.clone_from(&made.granted_scopes);
    made = made.measured(measured);
    Ok(config.into_iter().fold(made, |made, (name, value)| made.config(name, value)))
}

/// Tells the person who receives which secret, and ends the setup unless the person agrees.
async fn confirmed(declared: &Declared, ctx: &SetupContext<'_>) -> Result<(), SetupFailure> {
    match ctx.prompt(Prompt::new(declared.warning.clone()).field(CONFIRMATION)).await.flag(CONFIRMATION)? {
        true => Ok(()),
        false => {
            let extension = &declared.extension;
            let message = match &*declared.secrets {
                [] => format!("the connection that '{extension}' describes was not confirmed, and nothing was stored"),
                _ => format!("'{extension}' was not given the secret, and nothing was stored"),
            };
            Err(SetupFailure::new("declaration_declined", message))
        }
    }
}

/// Asks for the secrets and for the name of the account.
async fn ask(declared: &Declared, ctx: &SetupContext<'_>) -> Result<Values, SetupFailure> {
    let mut values = Values::default();
    let mut problem = None;
    let asks = &declared.asked;
    let account = loop {
        let prompt = Prompt::new(format!("Connect {}", declared.descriptor.display_name)).problem(problem);
        let prompt = asks.iter().fold(prompt, |prompt, name| prompt.field(name.as_str().to_owned()));
        let mut answers = ctx.prompt(prompt.field(ACCOUNT)).await;
        for name in asks {
            values.secrets.insert(name.as_str().to_owned(), answers.secret(name.as_str())?);
        }
        let account = answers.text(ACCOUNT)?.trim();
        if !account.is_empty() {
            break account.to_owned();
        }
        problem = Some("The name for the account is empty.".into());
    };
    values.config.insert(ACCOUNT.to_owned(), account);
    Ok(values)
}
