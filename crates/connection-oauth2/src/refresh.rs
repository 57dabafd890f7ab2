//! Refreshes tokens before they expire.
//!
//! Each refresh token is spent once: through `send_once`, and by a single request even if two sets of tokens share it.

use connection_contract::{
    BoxFuture, ConnectionError, LogEvent, LogLevel, NotLive, Reason, RefreshContext, RefreshSemantics, Refreshed,
    Refresher, Secret, Spend, SpendContext, Timestamp, reason,
};

use crate::{
    OAuth2, OAuth2Credential, OAuth2Error,
    client::{self, Application},
    config::{CheckedRenewal, CheckedStep, Client, ClientAuth, OAuth2Config},
    flow::{authorized_until, captured, credential, missing_scopes, renew_at},
    inherit,
    provider::Provider,
    token::{
        Extra, Tokens,
        exchange::{self, Granted},
        refusal::Occasion,
        response,
    },
};

/// The time in seconds before the end of the main set within which a further set gets no refresh of its own.
///
/// A further set is tried again at its own time only if that is earlier; otherwise the refresh of the main set
/// includes it.
const LEAD_SECONDS: u64 = 300;

/// The remedy for a redirect in answer to a refresh.
const AFTER_REDIRECT: &str = "the provider is asked again by itself; if it redirects this host for more than a day, find out \
                              whether a sign-in page stands before it, or whether the address in the kind is out of date";

impl Refresher<OAuth2Credential> for OAuth2 {
    fn semantics(&self) -> RefreshSemantics {
        match self.config.renewal {
            // Running the grant again uses nothing up.
            CheckedRenewal::Rerun => RefreshSemantics::Stable,
            _ => self.config.semantics,
        }
    }

    fn renews(&self, credential: &OAuth2Credential) -> bool {
        match self.config.renewal {
            CheckedRenewal::Never => false,
            CheckedRenewal::RefreshToken => credential.tokens.refresh.is_some(),
            CheckedRenewal::Rerun | CheckedRenewal::Step(_) => true,
        }
    }

    fn refresh<'a>(
        &'a self,
        credential: &'a OAuth2Credential,
        ctx: &'a RefreshContext<'_>,
    ) -> BoxFuture<'a, Result<Refreshed<OAuth2Credential>, ConnectionError>> {
        Box::pin(async move {
            let kind = &self.config.descriptor.kind;
            if !renews(&self.config, credential) {
                return Err(OAuth2Error::NothingToRenew.not_live(kind).into());
            }
            let application = application(&self.config, credential, ctx).await.map_err(|error| error.not_live(kind))?;
            let fresh = match renewed(self, &application, credential, ctx).await {
                // Only this connection uses the application, so no person could correct it.
                Err(OAuth2Error::InvalidClient { .. }) if matches!(self.config.client, Client::Registered) => {
                    forget(&self.config, credential, ctx).await;
                    Err(OAuth2Error::ClientLapsed)
                }
                // The endpoint gave the tokens, so that a sign-in or a page about maintenance stands before it for now, or
                // it has moved.
                Err(error @ OAuth2Error::Redirected(_)) => {
                    let reason = Reason::new(reason::PROVIDER_ERROR, error.to_string());
                    Err(NotLive::offline(reason.remedy(AFTER_REDIRECT)).into())
                }
                fresh => fresh,
            };
            Ok(fresh
                .map_err(|error| error.of_client(client::place(&self.config, Some(&application))).not_live(kind))?)
        })
    }

    fn inherit(
        &self,
        former: &OAuth2Credential,
        fresh: OAuth2Credential,
        now: Timestamp,
    ) -> Option<Refreshed<OAuth2Credential>> {
        inherit::inherit(&self.config, former, fresh, now)
    }
}

/// Returns `true` if a refresh can replace these tokens.
fn renews(config: &OAuth2Config, credential: &OAuth2Credential) -> bool {
    match config.renewal {
        CheckedRenewal::Never => false,
        CheckedRenewal::RefreshToken => credential.tokens.refresh.is_some(),
        CheckedRenewal::Rerun | CheckedRenewal::Step(_) => true,
    }
}

/// Returns the application that obtained these tokens, with its current secret.
pub(crate) async fn application(
    config: &OAuth2Config,
    credential: &OAuth2Credential,
    ctx: &connection_contract::Context<'_>,
) -> Result<Application, OAuth2Error> {
    // Use the stored id and secret: since then the application may have registered again for another redirect address.
    if matches!(config.client, Client::PerConnection | Client::Registered) {
        let secret = credential.client_secret.as_ref().map(Secret::duplicate);
        let auth = credential.client_auth.as_deref().and_then(ClientAuth::of_method);
        return Ok(Application { auth, ..Application::new(credential.client_id.clone(), secret) });
    }
    let known = client::known(config, ctx).await?.ok_or(OAuth2Error::ClientMissing)?;
    if known.id == credential.client_id { Ok(known) } else { Err(OAuth2Error::ClientChanged) }
}

/// Removes the application, so that no setup uses it. If that fails, the next setup that is refused with it removes it.
async fn forget(config: &OAuth2Config, credential: &OAuth2Credential, ctx: &RefreshContext<'_>) {
    let known = client::load(config, ctx).await.ok().flatten();
    if known.is_some_and(|known| known.id == credential.client_id) {
        drop(client::forget(config, ctx).await);
    }
}

