//! The layout of token responses, and the responses that are errors.

use std::time::Duration;

use connection_contract::Value;

/// A rule that makes a response an error, whatever its status. Texts are compared without case, and `null` is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorIf {
    pointer: String,
    condition: Condition,
}

/// What a rule says about the value at its pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Contains(String),
    Differs(Value),
    Equals(Value),
}

impl ErrorIf {
    /// Matches if the pointer leads to a text that has this one in it, in any case. In a token response, the part is then a
    /// code of the error, which [`Response::dead_code`] may name.
    pub fn contains(pointer: impl Into<String>, part: &str) -> Self {
        Self { pointer: pointer.into(), condition: Condition::Contains(part.to_lowercase()) }
    }

    /// Matches if the pointer leads to this value.
    pub fn equals(pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { pointer: pointer.into(), condition: Condition::Equals(value.into()) }
    }

    /// Matches if the pointer leads to another value.
    pub fn differs(pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { pointer: pointer.into(), condition: Condition::Differs(value.into()) }
    }

    /// Returns the part of a text that the rule looks for.
    pub(crate) fn part(&self) -> Option<&str> {
        if let Condition::Contains(part) = &self.condition { Some(part) } else { None }
    }

    /// Returns `true` if the rule matches an answer.
    pub fn matches(&self, answer: &Value) -> bool {
        self.fires(answer).is_some()
    }

    pub(crate) fn fires<'a>(&self, answer: &'a Value) -> Option<&'a Value> {
        answer.pointer(&self.pointer).filter(|found| **found != Value::Null).filter(|found| match &self.condition {
            Condition::Contains(part) => found.as_str().is_some_and(|text| text.to_lowercase().contains(part.as_str())),
            Condition::Differs(value) => !is_same(found, value),
            Condition::Equals(value) => is_same(found, value),
        })
    }
}

/// Compares texts without case, because providers write the same code in several ways.
fn is_same(found: &Value, value: &Value) -> bool {
    match (found, value) {
        (Value::Text(found), Value::Text(value)) => found.eq_ignore_ascii_case(value),
        (found, value) => found == value,
    }
}

/// The layout of a token response.
///
/// Parts that are not configured have their names of RFC 6749, section 5.1, and are read beside the access token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response {
    pub(crate) access_token: Vec<String>,
    pub(crate) names: Vec<(Part, String)>,
    pub(crate) milliseconds: bool,
    pub(crate) default_life: Option<Duration>,
    pub(crate) errors: Vec<ErrorIf>,
    pub(crate) dead: Vec<String>,
    pub(crate) limits: Vec<ErrorIf>,
    pub(crate) addresses: Vec<ErrorIf>,
    pub(crate) capture: Vec<(String, String)>,
    pub(crate) extra: Vec<(String, String)>,
}

/// A part of a token response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The moment at which the access token expires.
    ExpiresAt,
    /// The lifetime of the access token.
    ExpiresIn,
    /// The ID token of OpenID Connect.
    IdToken,
    /// The lifetime of the refresh token.
    RefreshExpiresIn,
    /// The refresh token of the response.
    RefreshToken,
    /// The scopes that were granted.
    Scope,
}

impl Default for Response {
    fn default() -> Self {
        let names = [
            (Part::ExpiresAt, "expires_at"),
            (Part::ExpiresIn, "expires_in"),
            (Part::IdToken, "id_token"),
            (Part::RefreshExpiresIn, "refresh_token_expires_in"),
            (Part::RefreshToken, "refresh_token"),
            (Part::Scope, "scope"),
        ];
        let names = names.map(|(part, name)| (part, name.to_owned())).into();
        Self {
            access_token: Vec::new(),
            names,
            milliseconds: false,
            default_life: None,
            errors: Vec::new(),
            dead: Vec::new(),
            limits: Vec::new(),
            addresses: Vec::new(),
            capture: Vec::new(),
            extra: Vec::new(),
        }
    }
}

impl Response {
    /// Returns the layout of RFC 6749.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a pointer to the access token. The first pointer that leads to a token is used; all other parts are read
    /// beside it.
    #[must_use]
    pub fn access_token(mut self, pointer: impl Into<String>) -> Self {
        self.access_token.push(pointer.into());
        self
    }

    /// Adds an alternative name of a part beside the access token, or a pointer, which begins with `/`.
    #[must_use]
    pub fn part(mut self, part: Part, name: impl Into<String>) -> Self {
        self.names.insert(0, (part, name.into()));
        self
    }

    /// Counts the lifetimes in responses in milliseconds instead of seconds. A member of the same name with `_sec` at its
    /// end is in seconds all the same.
    #[must_use]
    pub fn milliseconds(mut self) -> Self {
        self.milliseconds = true;
        self
    }

    /// Sets the lifetime of an access token whose response does not state one.
    #[must_use]
    pub fn default_life(mut self, life: Duration) -> Self {
        self.default_life = Some(life);
        self
    }

    /// Treats a matching response as an error, even with status 200. A text at `/error` always is an error.
    #[must_use]
    pub fn error_if(mut self, error: ErrorIf) -> Self {
        self.errors.push(error);
        self
    }

    /// Adds an error code that this provider uses for `invalid_grant` in answers to refreshes. It is compared without
    /// case with the values that [`error_if`](Self::error_if) finds and with the codes of the answer.
    #[must_use]
    pub fn dead_code(mut self, code: impl Into<String>) -> Self {
        self.dead.push(code.into());
        self
    }

    /// Treats a matching response as one that asks to wait, whatever its status, unless it refuses a code, which is spent by
    /// then. The pause is that of `Retry-After`.
    #[must_use]
    pub fn limited_if(mut self, limit: ErrorIf) -> Self {
        self.limits.push(limit);
        self
    }

    /// Treats a matching response as one that does not allow the address from which this host asks, or not at this time,
    /// unless it refuses a code, which is spent by then. The request is repeated later, because the token is still valid.
    #[must_use]
    pub fn address_refused_if(mut self, refusal: ErrorIf) -> Self {
        self.addresses.push(refusal);
        self
    }

    /// Stores the value at a pointer, which templates can use as `${config.NAME}` from then on.
    #[must_use]
    pub fn capture(mut self, name: impl Into<String>, pointer: impl Into<String>) -> Self {
        self.capture.push((name.into(), pointer.into()));
        self
    }

    /// Adds a second set of tokens below a pointer, each part under its usual name.
    #[must_use]
    pub fn extra_tokens(mut self, name: impl Into<String>, pointer: impl Into<String>) -> Self {
        self.extra.push((name.into(), pointer.into()));
        self
    }
}
