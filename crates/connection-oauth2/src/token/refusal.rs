//! The errors that token endpoints state: where providers write their codes, and what the codes mean.
//!
//! A code that several providers use is known here, with its source. A code of a single provider is data of its
//! configuration: [`Response::address_refused_if`], [`Response::dead_code`], [`Response::error_if`] and
//! [`Response::limited_if`].

use connection_contract::{AnswerClass, NotLive, Reason, Value, names_limit, reason};
use oauth2::http::StatusCode;

use super::response;
use crate::{
    ClientPlace, OAuth2Error,
    answer::Answered,
    config::{ErrorIf, Response},
};

/// The request that an answer is for, which decides what a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// A request of the application that begins an authorization: that for the codes of a device, or a pushed one.
    Begin,
    /// The exchange of a code.
    Code,
    /// A poll with a device code.
    Device,
    /// A grant that can be repeated: the application's own, or a user's password.
    Login,
    /// A registration, or what a browser brought.
    Other,
    /// A refresh.
    Refresh,
    /// The revocation of a token.
    Revocation,
}

/// What a code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Meaning {
    /// The secret of the application has expired.
    ClientExpired,
    /// The application's id or secret is wrong.
    Client,
    /// The code, the device code or the refresh token no longer works.
    Dead,
    /// The request is to be repeated later.
    Later,
    /// An administrator has to allow the application.
    Administrator,
    /// A person refused access.
    Denied,
}

/// The codes that are known without a configuration, in lower case and without separators. Those of limits, which are the same
/// in the answers of every API, are in [`names_limit`].
const CODES: &[(&str, Meaning)] = &[
    // Microsoft Entra, "Authentication and authorization error codes" (`error_codes`): the secret of the application has
    // expired (7000222), or is wrong (7000215).
    ("aadsts7000222", Meaning::ClientExpired),
    ("aadsts7000215", Meaning::Client),
    // RFC 6749, section 5.2.
    ("invalidclient", Meaning::Client),
    // GitHub, "Troubleshooting OAuth app access token request errors".
    ("incorrectclientcredentials", Meaning::Client),
    // Slack, the errors of `oauth.v2.access`; HubSpot has the first and the last one, in capital letters (the last one with the
    // message "missing or unknown client id").
    ("badclientsecret", Meaning::Client),
    ("invalidclientid", Meaning::Client),
    ("badclientid", Meaning::Client),
    // Zoho, "OAuth error codes": the secret does not belong to the application.
    ("invalidclientsecret", Meaning::Client),
    // Todoist, "Authorization": the id or the secret is wrong.
    ("incorrectapplicationcredentials", Meaning::Client),
    // Salesforce, "OAuth 2.0 Authorization Errors".
    ("invalidclientcredentials", Meaning::Client),
    // Google, "Authorization errors" and "Using OAuth 2.0"; issue 1256 of googleapis/google-api-nodejs-client has the first
    // one in the answer to a refresh. The application was deleted or disabled in its project; one that nobody has used for
    // months is deleted.
    ("deletedclient", Meaning::Client),
    ("disabledclient", Meaning::Client),
    // RFC 6749, section 5.2.
    ("invalidgrant", Meaning::Dead),
    // OpenID Connect Core, section 3.1.2.6; Microsoft and others answer a refresh with these if only the user can help.
    ("consentrequired", Meaning::Dead),
    ("interactionrequired", Meaning::Dead),
    ("loginrequired", Meaning::Dead),
    // Google, "Refresh token expiration": the administrator of an organization restricts a service that is requested.
    ("adminpolicyenforced", Meaning::Administrator),
    // RFC 6749, section 4.1.2.1, and RFC 8628, section 3.5; Microsoft's device codes have the second.
    ("accessdenied", Meaning::Denied),
    ("authorizationdeclined", Meaning::Denied),
    // LinkedIn, "Authorization Code Flow", and Sign in with Apple: the person left the page instead of agreeing.
    ("usercancelledauthorize", Meaning::Denied),
    ("usercancelledlogin", Meaning::Denied),
    // RFC 6749, section 4.1.2.1; RFC 8628, section 3.5.
    ("servererror", Meaning::Later),
    ("temporarilyunavailable", Meaning::Later),
    ("slowdown", Meaning::Later),
    // Slack, the errors of `oauth.v2.access`, which have the status 200; Notion ("Status codes") and others have the third and
    // the fifth one. Slack's request is repeated after `request_timeout`, because a part of it was lost.
    ("fatalerror", Meaning::Later),
    ("internalerror", Meaning::Later),
    ("internalservererror", Meaning::Later),
    ("requesttimeout", Meaning::Later),
    ("serviceunavailable", Meaning::Later),
    ("teamaddedtoorg", Meaning::Later),
];

