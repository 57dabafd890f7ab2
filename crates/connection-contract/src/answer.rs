//! What an answer says: about the request, about the credential, and about the time of the next request.
//!
//! Every decision about a status is made here, so that a provider's limit or outage is never reported as a lost
//! authorization in one place and as a limit or outage in another.

use alloc::{format, string::String, vec::Vec};
use core::time::Duration;

use crate::{Challenge, HttpError, HttpResponse, JsonError, NotLive, Timestamp, Value, encode, quota, value};

/// The byte order mark, which some servers put before JSON, and which a reader may ignore (RFC 8259, section 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The beginning of the text that Cloudflare sends to programs in place of its pages; the number of the error follows
/// (OpenAgentsInc/openagents, issue 4721).
const ERROR_CODE: &[u8] = b"error code: ";
/// The beginning of the `type` of the errors that Cloudflare itself sends as JSON to programs that accept JSON ("Slashing agent
/// token costs by 98% with RFC 9457-compliant error responses", 2026-03-11).
const CLOUDFLARE: &str = "https://developers.cloudflare.com/";
/// The largest difference of clocks, in seconds, that may be that of this machine: a year.
const MAX_CLOCK_DIFFERENCE: u64 = 365 * 24 * 60 * 60;
/// The statuses at which a provider may state a limit in the headers. At any other status, the headers only say how
/// many requests are left.
const LIMITS: [u16; 3] = [403, 429, 503];
/// The code of a request for which the token lacks a scope (RFC 6750, section 3.1).
const LACKS_SCOPE: &str = "insufficient_scope";
/// The codes of OAuth that refuse a credential (RFC 6749, section 5.2; RFC 6750, section 3.1). A limit does not have them. They
/// are those of the standards alone, for the answers of every API; `connection-oauth2` knows those of token endpoints.
const REFUSALS: [&str; 4] = ["invalid_client", "invalid_grant", "invalid_token", LACKS_SCOPE];

/// The members of an error that have a code, and those that have a sentence.
const CODES: [&str; 7] = ["code", "error", "error_code", "errorCode", "reason", "status", "type"];
const MESSAGES: [&str; 7] =
    ["description", "detail", "error_description", "error_message", "errorMessage", "message", "msg"];

/// What an answer says, apart from its contents.
///
/// ```
/// use connection_contract::AnswerClass;
///
/// assert_eq!(AnswerClass::of(204), AnswerClass::Success);
/// assert_eq!(AnswerClass::of(403), AnswerClass::Refusal);
/// assert_eq!(AnswerClass::of(404), AnswerClass::Unexpected);
/// assert!(AnswerClass::of(503).is_temporary());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerClass {
    /// The provider limits the rate of requests: 429, an answer with 403 or 503 that asks to wait, and one with 403 that has
    /// the code or the words of a limit. With 503, a gateway may have answered after the provider processed the request.
    Limit,
    /// The provider, or a proxy in front of it, cannot answer now. It may have processed the request: 408 and 5xx.
    Outage,
    /// The provider refuses the credential, and did not process the request: 401 and 403, and any answer with a challenge
    /// that says so.
    Refusal,
    /// The provider processed the request: 2xx.
    Success,
    /// The answer says nothing about the credential: any other status, and a page where data was asked for.
    Unexpected,
}

impl AnswerClass {
    /// Returns the class of an answer of which only the status is known.
    pub fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Success,
            401 | 403 => Self::Refusal,
            408 | 500.. => Self::Outage,
            429 => Self::Limit,
            _ => Self::Unexpected,
        }
    }

    /// Returns `true` if the same request may be answered differently later.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::Limit | Self::Outage)
    }
}

