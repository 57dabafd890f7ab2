//! Renews tokens before they die. Each refresh token is spent once: through `send_once`, and by one request even where
//! two sets share it.

use connection_contract::{
    BoxFuture, ConnectionError, LogEvent, LogLevel, RefreshContext, RefreshSemantics, Refreshed, Refresher, Secret,
    Spend, SpendContext,
};

use crate::{
    OAuth2, OAuth2Credential, OAuth2Error,
    client::{self, Application},
    config::{CheckedRenewal, CheckedStep, Client, OAuth2Config},
    flow::{captured, credential, renew_at},
    provider::Provider,
    token::{
        Tokens,
        exchange::{self, Granted},
        response,
    },
};

/// A set that could not be renewed with the main one is tried again after so many seconds.
const RETRY: u64 = 300;

impl Refresher<OAuth2Credential> for OAuth2 {
    fn semantics(&self) -> RefreshSemantics {
        match self.config.renewal {
            // Nothing is used up.
            CheckedRenewal::Rerun => RefreshSemantics::Stable,
            _ => self.config.semantics,
        }
    }
    fn refresh<'a>(
        &'a self,
        credential: &'a OAuth2Credential,
        ctx: &'a RefreshContext<'_>,
    ) -> BoxFuture<'a, Result<Refreshed<OAuth2Credential>, ConnectionError>> {
        Box::pin(async move {
            let fresh = renewed(self, credential, ctx).await;
            Ok(fresh.map_err(|error| error.not_live(&self.config.descriptor.kind))?)
        })
    }
}

/// The application that got these tokens, with the secret that it has now.
pub(crate) async fn application(
    config: &OAuth2Config,
    credential: &OAuth2Credential,
    ctx: &connection_contract::Context<'_>,
) -> Result<Application, OAuth2Error> {
    // One that registered itself may have done so again since, for another redirect address.
    if matches!(config.client, Client::PerConnection | Client::Registered) {
        let secret = credential.client_secret.as_ref().map(Secret::duplicate);
        return Ok(Application::new(credential.client_id.clone(), secret));
    }
    let known = client::known(config, ctx).await?.ok_or(OAuth2Error::ClientMissing)?;
    if known.id == credential.client_id { Ok(known) } else { Err(OAuth2Error::ClientChanged) }
}

async fn renewed(
    definition: &OAuth2,
    before: &OAuth2Credential,
    ctx: &RefreshContext<'_>,
) -> Result<Refreshed<OAuth2Credential>, OAuth2Error> {
    let config = &definition.config;
    let application = application(config, before, ctx).await?;
    let spend: &SpendContext<'_> = ctx;
    let mut provider = Provider {
        config,
        ctx: spend,
        spend: Some(spend),
        granted: ctx.connection().base_url().ok().cloned(),
        found: before.found.clone(),
        values: before.values.clone(),
    };
    provider.know(&application);
    let scopes = before.scopes.as_deref().filter(|_| config.refresh_with_scope);
    let granted = match &config.renewal {
        CheckedRenewal::Never => return Err(OAuth2Error::Dead),
        CheckedRenewal::RefreshToken => {
            let token = before.tokens.refresh.as_ref().ok_or(OAuth2Error::Dead)?;
            exchange::refresh(&provider, &application, token, scopes).await?
        }
        CheckedRenewal::Rerun => exchange::client_credentials(&provider, &application).await?,
        CheckedRenewal::Step(step) => by_access_token(&mut provider, step, &before.tokens.access).await?,
    };
    captured(&mut provider, &granted);
    let mut fresh = credential(&provider, &application, &granted, Some(before));
    let mut again = None;
    for (name, tokens) in &mut fresh.extra {
        let Some(old) = before.extra(name) else { continue };
        let came = tokens.access.expose() != old.access.expose();
        let Some(token) = old.refresh.as_ref().filter(|_| !came) else { continue };
        // Where both sets share a token, this spends what was spent, and gets the same answer without a request.
        match exchange::refresh(&provider, &application, token, None).await {
            Ok(other) => *tokens = fresh_of(&other, old),
            Err(error) => {
                // What was renewed must not be lost with what was not. Its end must not make the whole look ended either:
                // that would renew the other set again and again.
                tokens.valid_until = None;
                if error.is_transient() {
                    again = Some(ctx.now().after(RETRY));
                } else {
                    tokens.refresh = None;
                }
                ctx.log(LogEvent::new("extra_tokens_not_renewed").level(LogLevel::Warn));
            }
        }
    }
    let (valid_until, authorized_until) = (fresh.valid_until(), fresh.authorized_until);
    let (renew_at, scopes) = (again.or(renew_at(config, &fresh, ctx.now())), fresh.scopes.clone());
    let mut refreshed =
        Refreshed::new(fresh).valid_until(valid_until).renew_at(renew_at).authorized_until(authorized_until);
    refreshed.granted_scopes = scopes;
    Ok(refreshed)
}

fn fresh_of(granted: &Granted, old: &Tokens) -> Tokens {
    let set = &granted.set;
    Tokens {
        access: set.access.duplicate(),
        refresh: set.refresh.as_ref().or(old.refresh.as_ref()).map(Secret::duplicate),
        valid_until: set.valid_until,
    }
}

/// The access token itself renews, while it still works.
async fn by_access_token(
    provider: &mut Provider<'_>,
    step: &CheckedStep,
    token: &Secret,
) -> Result<Granted, OAuth2Error> {
    provider.values.set("token", "access", token.expose_str().unwrap_or_default());
    let response = provider.step(step, Spend::new("access_token", token)).await?;
    let answer = response::read(&provider.config.response, &response)?;
    let at = response.received_at();
    Ok(Granted { set: response::set(&provider.config.response, &answer, at)?, answer, at })
}
