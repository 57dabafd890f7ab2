//! Where things are in an answer with tokens, and which answers are errors.

use std::time::Duration;

use connection_contract::Value;

/// An answer that is an error whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorIf {
    pub(crate) pointer: String,
    pub(crate) value: Value,
    pub(crate) equal: bool,
}

impl ErrorIf {
    /// When there is this at the pointer.
    pub fn equals(pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { pointer: pointer.into(), value: value.into(), equal: true }
    }

    /// When there is something else at the pointer.
    pub fn differs(pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { pointer: pointer.into(), value: value.into(), equal: false }
    }

    pub(crate) fn fires<'a>(&self, answer: &'a Value) -> Option<&'a Value> {
        answer.pointer(&self.pointer).filter(|found| (**found == self.value) == self.equal)
    }
}

/// Where things are in an answer with tokens. What is not said is as RFC 6749, section 5.1, beside the access token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response {
    pub(crate) access_token: Vec<String>,
    pub(crate) names: Vec<(Part, String)>,
    pub(crate) milliseconds: bool,
    pub(crate) default_life: Option<Duration>,
    pub(crate) errors: Vec<ErrorIf>,
    pub(crate) dead: Vec<String>,
    pub(crate) capture: Vec<(String, String)>,
    pub(crate) extra: Vec<(String, String)>,
}

/// A part of an answer with tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// When the access token dies.
    ExpiresAt,
    /// In how long the access token dies.
    ExpiresIn,
    /// The claims of OpenID Connect.
    IdToken,
    /// In how long the refresh token dies.
    RefreshExpiresIn,
    /// The refresh token.
    RefreshToken,
    /// What was granted.
    Scope,
}

impl Default for Response {
    fn default() -> Self {
        let (milliseconds, default_life, errors, dead, capture, extra) = Default::default();
        let names = [
            (Part::ExpiresAt, "expires_at"),
            (Part::ExpiresIn, "expires_in"),
            (Part::IdToken, "id_token"),
            (Part::RefreshExpiresIn, "refresh_token_expires_in"),
            (Part::RefreshToken, "refresh_token"),
            (Part::Scope, "scope"),
        ];
        let names = names.map(|(part, name)| (part, name.to_owned())).into();
        Self { access_token: Vec::new(), names, milliseconds, default_life, errors, dead, capture, extra }
    }
}

impl Response {
    /// As RFC 6749 says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the access token is; the first of several that is there. All else is read beside it.
    #[must_use]
    pub fn access_token(mut self, pointer: impl Into<String>) -> Self {
        self.access_token.push(pointer.into());
        self
    }

    /// Another name of a part, beside the access token; or a pointer, which begins with `/`.
    #[must_use]
    pub fn part(mut self, part: Part, name: impl Into<String>) -> Self {
        self.names.insert(0, (part, name.into()));
        self
    }

    /// Lives are in milliseconds.
    #[must_use]
    pub fn milliseconds(mut self) -> Self {
        self.milliseconds = true;
        self
    }

    /// How long an access token lives whose answer does not say it.
    #[must_use]
    pub fn default_life(mut self, life: Duration) -> Self {
        self.default_life = Some(life);
        self
    }

    /// An answer with 200 that is an error. A text at `/error` always is.
    #[must_use]
    pub fn error_if(mut self, error: ErrorIf) -> Self {
        self.errors.push(error);
        self
    }

    /// A code by which this provider says `invalid_grant`.
    #[must_use]
    pub fn dead_code(mut self, code: impl Into<String>) -> Self {
        self.dead.push(code.into());
        self
    }

    /// A value that is kept: `${config.NAME}` from then on.
    #[must_use]
    pub fn capture(mut self, name: impl Into<String>, pointer: impl Into<String>) -> Self {
        self.capture.push((name.into(), pointer.into()));
        self
    }

    /// A second set of tokens at a pointer, each part below it under its usual name.
    #[must_use]
    pub fn extra_tokens(mut self, name: impl Into<String>, pointer: impl Into<String>) -> Self {
        self.extra.push((name.into(), pointer.into()));
        self
    }
}