impl HttpResponse {
    /// Returns what the answer says, by its status, its headers, and whether it is a page.
    ///
    /// - An answer with 403, 429 or 503 that has `Retry-After` or an exhausted counter of requests is a limit, and so is one
    ///   with 403 whose error has the code or the words of a [limit](crate::names_limit). Neither excuses a 401, or an error that names
    ///   the credential.
    /// - An answer with 400, 401 or 403 whose challenge says `invalid_token` is a refusal.
    /// - A [page](Self::is_page) is not an answer of an API. With 403, or with 401 and no challenge, a proxy, a firewall or
    ///   a sign-in in front of the API sent it, so that it says nothing about the credential. For a provider that refuses
    ///   credentials with pages, use the class of the status: `classify_by(result, |answer| AnswerClass::of(answer.status()))`.
    ///
    /// ```
    /// use connection_contract::{AnswerClass, HttpResponse, Timestamp};
    ///
    /// let class = |status, headers: &[(&str, &str)], body: &str| {
    ///     let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    ///     HttpResponse::new(status, headers, body, Timestamp::from_seconds(0)).class()
    /// };
    /// assert_eq!(class(403, &[], "{}"), AnswerClass::Refusal);
    /// assert_eq!(class(403, &[("x-ratelimit-remaining", "0")], "{}"), AnswerClass::Limit);
    /// assert_eq!(class(403, &[], "<html>Request blocked</html>"), AnswerClass::Unexpected);
    /// assert_eq!(class(400, &[("www-authenticate", "Bearer error=invalid_token")], ""), AnswerClass::Refusal);
    /// ```
    pub fn class(&self) -> AnswerClass {
        let challenge = self.challenge();
        match self.status() {
            400 | 403 if challenge.is_invalid_token => AnswerClass::Refusal,
            401 if !challenge.is_present && self.is_page() => AnswerClass::Unexpected,
            403 if challenge.missing_scopes.is_some() => AnswerClass::Refusal,
            403 if self.names_limit() && !self.states(is_refusal) => AnswerClass::Limit,
            403 | 503 if self.asks_to_wait() && !self.states(is_refusal) => AnswerClass::Limit,
            403 if self.is_page() => AnswerClass::Unexpected,
            status => AnswerClass::of(status),
        }
    }

    /// Returns what the challenges of the answer say about a token.
    pub fn challenge(&self) -> Challenge {
        Challenge::of(self.headers())
    }

    /// Returns the time for which the answer asks to wait: that of `Retry-After`, or else that until an exhausted counter
    /// of requests begins again, at the statuses of a limit (403, 429 and 503). A time that has passed names no pause.
    pub fn pause(&self) -> Option<Duration> {
        let is_pause = |time: &Duration| !time.is_zero();
        let counted = || quota::exhausted(self).filter(|_| LIMITS.contains(&self.status())).flatten();
        self.retry_after().filter(is_pause).or_else(counted).filter(is_pause)
    }

    /// Returns `true` if the body begins with `<`, as a page and a document in XML do, after a byte order mark and white space.
    pub fn is_markup(&self) -> bool {
        without_mark(self.body().expose()).trim_ascii_start().starts_with(b"<")
    }

