//! The account that a token reaches.

use connection_contract::{
    Context, HttpRequest, HttpResponse, Identity, NotLive, ProviderGrant, Reason, Value, classify_by, encode, reason,
};

use crate::{
    OAuth2, OAuth2Error,
    config::{Account, AccountFrom, ErrorIf, OPENID},
    provider::Provider,
    service::project_fault,
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
    let of_project = result.as_ref().ok().and_then(|answer| project_fault(&kind.config.descriptor.kind, answer));
    let response = classify_by(result, class).map_err(|mut found| {
        if found.reason.code == reason::UNAUTHORIZED {
            if let Some(fault) = of_project {
                return fault;
            }
            found.reason.remedy = Some(reason::AUTHORIZE_AGAIN.into());
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
    let answer = answer?;
    let found = identity(account, &answer).ok_or_else(|| {
        let places = account.id.join(", ");
        let message = match id(account, &answer).is_some_and(Value::is_damaged) {
            true => {
                format!("the account's id in the provider's answer contains bytes that are not valid UTF-8: {places}")
            }
            false => format!("the provider's answer does not name the account: it has nothing at {places}"),
        };
        NotLive::offline(Reason::new(reason::NOT_JSON, message))
    })?;
    Ok(Probed { identity: Some(found), grant })
}

/// Returns `true` if the subject of an ID token may name the accounts of a kind, so that their credentials say whether it does.
pub(crate) fn asks_subject(account: &Account) -> bool {
    account.by_subject || account.from == AccountFrom::IfKnown
}

/// Returns `true` if the account of this authorization is named by its subject, which the probe does not read.
pub(crate) fn is_by_subject(account: &Account, credential: &OAuth2Credential) -> bool {
    account.by_subject && credential.is_by_subject()
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

/// Returns the `sub` of the ID token if the configuration names the account by it and the response to a setup has one.
pub(crate) fn subject(account: &Account, credential: &OAuth2Credential, granted: &Granted) -> Option<String> {
    let claims = || granted.set.id_token.as_ref().and_then(response::claims);
    let claims = (account.by_subject && credential.has_scope(OPENID)).then(claims).flatten();
    let claims = claims.filter(|claims| for_us(claims, &credential.client_id));
    account_id(&claims?["sub"])
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
    let id = account_id(id(account, answer)?)?;
    let label = account.label.iter().find_map(|pointer| {
        let value = answer.pointer(pointer)?;
        value.as_label().filter(|label| !label.is_empty()).map(String::from).or_else(|| account_id(value))
    });
    let label = label.unwrap_or_else(|| id.clone());
    let mut found = Identity::new(id, label);
    found.is_mutable = account.is_mutable;
    found.is_email = account.is_email;
    Some(found)
}

/// Returns the value that identifies the account. One that is not Unicode is found, too: the value of a later place would
/// be another account.
fn id<'v>(account: &Account, answer: &'v Value) -> Option<&'v Value> {
    let mut found = account.id.iter().filter_map(|pointer| answer.pointer(pointer));
    found.find(|value| value.is_damaged() || account_id(value).is_some())
}

/// Returns the id of an account from an answer: a text that is not blank, without white space and invisible characters around
/// it, or a number in one form, however the provider writes it.
///
/// ```
/// use connection_contract::Value;
/// use connection_oauth2::account_id;
///
/// let id = |digits: &str| account_id(&Value::Number(digits.to_owned()));
/// assert_eq!(id("1.2345678901E10").as_deref(), Some("12345678901"));
/// assert_eq!(id("1.0"), id("1"));
/// assert_eq!(account_id(&Value::from("1.0")).as_deref(), Some("1.0"));
/// assert_eq!(account_id(&Value::from(" 7\u{200b}\n")).as_deref(), Some("7"));
/// assert_eq!(account_id(&Value::from(" ")), None);
/// ```
pub fn account_id(value: &Value) -> Option<String> {
    let is_around = |c: char| c.is_whitespace() || c.is_control() || response::is_unseen(c);
    match value {
        Value::Text(text) => Some(text.trim_matches(is_around)).filter(|id| !id.is_empty()).map(str::to_owned),
        Value::Number(digits) => Some(plain(digits).unwrap_or_else(|| digits.clone())),
        _ => None,
    }
}

/// The longest distance of a decimal point that is written out. A number beyond is no id.
const MAX_SHIFT: i64 = 40;

/// Returns a JSON number without an exponent and without zeros that change nothing, exactly.
fn plain(number: &str) -> Option<String> {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |number| ("-", number));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0');
    let leading = i64::try_from(digits.len() - significant.len()).ok()?;
    // The decimal point stands before the significant digit with this number.
    let point = i64::try_from(whole.len()).ok()? + exponent.parse::<i32>().map(i64::from).ok()? - leading;
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    if point.abs() > MAX_SHIFT {
        return None;
    }
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
    Some(match usize::try_from(point).ok().filter(|point| *point > 0) {
        None => format!("{sign}0.{}{significant}", zeros(-point)),
        Some(point) => match significant.split_at_checked(point).filter(|(_, rest)| !rest.is_empty()) {
            Some((before, after)) => format!("{sign}{before}.{after}"),
            None => format!("{sign}{significant}{}", "0".repeat(point.saturating_sub(significant.len()))),
        },
    })
}
