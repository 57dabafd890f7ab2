//! The connection that results from a token response.

use std::time::Duration;

use connection_contract::{
    Identity, LogEvent, LogLevel, Reach, Secret, SetupContext, SetupFailure, SetupResult, Spend, Timestamp,
    VerifyResult,
};

use crate::{
    OAuth2, OAuth2Credential, OAuth2Error,
    account::{self, Probed},
    client::Application,
    config::{CheckedRenewal, Client, ClientAuth, Endpoint, OAuth2Config},
    provider::Provider,
    token::{
        Extra, Tokens,
        exchange::Granted,
        expiry,
        refusal::Occasion,
        response::{self, TokenSet},
    },
};

/// The longest interval in seconds between refreshes that keep a token alive.
const DAY: u64 = 86_400;

pub(super) async fn established(
    definition: &OAuth2,
    mut provider: Provider<'_>,
    application: Application,
    granted: Granted,
    ctx: &SetupContext<'_>,
) -> Result<SetupResult<OAuth2Credential>, SetupFailure> {
    let config = provider.config;
    let failure = |error: OAuth2Error| error.failure(&config.descriptor.kind);
    let granted = match &config.step {
        None => granted,
        Some(step) => {
            let stepped = stepped(&mut provider, step, granted).await;
            stepped.map_err(OAuth2Error::spent).map_err(failure)?
        }
    };
    captured(&mut provider, &granted);
    let mut credential = credential(&provider, &application, &granted, None);
    if let Some(missing) = missing_scope(config, &credential) {
        return Err(failure(OAuth2Error::ScopeMissing { answer: Some(granted.described), scope: missing }));
    }
    if credential.tokens.valid_until.is_some() && nothing_renews(config, &credential) {
        ctx.log(LogEvent::new("refresh_token_missing").level(LogLevel::Warn));
    }
    let base = provider.api().map_err(failure)?;
    let reach = reach(&provider, &base).map_err(failure)?;
    let identified = account::identified(&provider, &credential, &granted).map_err(failure)?;
    let probed = match config.account.probes {
        true => account::probe(definition, &credential, &base, ctx).await?,
        false => Probed::default(),
    };
    let subject = account::subject(&config.account, &credential, &granted);
    if account::asks_subject(&config.account) {
        let is_identified = identified.as_ref().is_some_and(|found| !found.account_id.as_str().is_empty());
        credential.by_subject = Some(subject.is_some() || is_identified);
    }
    let named = |probed: Identity| match subject {
        Some(id) => Identity::new(id, probed.label).formerly(probed.account_id),
        None => probed,
    };
    let identity = identified.or_else(|| probed.identity.map(named));
    let identity = identity.ok_or(OAuth2Error::AccountUnknown).map_err(failure)?;
    let mut found = VerifyResult::live().identity(identity.clone()).valid_until(credential.valid_until());
    found.granted_scopes.clone_from(&credential.scopes);
    found.grant = probed.grant;
    let valid_until = credential.valid_until();
    let authorized_until = authorized_until(config, &credential);
    let renew_at = renew_at(config, &credential, ctx.now());
    let scopes = credential.scopes.clone();
    let values = credential.values.clone();
    let mut made = SetupResult::new(credential, identity)
        .reach(reach)
        .valid_until(valid_until)
        .renew_at(renew_at)
        .authorized_until(authorized_until)
        .measured(found);
    made.granted_scopes = scopes;
    for (name, value) in values.config() {
        made = made.config(name.to_owned(), value);
    }
    Ok(made)
}

/// Sends the request that follows the token request; its response holds the tokens to keep.
async fn stepped(
    provider: &mut Provider<'_>,
    step: &crate::config::CheckedStep,
    granted: Granted,
) -> Result<Granted, OAuth2Error> {
    provider.values.set("token", "access", granted.set.access.expose_str().unwrap_or_default());
    let answer = provider.step(step, Spend::new("access_token", &granted.set.access)).await?;
    let value = response::read(&provider.config.response, Occasion::Code, &answer)?;
    let mut set = response::set(&provider.config.response, &answer, &value)?;
    set.refresh = set.refresh.or(granted.set.refresh);
    set.scopes = set.scopes.or(granted.set.scopes);
    Ok(Granted { set, described: answer.described(None), answer: value, at: answer.response.received_at() })
}

/// Stores the values of a response that the configuration captures.
pub(crate) fn captured(provider: &mut Provider<'_>, granted: &Granted) {
    for (name, pointer) in &provider.config.response.capture {
        if let Some(value) = granted.answer.pointer(pointer).and_then(connection_contract::Value::as_str) {
            provider.values.set("config", name, value);
        }
    }
}