    /// Returns `true` if the answer is a page for a browser: its type is HTML and its body is not JSON, or its body begins as
    /// a page does. So are the text `error code: 1010`, with any number, and the JSON (RFC 9457) with which Cloudflare answers a
    /// program in place of a page. The documents of an API in XML are no pages, and with 401, neither is a text that does not
    /// begin with `<`: some APIs refuse a credential with a word of the type HTML.
    pub fn is_page(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default().trim_start().to_ascii_lowercase();
        let body = without_mark(self.body().expose()).trim_ascii_start();
        let begins = |word: &str| body.get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word.as_bytes()));
        if ["<!doctype html", "<html", "<head", "<body"].into_iter().any(begins) {
            return true;
        }
        let number = body.trim_ascii_end().strip_prefix(ERROR_CODE).unwrap_or_default();
        if !number.is_empty() && number.iter().all(u8::is_ascii_digit) || self.is_of_cloudflare() {
            return true;
        }
        match kind.starts_with("text/html") || kind.starts_with("application/xhtml") {
            true if self.status() == 401 => self.is_markup(),
            true => !body.is_empty() && self.json().is_err(),
            // A comment, or the declaration of a page in XML, may come first.
            false => !kind.contains("xml") && self.is_markup() && !begins("<?xml"),
        }
    }

    /// Returns `true` for an error that Cloudflare made, in JSON. An answer of the API behind it has none of these members.
    fn is_of_cloudflare(&self) -> bool {
        let states = |body: Value| {
            let is_named = body["type"].as_str().is_some_and(|name| name.starts_with(CLOUDFLARE));
            body["cloudflare_error"] == Value::Bool(true) || is_named && matches!(body["error_code"], Value::Number(_))
        };
        self.status() >= 400 && self.json().is_ok_and(states)
    }

    /// Returns how the clock of this machine differs from the provider's, as a clause, if the `Date` of the answer says that
    /// it does by more than `tolerated`. Such a difference may be the cause of a refused signature. A difference of more than a
    /// year says nothing about this machine: the date is that of a server without a clock. Neither does the date of an answer
    /// from a cache, which has `Age` and the date of its original.
    ///
    /// ```
    /// use core::time::Duration;
    ///
    /// use connection_contract::{HttpResponse, Timestamp};
    ///
    /// let date = vec![("date".to_owned(), "Sun, 06 Nov 1994 08:49:37 GMT".to_owned())];
    /// let now = Timestamp::parse("1994-11-06T10:49:37Z").unwrap();
    /// let differs = HttpResponse::new(401, date, "{}", now).clock_differs(Duration::from_secs(300));
    /// assert_eq!(differs.unwrap(), "the clock of this machine is 120 minutes ahead of the provider's");
    /// ```
    pub fn clock_differs(&self, tolerated: Duration) -> Option<String> {
        let date = self.header("date").filter(|_| self.header("age").is_none());
        let ahead = self.received_at().seconds().saturating_sub(Timestamp::parse(date?)?.seconds());
        let side = if ahead > 0 { "ahead of" } else { "behind" };
        let difference = ahead.unsigned_abs();
        let minutes = difference / 60;
        let unit = if minutes == 1 { "minute" } else { "minutes" };
        (difference > tolerated.as_secs() && difference <= MAX_CLOCK_DIFFERENCE)
            .then(|| format!("the clock of this machine is {minutes} {unit} {side} the provider's"))
    }

    fn asks_to_wait(&self) -> bool {
        self.header("retry-after").is_some() || quota::exhausted(self).is_some()
    }

    /// Returns `true` if the body, JSON or a form, states such a code as its error.
    fn states(&self, is_wanted: impl Fn(&str) -> bool) -> bool {
        self.json_or_form().is_ok_and(|body| texts(&body, &CODES).into_iter().any(is_wanted))
    }

    /// Returns `true` if the body states the code of a limit as its error, or says so in a sentence.
    fn names_limit(&self) -> bool {
        let names = |body: &Value, members| texts(body, members).into_iter().any(quota::names_limit);
        self.json_or_form().is_ok_and(|body| names(&body, &CODES) || names(&body, &MESSAGES))
    }

    /// Returns what the answer says if the provider also states limits and refusals in its body, whatever the status.
    /// The two functions receive a body that is JSON. A limit comes before a refusal, and no outage is a refusal.
    ///
    /// ```
    /// use connection_contract::{AnswerClass, HttpResponse, Timestamp, Value};
    ///
    /// let class = |status, body: &str| {
    ///     let answer = HttpResponse::new(status, Vec::new(), body, Timestamp::from_seconds(0));
    ///     let says = |text: &'static str| move |body: &Value| body["error"].as_str() == Some(text);
    ///     answer.class_by(says("ratelimited"), says("invalid_auth"))
    /// };
    /// assert_eq!(class(200, r#"{"error": "ratelimited"}"#), AnswerClass::Limit);
    /// assert_eq!(class(200, r#"{"error": "invalid_auth"}"#), AnswerClass::Refusal);
    /// assert_eq!(class(502, r#"{"error": "invalid_auth"}"#), AnswerClass::Outage);
    /// assert_eq!(class(200, r#"{"ok": true}"#), AnswerClass::Success);
    /// ```
    pub fn class_by(
        &self,
        is_limit: impl FnOnce(&Value) -> bool,
        is_refusal: impl FnOnce(&Value) -> bool,
    ) -> AnswerClass {
        let class = self.class();
        match self.json() {
            Ok(body) if class != AnswerClass::Limit && is_limit(&body) => AnswerClass::Limit,
            Ok(body) if !class.is_temporary() && is_refusal(&body) => AnswerClass::Refusal,
            _ => class,
        }
    }

    /// Parses the body as JSON, as browsers do: a byte order mark is skipped, and a text that is not Unicode is read as
    /// [`Value::Damaged`], which only [`Value::as_label`] returns. JSON is read whatever content coding the answer names: some
    /// servers write another word in that header, or do not encode the body. Of several members with the same name, the last
    /// one with a value counts; [missing](Value::is_missing) values count only if there is no other.
    ///
    /// ```
    /// use connection_contract::{HttpResponse, Timestamp};
    ///
    /// let body = r#"{"token": "", "token": "t-2", "token": null}"#;
    /// let answer = HttpResponse::new(200, Vec::new(), body, Timestamp::from_seconds(0));
    /// assert_eq!(answer.json()?["token"].as_str(), Some("t-2"));
    /// # Ok::<(), connection_contract::JsonError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] if the body is not JSON, and [`JsonError::Coding`] if it is in a content coding that the host
    /// could not decode.
    pub fn json(&self) -> Result<Value, JsonError> {
        let coding = self.header("content-encoding").unwrap_or_default().trim();
        let is_coded = !coding.is_empty() && !coding.eq_ignore_ascii_case("identity") && !self.body().is_empty();
        let read = Value::parse_answer(without_mark(self.body().expose()));
        read.map_err(|error| if is_coded { JsonError::Coding } else { error })
    }

    /// Parses the body as JSON, whatever its content type, or else as a form, whose values are texts. A value that is not
    /// Unicode is [`Value::Damaged`], and of several fields with the same name one counts, as in [`json`](Self::json). White
    /// space around a form is skipped. Some servers state no content type of their own for a form: a body of the type
    /// `text/plain` is one if it has `=` and no other white space.
    ///
    /// ```
    /// use connection_contract::{HttpResponse, Timestamp};
    ///
    /// let form = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    /// let answer = HttpResponse::new(200, form, "access_token=at-1&scope=read", Timestamp::from_seconds(0));
    /// assert_eq!(answer.json_or_form()?["access_token"].as_str(), Some("at-1"));
    /// # Ok::<(), connection_contract::JsonError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] if the body is neither, and [`JsonError::Coding`] if it is in a content coding that the host could
    /// not decode.
    pub fn json_or_form(&self) -> Result<Value, JsonError> {
        self.json().or_else(|error| self.form(&error).ok_or(error))
    }

    fn form(&self, error: &JsonError) -> Option<Value> {
        let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        let body = without_mark(self.body().expose()).trim_ascii();
        let is_form = kind.starts_with("application/x-www-form-urlencoded")
            || kind.starts_with("text/plain") && body.contains(&b'=') && !body.iter().any(u8::is_ascii_whitespace);
        // Bytes that are compressed are no text.
        let is_text = *error != JsonError::Coding || str::from_utf8(body).is_ok();
        (is_form && is_text).then(|| Value::Map(value::one_of_each(encode::from_form_of_answer(body))))
    }

    /// Returns the time in the `Retry-After` header, in either of its forms (RFC 9110, section 10.2.3). A number with a
    /// fraction, which some servers write, is rounded up; a negative one is a time that has passed, and so zero. A number of
    /// ten years or more is a moment, in seconds or milliseconds since 1970, as some servers write it.
    pub fn retry_after(&self) -> Option<Duration> {
        pause_of(self.header("retry-after")?, self.received_at())
    }
}