/// The codes of a refresh that say that the refresh token no longer works, in lower case and without separators.
const DEAD_REFRESH_TOKENS: &[&str] = &[
    // GitHub, "Refreshing user access tokens"; HubSpot writes it in capital letters.
    "badrefreshtoken",
    // Slack, the errors of `oauth.v2.access`.
    "invalidrefreshtoken",
    // RFC 8628, section 3.5, names the expired code of a device; at a refresh, it can only be the refresh token.
    "expiredtoken",
    // Slack, "Using token rotation", and OpenAI's authorization server (openai/codex, `auth`).
    "tokenexpired",
    "tokenrevoked",
    "refreshtokenexpired",
    "refreshtokeninvalidated",
    "refreshtokenreused",
    "refreshtokenrevoked",
    // Supabase, "Error codes" of Auth.
    "refreshtokenalreadyused",
    "refreshtokennotfound",
    "sessionexpired",
    // Spring Security OAuth and Cloud Foundry's UAA (`DefaultTokenServices.refreshAccessToken`).
    "invalidtoken",
    // Fastify, the errors of `@fastify/jwt`.
    "fstjwtauthorizationtokenexpired",
];

/// The codes that say that the time of a device's code is over. RFC 8628, section 3.5, has the first one.
const EXPIRED_CODES: [&str; 3] = ["expiredtoken", "codeexpired", "expiredcode"];

/// The codes that some servers write in words, as `Invalid Grant`. The words of other codes mean several things.
const IN_WORDS: [&str; 2] = ["invalidgrant", "authorizationpending"];

/// The codes of an exchange, or of a poll with a device's code, that say that the code does not work.
const DEAD_CODES: &[&str] = &[
    // GitHub, "Troubleshooting OAuth app access token request errors".
    "badverificationcode",
    // Slack, the errors of `oauth.v2.access`; Zoho, "OAuth error codes".
    "invalidcode",
    // HubSpot, "OAuth tokens".
    "badauthcode",
    // Todoist, "Authorization".
    "badauthorizationcode",
];

/// The code of a device that nobody has confirmed yet (RFC 8628, section 3.5).
pub(super) const PENDING: &str = "authorization_pending";

/// The places of codes below a member of an answer that is an object.
const INNER: [&str; 7] = ["code", "error", "errorType", "type", "status", "name", "reason"];
/// The members of an error answer that hold a code at some providers, apart from `error`.
const OUTER: [&str; 8] = ["error_code", "errorCode", "code", "errors", "status", "type", "name", "error_type"];
/// The members in which some providers, such as WeChat, state the number of an error in an answer with the status 200.
const NUMBERS: [&str; 4] = ["error", "error_code", "errorCode", "errcode"];
/// How many members and lists deep a known code is looked for.
const MAX_DEPTH: usize = 8;
/// The parts of the names of members that are an error, with all that is in them. All these names are in lower case and
/// without separators.
const OF_ERRORS: [&str; 4] = ["error", "exception", "fail", "fault"];
/// The parts of the names of members that may lead to an error, or be its code.
const PARTS_TO_ERRORS: [&str; 6] = ["cause", "code", "detail", "message", "problem", "reason"];
/// The whole names of further such members.
const TO_ERRORS: [&str; 13] = [
    "body",
    "data",
    "description",
    "err",
    "extensions",
    "msg",
    "name",
    "payload",
    "response",
    "result",
    "status",
    "title",
    "type",
];
/// The parts of the names of members that are about something else than the error of the answer.
const OF_OTHERS: [&str; 7] = ["example", "former", "last", "possible", "previous", "request", "supported"];
/// The texts at these places that are no codes.
const NO_CODES: [&str; 6] = ["error", "fail", "failed", "failure", "exception", "badrequesterror"];

