//! What an answer says: about the request, about the credential, and about the time of the next request.
//!
//! Every decision about a status is made here, so that a provider's limit or outage is never reported as a lost
//! authorization in one place and as a limit or outage in another.

use core::time::Duration;

use crate::{HttpError, HttpResponse, JsonError, NotLive, Timestamp, Value, encode};

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
    /// The provider limits the rate of requests, and did not process this one: 429.
    Limit,
    /// The provider, or a proxy in front of it, cannot answer now. It may have processed the request: 408 and 5xx.
    Outage,
    /// The provider refuses the credential, and did not process the request: 401 and 403.
    Refusal,
    /// The provider processed the request: 2xx.
    Success,
    /// The answer says nothing about the credential: any other status.
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
    /// Returns what the answer says.
    pub fn class(&self) -> AnswerClass {
        AnswerClass::of(self.status())
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

    /// Parses the body as JSON.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] if the body is not JSON.
    pub fn json(&self) -> Result<Value, JsonError> {
        Value::parse(self.body().expose())
    }

    /// Parses the body as JSON, whatever its content type, or else as a form, whose values are texts. Some servers state no
    /// content type of their own for a form: a body of the type `text/plain` is one if it has `=` and no white space.
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
    /// [`JsonError::Syntax`] if the body is neither.
    pub fn json_or_form(&self) -> Result<Value, JsonError> {
        self.json().or_else(|error| self.form().ok_or(error))
    }

    fn form(&self) -> Option<Value> {
        let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        let text = self.body().expose_str()?;
        let is_form = kind.starts_with("application/x-www-form-urlencoded")
            || kind.starts_with("text/plain") && text.contains('=') && !text.contains(char::is_whitespace);
        let field = |(name, value)| (name, Value::Text(value));
        is_form.then(|| Value::Map(encode::from_form(text).into_iter().map(field).collect()))
    }

    /// Returns the time in the `Retry-After` header, in either of its forms (RFC 9110, section 10.2.3).
    pub fn retry_after(&self) -> Option<Duration> {
        pause_of(self.header("retry-after")?, self.received_at())
    }
}

/// Returns the pause for which a value of `Retry-After` asks, in an answer that arrived now. It is read as
/// [`HttpResponse::retry_after`] reads the header.
pub fn pause_of(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let dated = || u64::try_from(Timestamp::parse(value)?.seconds().saturating_sub(now.seconds()).max(0)).ok();
    value.parse().ok().or_else(dated).map(Duration::from_secs)
}

/// Separates usable answers from those that mean that a connection is not live.
///
/// A 2xx status passes. 401 and 403 are failing, and so is a request that was not sent because the credential could not
/// be attached or the host denies the address. 429, 5xx, every other status and every other request without an answer
/// are offline.
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
        AnswerClass::Limit => Err(NotLive::rate_limited(response.retry_after())),
        AnswerClass::Refusal => Err(NotLive::refused()),
        AnswerClass::Outage | AnswerClass::Unexpected => Err(NotLive::provider_error(response.retry_after())),
    }
}
