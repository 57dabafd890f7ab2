//! Asks GitHub for the user of a token, and distinguishes a rejected token from a rate limit.

use connection_contract::prelude::*;

use crate::{GitHub, Token};

/// Shortest pause until a reset, and the pause after a response that names no time. GitHub says: "wait for at least one minute before retrying".
const MIN_PAUSE: Duration = Duration::from_secs(60);

/// The account that a token belongs to, and what GitHub reports about the token.
pub(crate) struct Account {
    pub(crate) identity: Identity,
    /// Scopes of a classic token. `None` for a fine-grained token, whose permissions GitHub does not report.
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) valid_until: Option<Timestamp>,
}

impl Account {
    pub(crate) fn result(self) -> VerifyResult<Token> {
        let mut found = VerifyResult::live().identity(self.identity).valid_until(self.valid_until);
        found.granted_scopes = self.scopes;
        found
    }
}

/// Returns the account of a token. Scopes and expiry are in headers:
/// <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps> and
/// <https://github.blog/changelog/2021-07-26-expiration-options-for-personal-access-tokens/>.
pub(crate) async fn account(
    github: &GitHub,
    token: &Token,
    base: &BaseUrl,
    ctx: &Context<'_>,
) -> Result<Account, NotLive> {
    let result = ctx.send_as(github, token, HttpRequest::get(base, "/user")).await;
    if let Some(refusal) = result.as_ref().ok().and_then(refusal) {
        return Err(refusal);
    }
    let response = classify(result)?;
    let user = response.json()?;
    let id = user["id"].as_i64().ok_or(JsonError::Field("id".into()))?;
    let scopes = |text: &str| text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(String::from).collect();
    Ok(Account {
        identity: Identity::new(id.to_string(), user.str_at("login")?.to_owned()),
        scopes: response.header("x-oauth-scopes").map(scopes),
        valid_until: response.header("github-authentication-token-expiration").and_then(Timestamp::parse),
    })
}

/// Interprets GitHub's rate limits, 401 and 403. Returns `None` for any other response.
fn refusal(response: &HttpResponse) -> Option<NotLive> {
    if let Some(pause) = rate_limit(response) {
        return Some(NotLive::rate_limited(Some(pause)));
    }
    let reason = match response.status() {
        _ if response.class() != AnswerClass::Refusal => return None,
        401 => Reason::new(reason::UNAUTHORIZED, "GitHub does not accept this token").remedy("make a new token"),
        403 if response.challenge().missing_scopes.is_none() => {
            Reason::new(reason::FORBIDDEN, "GitHub accepts this token but denies it access")
                .remedy("check at GitHub whether the account is suspended or the token needs approval")
        }
        _ => return None,
    };
    Some(NotLive::failing(reason))
}

/// Returns the time to wait if the response is one of GitHub's rate limits, which use status 403 or 429.
///
/// The primary limit sends `x-ratelimit-remaining: 0`. The secondary limit sends `retry-after`, or nothing but its
/// message. <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>
fn rate_limit(response: &HttpResponse) -> Option<Duration> {
    let is_limit = response.class() == AnswerClass::Limit;
    let until_reset = || response.pause().unwrap_or_default().max(MIN_PAUSE);
    is_limit.then(|| response.retry_after().unwrap_or_else(until_reset))
}