/// The codes that an answer states.
#[derive(Debug, Default)]
pub(crate) struct Stated {
    /// The codes, those of the configuration's rules first.
    pub(crate) codes: Vec<String>,
    /// The known codes in members that are about an error, at any depth. They count if none of the others is known.
    further: Vec<String>,
    /// A rule of the configuration, the member `error` or the number of an error says that the answer is an error.
    is_explicit: bool,
    /// A rule of the configuration says so.
    is_by_rule: bool,
}

impl Stated {
    /// Reads the codes of an answer. The further places are read only in an answer whose status is an error.
    pub(crate) fn of(rules: &Response, value: &Value, status: u16) -> Self {
        let mut stated = Self::default();
        for (rule, found) in rules.errors.iter().filter_map(|rule| Some((rule, rule.fires(value)?))) {
            stated.is_by_rule = true;
            // A text with other words around the part is no code of its own.
            stated.codes.extend(rule.part().map(str::to_owned));
            stated.codes.extend(text(found));
        }
        let error = &value["error"];
        let is_success = (200..300).contains(&status);
        let errors = value.stated_errors(status);
        // With another status, a number says that there is an error no more than the status does.
        let has_number = |(name, found): &&(&str, &Value)| is_success && NUMBERS.contains(name) && is_number(found);
        let number = errors.iter().find(has_number).map(|(_, found)| *found);
        let is_stated = matches!(errors.first(), Some(("error", Value::Text(_) | Value::Map(_))));
        let is_error = is_stated || number.is_some();
        stated.is_explicit = stated.is_by_rule || is_error;
        if is_stated || !is_success {
            stated.add(error, status);
        }
        if is_error || !is_success {
            stated.codes.extend(number.and_then(text));
            // Microsoft Entra lists its own numbers beside `error`.
            let numbers = value["error_codes"].items().iter().filter_map(text);
            stated.codes.extend(numbers.map(|number| format!("AADSTS{number}")));
        }
        if !is_success {
            for name in OUTER {
                stated.add(&value[name], status);
            }
        }
        if is_error || !is_success {
            add_known(value, MAX_DEPTH, false, &mut stated.further);
        }
        stated
    }

    /// Returns what a known code says, and the code. Several different ones at further places are a list of all codes, and
    /// say nothing about this request.
    pub(crate) fn known(&self, occasion: Occasion, status: u16) -> Option<(Meaning, &str)> {
        let stated = meanings(&self.codes, occasion, status).min_by_key(|known| known.0);
        stated.or_else(|| {
            let first = meanings(&self.further, occasion, status).next()?;
            let is_only = meanings(&self.further, occasion, status).all(|(_, code)| normal(code) == normal(first.1));
            is_only.then_some(first)
        })
    }

    /// Adds the codes of a member: a text, an object, or the first of a list.
    fn add(&mut self, found: &Value, status: u16) {
        let first = match found {
            Value::List(items) => items.first().unwrap_or(&Value::Null),
            found => found,
        };
        let inner = INNER.iter().map(|name| &first[*name]);
        self.codes.extend(std::iter::once(first).chain(inner).filter_map(text).filter(|code| !is_status(code, status)));
    }

    /// Returns `true` if a code is this one, in any case, also in words.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.codes.iter().chain(&self.further).any(|stated| without_spaces(stated) == normal(code))
    }
}

