//! The account that a token reaches.

use connection_contract::{
    Context, HttpRequest, HttpResponse, Identity, NotLive, ProviderGrant, Reason, Value, classify_by, encode, reason,
};

use crate::{
    OAuth2, OAuth2Error,
    config::{Account, AccountFrom, ErrorIf},
    provider::Provider,
    token::{OAuth2Credential, exchange::Granted, response},
};

/// The account that the response to the probe names.
#[derive(Debug, Default)]
pub(crate) struct Probed {
    /// The account, if it is identified by the probe's response.
    pub(crate) identity: Option<Identity>,
    /// The grant that a revocation ends, if it is a whole one.
    pub(crate) grant: Option<ProviderGrant>,
}

/// Sends the probe; returns what its response says about the account.
pub(crate) async fn probe(
    kind: &OAuth2,
    credential: &OAuth2Credential,
    base: &connection_contract::BaseUrl,
    ctx: &Context<'_>,
) -> Result<Probed, NotLive> {
    let account = &kind.config.account;
    let elsewhere = account.elsewhere().and_then(|address| address.split_once("://"));
    let (origin, below) = match elsewhere {
        // The configuration declared this origin when it was built.
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            (Some(ctx.address(&format!("{scheme}://{host}"))?), path)
        }
        None => (None, account.path.as_str()),
    };
    let (path, query) = below.split_once('?').unwrap_or((below, ""));
    let base = origin.as_ref().unwrap_or(base);
    let mut request = HttpRequest::new(account.method, base, path).header("accept", "application/json");
    for (name, value) in encode::from_form(query) {
        request = request.query(&name, &value);
    }
    if let Some(body) = &account.body {
        request = request.json(body);
    }
    for (name, value) in &account.headers {
        request.set_header(name.to_ascii_lowercase(), value.clone());
    }
    let result = ctx.send_as(kind, credential, request).await;
    let fires = |rules: &[ErrorIf], answer: &Value| rules.iter().any(|rule| rule.fires(answer).is_some());
    let class = |response: &HttpResponse| {
        response.class_by(|answer| fires(&account.limits, answer), |answer| fires(&account.errors, answer))
    };
    let response = classify_by(result, class).map_err(|mut found| {
        if found.reason.code == reason::UNAUTHORIZED {
            found.reason.remedy = Some("authorize again".into());
        }
        found
    })?;
    let answer = response.json();
    // The kinds of a provider write an e-mail address alike, apart from capital letters.
    let grant = kind.config.grant_account.as_ref().and_then(|pointer| {
        let value = answer.as_ref().ok()?.pointer(pointer)?.as_str()?.to_lowercase();
        Some(ProviderGrant::new(credential.client_id.clone(), value))
    });
    if account.from != AccountFrom::Probe {
        return Ok(Probed { identity: None, grant });
    }
    let found = identity(account, &answer?).ok_or_else(|| {
        let places = account.id.join(", ");
        let message = format!("the provider's answer does not name the account: it has nothing at {places}");
        NotLive::offline(Reason::new(reason::NOT_JSON, message))
    })?;
    Ok(Probed { identity: Some(found), grant })
}

/// Returns the account if it is identified by the token response or by the application.
pub(crate) fn identified(
    provider: &Provider<'_>,
    credential: &OAuth2Credential,
    granted: &Granted,
) -> Result<Option<Identity>, OAuth2Error> {
    let account = &provider.config.account;
    let found = match account.from {
        AccountFrom::Probe => return Ok(None),
        AccountFrom::Client => Some(Identity::new(credential.client_id.clone(), credential.client_id.clone())),
        AccountFrom::TokenResponse => identity(account, &granted.answer),
        AccountFrom::IfKnown => {
            let claims = granted.set.id_token.as_ref().and_then(response::claims);
            let claims = claims.filter(|claims| for_us(claims, &credential.client_id));
            Some(claims.and_then(|claims| identity(account, &claims)).unwrap_or_else(|| Identity::new("", "")))
        }
        AccountFrom::IdToken => granted.set.id_token.as_ref().and_then(|token| {
            let claims = response::claims(token)?;
            for_us(&claims, &credential.client_id).then(|| identity(account, &claims))?
        }),
    };
    found.map(Some).ok_or(OAuth2Error::AccountUnknown)
}

/// Returns `true` if the audience of the claims is this application.
///
/// The token comes directly from the token endpoint, so TLS vouches for its issuer (OpenID Connect Core, section
/// 3.1.3.7).
fn for_us(claims: &Value, client_id: &str) -> bool {
    match &claims["aud"] {
        Value::Text(audience) => audience == client_id,
        Value::List(all) => all.iter().any(|audience| audience.as_str() == Some(client_id)),
        _ => false,
    }
}

fn identity(account: &Account, answer: &Value) -> Option<Identity> {
    let at = |pointers: &[String]| {
        pointers.iter().find_map(|pointer| match answer.pointer(pointer)? {
            Value::Text(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(digits) => Some(digits.clone()),
            _ => None,
        })
    };
    let id = at(&account.id)?;
    let label = at(&account.label).unwrap_or_else(|| id.clone());
    Some(Identity::new(id, label))
}
