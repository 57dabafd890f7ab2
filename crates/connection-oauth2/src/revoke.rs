//! Revokes tokens (RFC 7009). Written here because the `oauth2` crate refuses an endpoint on this machine, and supports
//! neither the other ways to authenticate nor a second attempt.

use connection_contract::{AnswerClass, HttpResponse, JsonError, Reason, Secret, Teardown, Value, reason};

use crate::{
    OAuth2Error, ProviderAnswer,
    client::Application,
    config::Endpoint,
    provider::{Parameters, Provider},
    token::{OAuth2Credential, refusal::Occasion, response},
};

/// The values of `token_type_hint` (section 2.1).
const REFRESH_TOKEN: &str = "refresh_token";
const ACCESS_TOKEN: &str = "access_token";
/// The status of an answer that says that the request will be processed later (RFC 9110, section 15.3.3).
const ACCEPTED: u16 = 202;

/// The provider's answer to the revocation of one token.
enum Answer {
    /// The token no longer works.
    Confirmed,
    /// An answer that says nothing about the token.
    Unconfirmed(ProviderAnswer),
    /// The provider does not revoke tokens of this type.
    Unsupported,
    /// The provider refused the request with 400 or 401.
    Refused(OAuth2Error),
}

/// Revokes every token, refresh tokens first: revoking one of them invalidates its access tokens too.
///
/// # Errors
///
/// Returns the first failure; the remaining tokens are revoked all the same.
pub(crate) async fn revoke(
    provider: &Provider<'_>,
    application: &Application,
    url: &str,
    credential: &OAuth2Credential,
) -> Result<Teardown, OAuth2Error> {
    let sets = || credential.sets();
    let refresh = sets().filter_map(|tokens| Some((REFRESH_TOKEN, tokens.refresh.as_ref()?)));
    let access = sets().map(|tokens| (ACCESS_TOKEN, &tokens.access));
    let mut outcome = Ok(Teardown::Revoked);
    let mut is_refresh_token_revoked = false;
    for (hint, token) in refresh.chain(access) {
        let answer = match one(provider, application, url, hint, token).await {
            // The revocation of the refresh token has ended the access token (section 2.1), which some providers then
            // refuse like any token that does not work.
            Ok(Answer::Refused(_)) if is_refresh_token_revoked && hint == ACCESS_TOKEN => Ok(Answer::Confirmed),
            answer => answer,
        };
        is_refresh_token_revoked |= hint == REFRESH_TOKEN && matches!(answer, Ok(Answer::Confirmed));
        match (&outcome, answer) {
            (Ok(_), Err(error)) => outcome = Err(error),
            (Ok(Teardown::Revoked), Ok(answer)) => outcome = answer.teardown(hint),
            _ => {}
        }
    }
    outcome
}

impl Answer {
    /// Returns the outcome for a token of this type.
    fn teardown(self, hint: &str) -> Result<Teardown, OAuth2Error> {
        let token = if hint == REFRESH_TOKEN { "refresh token" } else { "access token" };
        match self {
            Self::Confirmed => Ok(Teardown::Revoked),
            Self::Unconfirmed(answer) => Ok(Teardown::NotRevoked(Reason::new(
                reason::REVOCATION_UNCONFIRMED,
                format!("{answer}, which does not confirm that it revoked the {token}"),
            ))),
            Self::Unsupported => Ok(Teardown::not_revoked(format!(
                "the {token} works until it expires, because the provider does not revoke tokens of this type"
            ))),
            Self::Refused(error) => Err(error),
        }
    }
}

async fn one(
    provider: &Provider<'_>,
    application: &Application,
    url: &str,
    hint: &str,
    token: &Secret,
) -> Result<Answer, OAuth2Error> {
    let mut answer = post(provider, application, url, Some(hint), token).await;
    if answer.as_ref().is_err_and(OAuth2Error::is_transient) {
        // "The client must assume the token still exists and may retry" (section 2.2.1). A teardown cannot retry later.
        answer = post(provider, application, url, Some(hint), token).await;
    }
    match answer {
        Ok(Answer::Unsupported) => post(provider, application, url, None, token).await,
        answer => answer,
    }
}

async fn post(
    provider: &Provider<'_>,
    application: &Application,
    url: &str,
    hint: Option<&str>,
    token: &Secret,
) -> Result<Answer, OAuth2Error> {
    let mut parameters = Parameters::new([("token", token.expose_str().unwrap_or_default())]);
    if let Some(hint) = hint {
        parameters.set("token_type_hint", hint);
    }
    provider.authenticate(application, url, &mut parameters)?;
    let answer = provider.post(None, url, Endpoint::Revocation.name(), parameters, None).await?;
    let status = answer.response.status();
    let is = |code: &Option<String>, word: &str| code.as_ref().is_some_and(|code| code.eq_ignore_ascii_case(word));
    let is_unread =
        || answer.response.class() == AnswerClass::Success && answer.response.json() == Err(JsonError::Coding);
    match response::read(&provider.config.response, Occasion::Revocation, &answer) {
        Ok(_) if confirms_revocation(&answer.response) => Ok(Answer::Confirmed),
        Ok(_) => Ok(Answer::Unconfirmed(answer.described(None))),
        Err(_) if is_unread() => Ok(Answer::Unconfirmed(answer.described(None))),
        // The token is no longer valid, perhaps since its refresh token was revoked. Section 2.2 requires a success
        // here, but some providers answer with an error.
        Err(OAuth2Error::Dead(_)) => Ok(Answer::Confirmed),
        Err(OAuth2Error::Refused(of)) if is(&of.code, "unsupported_token_type") => Ok(Answer::Unsupported),
        // The endpoint may be absent, as well as the token.
        Err(_) if matches!(status, 404 | 410) => Ok(Answer::Unconfirmed(answer.described(None))),
        Err(error) if !error.is_transient() && matches!(status, 400 | 401) => Ok(Answer::Refused(error)),
        Err(error) => Err(error),
    }
}