/// Returns what a code says that came with the browser, if it is a known one (RFC 6749, section 4.1.2.1).
pub(crate) fn in_browser(code: &str) -> Option<Meaning> {
    meaning(code, Occasion::Other, 0)
}

/// Returns the known ones of these codes, each with what it says, and without a sentence after it.
fn meanings(codes: &[String], occasion: Occasion, status: u16) -> impl Iterator<Item = (Meaning, &str)> {
    codes.iter().filter_map(move |code| Some((meaning(code, occasion, status)?, before_sentence(code))))
}

/// Adds the known codes of a value, at any place that is about an error; `is_error` is `true` if the whole value is.
///
/// An answer may also repeat the request, or name the error of a former one.
fn add_known(found: &Value, depth: usize, is_error: bool, codes: &mut Vec<String>) {
    match found {
        Value::List(items) if depth > 0 => items.iter().for_each(|item| add_known(item, depth - 1, is_error, codes)),
        Value::Map(fields) if depth > 0 => {
            for (name, field) in fields {
                let name = folded(name);
                let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
                let is_error = is_error || has(&OF_ERRORS);
                if !has(&OF_OTHERS) && (is_error || has(&PARTS_TO_ERRORS) || TO_ERRORS.contains(&name.as_str())) {
                    add_known(field, depth - 1, is_error, codes);
                }
            }
        }
        Value::Text(_) => codes.extend(text(found).filter(|code| is_known(code))),
        _ => {}
    }
}

/// Returns `true` for a code that means the same wherever an answer states an error. A gateway in front of the endpoint
/// may deny access in its own words, so that the codes of a denied access are none of these.
fn is_known(code: &str) -> bool {
    let words = without_spaces(code);
    let code = normal(code);
    let general = CODES.iter().filter(|(_, meaning)| *meaning != Meaning::Denied).map(|(known, _)| known);
    let is_limit = names_limit(&code) && !code.contains(' ');
    IN_WORDS.contains(&words.as_str())
        || is_limit
        || general.chain(&EXPIRED_CODES).chain(DEAD_CODES).chain(DEAD_REFRESH_TOKENS).any(|known| *known == code)
}