/// Returns the texts of an error at these members, at the places at which several providers write them. Salesforce answers
/// with a list, and Google lists the details of an error.
fn texts<'v>(body: &'v Value, names: &[&str; 7]) -> Vec<&'v str> {
    let body = body.items().first().unwrap_or(body);
    let error = &body["error"];
    let listed = [&body["errors"], &error["errors"], &error["details"]].into_iter().flat_map(Value::items);
    let places = [body, error].into_iter().chain(listed);
    places.flat_map(|place| names.map(|name| place[name].as_str())).flatten().collect()
}

fn is_refusal(code: &str) -> bool {
    REFUSALS.iter().any(|refusal| refusal.eq_ignore_ascii_case(code))
}

fn lacks_scope(code: &str) -> bool {
    code.eq_ignore_ascii_case(LACKS_SCOPE)
}

fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

/// Returns the pause for which a value of `Retry-After` asks, in an answer that arrived now. It is read as
/// [`HttpResponse::retry_after`] reads the header.
pub fn pause_of(value: &str, now: Timestamp) -> Option<Duration> {
    quota::until(value, now)
}

/// Separates usable answers from those that mean that a connection is not live, by [`HttpResponse::class`].
///
/// A 2xx status passes. A refusal is failing, with the reason `scope_missing` if a challenge says that a scope is lacking
/// (`insufficient_scope`) or the body of a 403 does, and so is a request that was not sent because the credential could not be attached or the host
/// denies the address. Limits, outages, every other answer and every other request without an answer are offline.
///
/// A transient failure is never reported as a lost authorization. If a provider reports its rate limit in its own way,
/// the plugin must recognize that before it calls this function, or call [`classify_by`].
///
/// # Errors
///
/// [`NotLive`] with the reason.
pub fn classify(result: Result<HttpResponse, HttpError>) -> Result<HttpResponse, NotLive> {
    classify_by(result, HttpResponse::class)
}

/// Separates answers as [`classify`] does, by what `class` says about an answer.
///
/// # Errors
///
/// [`NotLive`] with the reason.
pub fn classify_by(
    result: Result<HttpResponse, HttpError>,
    class: impl FnOnce(&HttpResponse) -> AnswerClass,
) -> Result<HttpResponse, NotLive> {
    let response = result.map_err(NotLive::unanswered)?;
    match class(&response) {
        AnswerClass::Success => Ok(response),
        AnswerClass::Limit => Err(NotLive::rate_limited(response.pause())),
        AnswerClass::Refusal => Err(match response.challenge() {
            Challenge { is_invalid_token: true, .. } => NotLive::refused(),
            Challenge { missing_scopes: Some(scopes), .. } => NotLive::scope_missing(&scopes),
            // Some providers say so in the body alone.
            _ if response.status() == 403 && response.states(lacks_scope) => NotLive::scope_missing(&[]),
            _ => NotLive::refused(),
        }),
        AnswerClass::Outage | AnswerClass::Unexpected => Err(NotLive::provider_error(response.pause())),
    }
}