/// The parts of the names of members that state an error, in lower case and without separators.
const OF_ERRORS: [&str; 3] = ["error", "exception", "fault"];
/// The names of the members in which an answer says in words what happened.
const IN_WORDS: [&str; 8] = ["description", "detail", "message", "msg", "reason", "state", "status", "title"];
/// The words, or their parts, of an answer that says that nothing was revoked, or not yet, in lower case.
const FAILURES: [&str; 20] = [
    "cannot",
    "could not",
    "denied",
    "error",
    "exception",
    "fail",
    "fault",
    "forbidden",
    "invalid",
    "missing",
    "no such",
    "no token",
    "not ",
    "pending",
    "queued",
    "refused",
    "rejected",
    "unable",
    "unauth",
    "unknown",
];

/// Returns `true` if a successful answer to a revocation confirms it.
///
/// An answer that is a page, such as one that a website shows for every address, confirms nothing, and neither does 202,
/// which says that something will be done. Neither does an answer that is not Unicode, that
/// [states an error](Value::stated_errors), also in an element of a list, under a name for an error or in words, or that says
/// itself that nothing was done: `false` alone or at `result` or `revoked`. RFC 7009, section 2.2, leaves the content of the
/// answer open, so any other content confirms.
///
/// ```
/// use connection_contract::{HttpResponse, Timestamp};
/// use connection_oauth2::confirms_revocation;
///
/// let now = Timestamp::from_seconds(0);
/// let confirms = |body: &str| confirms_revocation(&HttpResponse::new(200, Vec::new(), body, now));
/// assert!(confirms("") && confirms("{}") && confirms("Token revoked"));
/// assert!(!confirms("<html>") && !confirms(r#"{"success": false}"#) && !confirms("Error: token not found"));
/// ```
pub fn confirms_revocation(response: &HttpResponse) -> bool {
    match response.json_or_form() {
        _ if response.status() == ACCEPTED || response.is_page() => false,
        Ok(value) => !denies(&value, response.status()),
        Err(JsonError::Coding) => false,
        // Text with zeros in it is UTF-16.
        Err(_) => {
            str::from_utf8(response.body().expose()).is_ok_and(|text| !text.contains('\0') && !says_failure(text))
        }
    }
}

/// Returns `true` for an answer that says that the request failed.
fn denies(answer: &Value, status: u16) -> bool {
    let is_false = |found: &Value| match found {
        Value::Bool(is_done) => !is_done,
        Value::Text(text) => text.trim().eq_ignore_ascii_case("false"),
        _ => false,
    };
    let is_zero = |found: &Value| matches!(found, Value::Number(text) | Value::Text(text) if text == "0");
    match answer {
        Value::List(items) => items.iter().any(|item| denies(item, status)),
        Value::Map(fields) => {
            !answer.stated_errors(status).is_empty()
                || is_false(&answer["revoked"])
                || is_zero(&answer["revoked"])
                || is_false(&answer["result"])
                || fields.iter().any(|(name, found)| states_failure(name, found))
        }
        Value::Text(text) | Value::Damaged(text) => is_false(answer) || says_failure(text),
        answer => is_false(answer),
    }
}

/// Returns `true` for a member that is about an error and has a value, and for one that states a failure in words. What a
/// number says is left to [`Value::stated_errors`].
fn states_failure(name: &str, found: &Value) -> bool {
    let name: String = name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect();
    let is_of_error = OF_ERRORS.iter().any(|part| name.replace("default", "").contains(part));
    match found {
        Value::Bool(is_error) => is_of_error && *is_error,
        Value::List(items) => is_of_error && !items.is_empty(),
        Value::Map(fields) => is_of_error && (name == "fault" || !fields.is_empty()),
        Value::Text(text) if is_of_error => {
            let has_letter = text.contains(char::is_alphabetic);
            has_letter && !found.is_missing() && !text.trim().eq_ignore_ascii_case("false")
        }
        Value::Text(text) => IN_WORDS.contains(&name.as_str()) && says_failure(text),
        _ => false,
    }
}

fn says_failure(text: &str) -> bool {
    let text = text.to_lowercase().replace("default", "");
    FAILURES.iter().any(|part| text.contains(part))
}
