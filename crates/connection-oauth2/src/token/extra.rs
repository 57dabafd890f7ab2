//! A further set of tokens of a connection, which is refreshed beside the main set and may end alone.
//!
//! A set that cannot be refreshed must not end the main set, cause it to be refreshed again and again, or end
//! unnoticed. Its refresh is tried again at growing intervals and then given up, and its end is reported as the end of
//! an authorization.

use connection_contract::{CredentialError, Timestamp};

use super::Tokens;

/// The pause in seconds after the first failure; it doubles with each further failure.
const FIRST_PAUSE: u64 = 300;
/// The number of consecutive failures after which a set is given up: a response that was lost twice stays lost.
const MAX_FAILURES: u32 = 5;

/// A named set of tokens.
#[derive(Debug)]
pub(crate) struct Extra {
    pub(crate) name: String,
    pub(crate) tokens: Tokens,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The set was made or refreshed, and this many refreshes have failed since then.
    Renews { failures: u32 },
    /// The set can no longer be refreshed; it works until its end.
    Lost,
    /// The set was lost, and its end has passed.
    Over,
}

impl Extra {
    /// Returns a set that was just made.
    pub(crate) fn new(name: impl Into<String>, tokens: Tokens) -> Self {
        Self { name: name.into(), tokens, state: State::Renews { failures: 0 } }
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self { name: self.name.clone(), tokens: self.tokens.duplicate(), state: self.state }
    }

    /// Returns `true` if the access token may still work.
    pub(crate) fn works(&self) -> bool {
        self.state != State::Over
    }

    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost | State::Over)
    }

    /// Returns `true` if the last refresh failed and another one is due.
    pub(crate) fn is_tried_again(&self) -> bool {
        matches!(self.state, State::Renews { failures } if failures > 0)
    }

    /// Returns the end of a set that a refresh of the connection extends.
    pub(crate) fn valid_until(&self) -> Option<Timestamp> {
        self.tokens.valid_until.filter(|_| self.state == State::Renews { failures: 0 })
    }

    /// Returns the end of a set that no refresh extends; `None` once it has passed, so that it hides no later end.
    pub(crate) fn ends(&self) -> Option<Timestamp> {
        self.tokens.valid_until.filter(|_| self.state == State::Lost)
    }

    /// Records a failed refresh; returns when to try again, if at all.
    pub(crate) fn failed(&mut self, now: Timestamp) -> Option<Timestamp> {
        let State::Renews { failures } = self.state else { return None };
        let failures = failures.saturating_add(1);
        if failures >= MAX_FAILURES {
            self.lose(now);
            return None;
        }
        self.state = State::Renews { failures };
        Some(now.after(FIRST_PAUSE << (failures - 1)))
    }

    /// Records that the set can no longer be refreshed.
    pub(crate) fn lose(&mut self, now: Timestamp) {
        self.tokens.refresh = None;
        self.tokens.valid_until.get_or_insert(now);
        self.state = State::Lost;
    }

    /// Ends a lost set whose end has passed.
    pub(crate) fn end(&mut self, now: Timestamp) {
        if self.ends().is_some_and(|end| end <= now) {
            self.state = State::Over;
        }
    }

    /// Returns the state as it is stored; `None` if no refresh has failed.
    pub(super) fn state(&self) -> Option<String> {
        match self.state {
            State::Renews { failures: 0 } => None,
            State::Renews { failures } => Some(failures.to_string()),
            State::Lost => Some("lost".to_owned()),
            State::Over => Some("over".to_owned()),
        }
    }

    /// Restores the state from the text of [`state`](Self::state).
    pub(super) fn set_state(&mut self, text: &str) -> Result<(), CredentialError> {
        self.state = match text {
            "lost" => State::Lost,
            "over" => State::Over,
            text => State::Renews { failures: text.parse().map_err(|_| CredentialError::Malformed)? },
        };
        Ok(())
    }
}