async fn renewed(
    definition: &OAuth2,
    application: &Application,
    before: &OAuth2Credential,
    ctx: &RefreshContext<'_>,
) -> Result<Refreshed<OAuth2Credential>, OAuth2Error> {
    let config = &definition.config;
    let spend: &SpendContext<'_> = ctx;
    let mut provider = Provider {
        config,
        ctx: spend,
        spend: Some(spend),
        granted: ctx.connection().base_url().ok().cloned(),
        found: before.found.clone(),
        values: before.values.clone(),
        further_scopes: config.optional(before.scopes.iter().flatten()),
    };
    provider.know(application);
    let scopes = before.scopes.as_deref().filter(|_| config.refresh_with_scope);
    let granted = match &config.renewal {
        CheckedRenewal::Never => return Err(OAuth2Error::NothingToRenew),
        CheckedRenewal::RefreshToken => {
            let token = before.tokens.refresh.as_ref().ok_or(OAuth2Error::NothingToRenew)?;
            exchange::refresh(&provider, application, token, scopes).await?
        }
        CheckedRenewal::Rerun => exchange::without_code(&provider, application, None).await?,
        CheckedRenewal::Step(step) => by_access_token(&mut provider, step, &before.tokens.access).await?,
    };
    captured(&mut provider, &granted);
    let mut fresh = credential(&provider, application, &granted, Some(before));
    let again = further(&provider, application, before, &mut fresh).await;
    let valid_until = fresh.valid_until();
    let authorized_until = authorized_until(config, &fresh);
    let again = again.filter(|again| valid_until.is_none_or(|until| again.after(LEAD_SECONDS) <= until));
    let planned = renew_at(config, &fresh, ctx.now());
    let scopes = fresh.scopes.clone();
    let renew_at = again.into_iter().chain(planned).min();
    let mut refreshed =
        Refreshed::new(fresh).valid_until(valid_until).renew_at(renew_at).authorized_until(authorized_until);
    let missing = scopes.as_deref().into_iter().flat_map(|granted| missing_scopes(config, granted));
    refreshed = refreshed.lacks(missing);
    refreshed.granted_scopes = scopes;
    Ok(refreshed)
}

/// Refreshes the further sets that did not come with the main one; returns when to try the failed ones again.
///
/// A failure is not an error here, because it must not lose the tokens that were refreshed.
async fn further(
    provider: &Provider<'_>,
    application: &Application,
    before: &OAuth2Credential,
    fresh: &mut OAuth2Credential,
) -> Option<Timestamp> {
    let ctx = provider.ctx;
    let now = provider.ctx.now();
    let mut again = None;
    let main = fresh.tokens.duplicate();
    let spent = before.tokens.refresh.as_ref().map(Secret::expose);
    for extra in &mut fresh.extra {
        let Some(old) = before.extra(&extra.name) else { continue };
        let is_same = extra.tokens.access.expose() == old.tokens.access.expose();
        if spent.is_some() && extra.tokens.refresh.as_ref().map(Secret::expose) == spent {
            // Both sets share a refresh token, so one request refreshed both.
            extra.tokens.refresh = main.refresh.as_ref().map(Secret::duplicate);
            if is_same && old.tokens.access.expose() == before.tokens.access.expose() {
                // Both sets are the same.
                extra.tokens = main.duplicate();
            } else if is_same {
                // Keep the old access token, since the new one may belong to another account; clear its end, so that
                // the connection does not look expired.
                extra.tokens.valid_until = None;
                ctx.log(LogEvent::new("extra_tokens_not_renewed").level(LogLevel::Warn));
            }
            continue;
        }
        let is_kept =
            extra.tokens.refresh.as_ref().map(Secret::expose) == old.tokens.refresh.as_ref().map(Secret::expose);
        if extra.is_lost() || !is_same || !is_kept || extra.tokens.valid_until != old.tokens.valid_until {
            extra.end(now);
            continue;
        }
        match &old.tokens.refresh {
            Some(token) => match exchange::refresh(provider, application, token, None).await {
                Ok(other) => *extra = Extra::new(&extra.name, fresh_of(&other, &old.tokens)),
                Err(error) if error.leaves_token() => again = again.into_iter().chain(extra.failed(now)).min(),
                Err(_) => extra.lose(now),
            },
            // The set does not come with the main one, and has no refresh token of its own.
            None if extra.tokens.valid_until.is_some() => extra.lose(now),
            None => {}
        }
        if extra.is_lost() {
            ctx.log(LogEvent::new("extra_tokens_lost").level(LogLevel::Warn));
        } else if extra.is_tried_again() {
            ctx.log(LogEvent::new("extra_tokens_not_renewed").level(LogLevel::Warn));
        }
    }
    again
}

fn fresh_of(granted: &Granted, old: &Tokens) -> Tokens {
    let set = &granted.set;
    Tokens {
        access: set.access.duplicate(),
        refresh: set.refresh.as_ref().or(old.refresh.as_ref()).map(Secret::duplicate),
        valid_until: set.valid_until,
    }
}

/// Refreshes with the access token itself, while it still works.
async fn by_access_token(
    provider: &mut Provider<'_>,
    step: &CheckedStep,
    token: &Secret,
) -> Result<Granted, OAuth2Error> {
    provider.values.set("token", "access", token.expose_str().unwrap_or_default());
    let answer = provider.step(step, Spend::new("access_token", token)).await?;
    let value = response::read(&provider.config.response, Occasion::Refresh, &answer)?;
    let set = response::set(&provider.config.response, &answer, &value)?;
    Ok(Granted { set, described: answer.described(None), answer: value, at: answer.response.received_at() })
}