/// Returns the error that an answer is; `None` if it is none.
///
/// A page says nothing about the credential or the application, except with 401 and a challenge, and neither does an outage
/// (408, and 5xx), whatever its body says: the endpoint failed, and may accept the same request later. Some providers answer
/// 500 with `invalid_grant` for a fault of their own, so an end that only an outage states is never final.
pub(crate) fn refusal(rules: &Response, occasion: Occasion, answer: &Answered, value: &Value) -> Option<OAuth2Error> {
    let response = &answer.response;
    let status = response.status();
    let stated = Stated::of(rules, value, status);
    // A code that was refused is spent, so that nothing is asked again.
    let is_spent = || occasion == Occasion::Code && matches!(stated.known(occasion, status), Some((Meaning::Dead, _)));
    let fires = |rules: &[ErrorIf]| rules.iter().any(|rule| rule.fires(value).is_some());
    if fires(&rules.limits) && !is_spent() {
        return Some(later(answer, stated.codes.first().map(String::as_str)));
    }
    if fires(&rules.addresses) && !is_spent() {
        return Some(OAuth2Error::AddressRefused(answer.described(stated.codes.first().map(String::as_str))));
    }
    let is_success = response.class() == AnswerClass::Success;
    // Some providers write beside a token that there is no error: `"error": {"code": 0}`.
    if is_success && !stated.is_by_rule && response::access_token_at(rules, value).is_some() {
        return None;
    }
    let is_dead = |code: &&String| rules.dead.iter().any(|dead| dead.eq_ignore_ascii_case(code));
    let dead = stated.codes.iter().find(is_dead).filter(|_| occasion == Occasion::Refresh);
    let known = dead.map(|code| (Meaning::Dead, code.as_str())).or_else(|| stated.known(occasion, status));
    let is_outage = AnswerClass::of(status) == AnswerClass::Outage;
    let known = known.filter(|(meaning, _)| !is_outage || *meaning == Meaning::Later);
    // A limit excuses neither a wrong application nor a token that no longer works.
    let is_limited = status == 403 && response.class() == AnswerClass::Limit;
    let described = |code: Option<&str>| answer.described(code);
    Some(match known {
        Some((meaning @ (Meaning::Client | Meaning::ClientExpired), code)) => {
            let is_expired = meaning == Meaning::ClientExpired;
            let answer = answer.timed(described(Some(code)));
            OAuth2Error::InvalidClient { answer, is_expired, client: ClientPlace::default() }
        }
        Some((Meaning::Dead, code)) => match occasion {
            Occasion::Device if EXPIRED_CODES.contains(&normal(code).as_str()) => OAuth2Error::Expired,
            Occasion::Code | Occasion::Device => OAuth2Error::CodeRefused(described(Some(code))),
            Occasion::Refresh if is_blocked(&stated, value) => OAuth2Error::PolicyRefused(described(Some(code))),
            Occasion::Refresh | Occasion::Revocation => OAuth2Error::Dead(described(Some(code))),
            // The grant can be repeated, so a refusal is not the end of anything.
            Occasion::Begin | Occasion::Login | Occasion::Other => OAuth2Error::Refused(described(Some(code))),
        },
        Some((Meaning::Later, code)) => later(answer, Some(code)),
        known if is_limited => later(answer, known.map(|(_, code)| code)),
        // Nobody consents at a refresh.
        Some((Meaning::Administrator, code)) if occasion == Occasion::Refresh => {
            OAuth2Error::PolicyRefused(described(Some(code)))
        }
        Some((Meaning::Administrator, code)) => OAuth2Error::ConsentRequired(described(Some(code))),
        Some((Meaning::Denied, code)) => OAuth2Error::AccessDenied(described(Some(code))),
        None => {
            let shown =
                stated.codes.iter().map(|code| described(Some(code.as_str()))).find(|answer| answer.code.is_some());
            // A poll is repeated until it is refused, so it is refused by words that are no code, too.
            let is_ended = is_success || occasion == Occasion::Device && !stated.codes.is_empty();
            let is_refused = stated.is_explicit && (shown.is_some() || is_ended) || stated.is_by_rule;
            let is_refused = is_refused && !is_outage;
            let shown = shown.unwrap_or_else(|| described(None));
            match () {
                () if is_refused => OAuth2Error::Refused(answer.timed(shown)),
                () if is_success => return None,
                () if status == 401 && (says_more(occasion, answer) || response.challenge().is_present) => {
                    OAuth2Error::Unauthorized(answer.timed(shown))
                }
                () => {
                    let gives_token = !matches!(occasion, Occasion::Begin | Occasion::Other | Occasion::Revocation);
                    let token = if gives_token { " and no token" } else { "" };
                    let is_limit = response.class() == AnswerClass::Limit;
                    let mut reason = match is_limit {
                        true => Reason::new(reason::RATE_LIMITED, format!("{shown} and asks to wait")),
                        false => Reason::new(reason::PROVIDER_ERROR, format!("{shown}{token}")),
                    };
                    // The code is used up, so that the setup ends.
                    reason.remedy = (occasion == Occasion::Code).then(|| shown.next_step().into());
                    let mut found = NotLive::offline(reason);
                    found.recheck_after = response.pause();
                    found.into()
                }
            }
        }
    })
}

/// Returns `true` if a refresh is refused by a policy, such as one about the place or the device, while the refresh token
/// stays. Microsoft Entra answers `invalid_grant` then, with 53003 ("Authentication and authorization error codes") or with
/// one of these words at `suberror` ("Handle errors and exceptions in MSAL").
fn is_blocked(stated: &Stated, value: &Value) -> bool {
    let word = value["suberror"].as_str();
    stated.is("AADSTS53003") || word.is_some_and(|word| matches!(word, "additional_action" | "message_only"))
}