/// Builds the credential from a response.
///
/// A refresh token, scopes or further sets that the response leaves out keep their previous values.
pub(crate) fn credential(
    provider: &Provider<'_>,
    application: &Application,
    granted: &Granted,
    before: Option<&OAuth2Credential>,
) -> OAuth2Credential {
    let config = provider.config;
    let kept = |old: Option<&Tokens>| old.and_then(|old| old.refresh.as_ref()).map(Secret::duplicate);
    let tokens = |set: &TokenSet, old: Option<&Tokens>| Tokens {
        access: set.access.duplicate(),
        refresh: set.refresh.as_ref().map(Secret::duplicate).or_else(|| kept(old)),
        valid_until: set.valid_until,
    };
    let mut extra = Vec::new();
    for (name, at) in &config.response.extra {
        let old = before.and_then(|before| before.extra(name));
        match response::extra(&config.response, &granted.answer, at, granted.at) {
            Some(set) => extra.push(Extra::new(name, tokens(&set, old.map(|old| &old.tokens)))),
            None => extra.extend(old.map(Extra::duplicate)),
        }
    }
    if granted.set.is_odd {
        // The token has an end that cannot be read. Log it, since the author of the configuration may want to know.
        provider.ctx.log(LogEvent::new("life_unreadable").level(LogLevel::Warn));
    }
    let requested_scopes = || Some(provider.scopes()).filter(|scopes| !scopes.is_empty());
    let authorized_life = || config.authorization_life.map(|life| expiry::after(granted.at, life.as_secs()));
    let own = matches!(config.client, Client::PerConnection | Client::Registered);
    OAuth2Credential {
        tokens: tokens(&granted.set, before.map(|before| &before.tokens)),
        extra,
        // A missing scope means "as requested" (RFC 6749, section 5.1), or "as before" for a refresh (section 6).
        scopes: granted
            .set
            .scopes
            .clone()
            .or_else(|| before.map_or_else(requested_scopes, |before| before.scopes.clone())),
        // A refresh does not begin the life of the authorization again.
        authorized_until: granted
            .set
            .authorized_until
            .or_else(|| before.map_or_else(authorized_life, |before| before.authorized_until)),
        client_id: application.id.clone(),
        client_secret: application.secret.as_ref().filter(|_| own).map(Secret::duplicate),
        client_auth: application.auth.as_ref().and_then(ClientAuth::method).filter(|_| own).map(str::to_owned),
        values: provider
            .values
            .config()
            .fold(crate::config::Values::default(), |values, (name, value)| values.with("config", name, value)),
        found: provider.found.kept(),
        by_subject: before.filter(|_| account::asks_subject(&config.account)).map(OAuth2Credential::is_by_subject),
    }
}

fn missing_scope(config: &OAuth2Config, credential: &OAuth2Credential) -> Option<String> {
    missing_scopes(config, credential.scopes.as_deref().unwrap_or_default()).next()
}

/// Returns the required scopes that are certainly not among the granted ones: none if a granted one may be several, and none
/// that differs from a granted one in its case alone.
pub(crate) fn missing_scopes(config: &OAuth2Config, granted: &[String]) -> impl Iterator<Item = String> {
    // An item of a list may be several scopes, and so may a scope that an earlier version stored.
    let parts: Option<Vec<Vec<String>>> = granted.iter().map(|scope| response::split_scopes(scope)).collect();
    let is_granted = move |scope: &str| match &parts {
        Some(parts) => granted.iter().chain(parts.iter().flatten()).any(|part| part.eq_ignore_ascii_case(scope)),
        None => true,
    };
    config.required_scopes.iter().filter(move |scope| !is_granted(scope.as_str())).cloned()
}

/// Returns `true` if the tokens are refreshed by a refresh token that was not issued.
fn nothing_renews(config: &OAuth2Config, credential: &OAuth2Credential) -> bool {
    matches!(config.renewal, CheckedRenewal::RefreshToken) && credential.tokens.refresh.is_none()
}

/// Returns the time at which the user must authorize again, whatever is refreshed: the time that the provider states,
/// or the end of the first set that cannot be refreshed.
pub(crate) fn authorized_until(config: &OAuth2Config, credential: &OAuth2Credential) -> Option<Timestamp> {
    let own = credential.valid_until().filter(|_| nothing_renews(config, credential));
    let lost = credential.extra.iter().filter_map(Extra::ends);
    credential.authorized_until.into_iter().chain(own).chain(lost).min()
}

/// Returns when to refresh a token that would expire unused or whose lifetime is unknown.
///
/// A token that cannot be refreshed is due at its end.
pub(crate) fn renew_at(config: &OAuth2Config, credential: &OAuth2Credential, now: Timestamp) -> Option<Timestamp> {
    if nothing_renews(config, credential) {
        return credential.tokens.valid_until;
    }
    let renews = matches!(config.renewal, CheckedRenewal::RefreshToken);
    let third = |life: Duration| now.after((life.as_secs() / 3).clamp(1, DAY));
    let until = credential.valid_until();
    let keep_alive = match (config.idle_life, until) {
        (Some(idle), _) => third(idle),
        (None, None) => now.after(DAY),
        (None, Some(_)) => return None,
    };
    (renews && until.is_none_or(|until| keep_alive < until)).then_some(keep_alive)
}

/// Returns where the tokens may go: the declared origins, or exactly these hosts if an address was learned.
fn reach(provider: &Provider<'_>, base: &connection_contract::BaseUrl) -> Result<Reach, OAuth2Error> {
    let config = provider.config;
    let learned = |template: &crate::config::Template| template.variables().next().is_some();
    let learns = config.api.iter().any(learned) || config.endpoints.iter().any(|(_, template)| learned(template));
    if !learns && !config.discover && config.api.len() == 1 {
        return Ok(Reach::declared());
    }
    let mut reach = Reach::base(base.clone());
    for endpoint in [Endpoint::Token, Endpoint::Refresh, Endpoint::Revocation] {
        if let Some(url) = provider.url(endpoint)? {
            let origin = provider.base(&url, endpoint.name())?.origin().clone();
            if origin != *base.origin() && !reach.origins.contains(&origin) {
                reach = reach.origin(origin);
            }
        }
    }
    if let CheckedRenewal::Step(step) = &config.renewal {
        let origin = provider.base(&step.url.url(&provider.values)?, "renewal")?.origin().clone();
        if origin != *base.origin() && !reach.origins.contains(&origin) {
            reach = reach.origin(origin);
        }
    }
    if let Some(elsewhere) = config.account.elsewhere() {
        reach = reach.origin(provider.base(elsewhere, "userinfo endpoint")?.origin().clone());
    }
    Ok(reach)
}