/// Returns `true` if an answer with 401 is more than its status: it is no page, and it is empty only for a revocation, which
/// is not repeated for that.
fn says_more(occasion: Occasion, answer: &Answered) -> bool {
    let is_empty = answer.response.body().expose().trim_ascii().is_empty();
    !answer.response.is_page() && (!is_empty || occasion == Occasion::Revocation)
}

/// Returns the error for an answer that asks to wait, for as long as it says.
fn later(answer: &Answered, code: Option<&str>) -> OAuth2Error {
    let mut found = NotLive::rate_limited(answer.response.pause());
    let described = answer.described(code);
    if described.code.is_some() {
        found.reason.message = format!("{described} and is asked again later").into();
    }
    found.into()
}

fn meaning(code: &str, occasion: Occasion, status: u16) -> Option<Meaning> {
    let code = normal(code);
    let is = |codes: &[&str]| codes.contains(&code.as_str());
    match occasion {
        Occasion::Refresh | Occasion::Revocation
            if matches!(status, 200..=299 | 400 | 401 | 403) && is(DEAD_REFRESH_TOKENS) =>
        {
            return Some(Meaning::Dead);
        }
        Occasion::Code | Occasion::Device if is(DEAD_CODES) => return Some(Meaning::Dead),
        Occasion::Device if is(&EXPIRED_CODES) => return Some(Meaning::Dead),
        // 401 is for an application that does not authenticate (RFC 6749, section 5.2; RFC 7009, section 2.2.1; RFC 8628,
        // section 3.2; RFC 9126, section 2.3). Keycloak and Google answer the first code then, and Atlassian and Auth0 the
        // second one. That one has its usual meaning for a device, because a person is asked.
        _ if status != 401 || occasion == Occasion::Other => {}
        _ if code == "unauthorizedclient" => return Some(Meaning::Client),
        _ if code == "accessdenied" && occasion != Occasion::Device => return Some(Meaning::Client),
        _ => {}
    }
    // Some providers state a limit or an outage in words. The words of other codes mean several things: Zoho states a
    // limit as "Access Denied".
    let words = code.replace(' ', "");
    let is_known = |known: &&(&str, Meaning)| {
        known.0 == code || known.0 == words && (known.1 == Meaning::Later || IN_WORDS.contains(&known.0))
    };
    let known = CODES.iter().find(is_known).map(|(_, meaning)| *meaning);
    known.or_else(|| names_limit(&code).then_some(Meaning::Later))
}

/// Returns a code in lower case and without separators. A text with other characters is none of the known ones.
pub(crate) fn normal(code: &str) -> String {
    folded(before_sentence(code))
}

/// Returns a code without the sentence that Dropbox and others write after it and a colon
/// (`invalid_client: Invalid client_id or client_secret`; s-aska/dropbox-api-command, issue 41).
pub(super) fn before_sentence(code: &str) -> &str {
    code.split(':').next().unwrap_or_default().trim_end()
}

/// Returns a [normal] code that may be written in words.
fn without_spaces(code: &str) -> String {
    normal(code).replace(' ', "")
}

fn folded(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '_' | '-' | '.')).map(|c| c.to_ascii_lowercase()).collect()
}

/// Returns the code that a value is, if it is a text or a number.
fn text(value: &Value) -> Option<String> {
    let (Value::Text(text) | Value::Number(text)) = value else { return None };
    Some(text.trim()).filter(|text| (1..=256).contains(&text.len())).map(str::to_owned)
}

/// Returns `true` for a number, which some providers write as a text.
fn is_number(found: &Value) -> bool {
    match found {
        Value::Number(_) => true,
        Value::Text(text) => text.trim().parse::<i64>().is_ok(),
        _ => false,
    }
}

/// Returns `true` for a text that repeats the status of the answer, or that says no more than that it is an error.
fn is_status(code: &str, status: u16) -> bool {
    let known = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
    let same = |text: &str| folded(text).replace(' ', "") == folded(code).replace(' ', "");
    same(known) || same(&status.to_string()) || NO_CODES.iter().any(|text| same(text))
}
