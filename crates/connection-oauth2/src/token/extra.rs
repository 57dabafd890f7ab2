//! A further set of tokens in a connection, which is renewed beside the main one and may die alone.
//!
//! What cannot be renewed must neither take the main set with it nor have it renewed again and again, and it must not die in
//! silence: it is tried later each time, then given up, and its end is told as one that no renewal saves.

use connection_contract::{CredentialError, Timestamp};

use super::Tokens;

/// The first pause after a failure, in seconds; each is twice the one before.
const FIRST_PAUSE: u64 = 300;
/// After so many failures in a row nothing more is tried: an answer that was lost twice stays lost.
const MOST_FAILURES: u32 = 5;

/// One set, under its name.
#[derive(Debug)]
pub(crate) struct Extra {
    pub(crate) name: String,
    pub(crate) tokens: Tokens,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It was made or renewed, and since then could not be so many times.
    Renews { failures: u32 },
    /// Nothing renews it any more; it works until its end.
    Lost,
    /// It was lost, and its end has come.
    Over,
}

impl Extra {
    /// One that was just made.
    pub(crate) fn new(name: impl Into<String>, tokens: Tokens) -> Self {
        Self { name: name.into(), tokens, state: State::Renews { failures: 0 } }
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self { name: self.name.clone(), tokens: self.tokens.duplicate(), state: self.state }
    }

    /// Whether its token may still work.
    pub(crate) fn works(&self) -> bool {
        self.state != State::Over
    }

    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost | State::Over)
    }

    /// Whether it could not be renewed the last time, and is to be.
    pub(crate) fn is_tried_again(&self) -> bool {
        matches!(self.state, State::Renews { failures } if failures > 0)
    }

    /// Its end, where a renewal of the whole saves it.
    pub(crate) fn valid_until(&self) -> Option<Timestamp> {
        self.tokens.valid_until.filter(|_| self.state == State::Renews { failures: 0 })
    }

    /// Its end, where nothing does. One that has come hides no later one of the others.
    pub(crate) fn ends(&self) -> Option<Timestamp> {
        self.tokens.valid_until.filter(|_| self.state == State::Lost)
    }

    /// It could not be renewed now: when to try again, if at all.
    pub(crate) fn failed(&mut self, now: Timestamp) -> Option<Timestamp> {
        let State::Renews { failures } = self.state else { return None };
        let failures = failures.saturating_add(1);
        if failures >= MOST_FAILURES {
            self.lose(now);
            return None;
        }
        self.state = State::Renews { failures };
        Some(now.after(FIRST_PAUSE << (failures - 1)))
    }

    /// Nothing renews it any more.
    pub(crate) fn lose(&mut self, now: Timestamp) {
        self.tokens.refresh = None;
        self.tokens.valid_until.get_or_insert(now);
        self.state = State::Lost;
    }

    /// Ends one that was lost, if it is time.
    pub(crate) fn end(&mut self, now: Timestamp) {
        if self.ends().is_some_and(|end| end <= now) {
            self.state = State::Over;
        }
    }

    /// What is stored of its state; nothing, as long as all is well.
    pub(super) fn state(&self) -> Option<String> {
        match self.state {
            State::Renews { failures: 0 } => None,
            State::Renews { failures } => Some(failures.to_string()),
            State::Lost => Some("lost".to_owned()),
            State::Over => Some("over".to_owned()),
        }
    }

    /// Takes what was stored of its state.
    pub(super) fn set_state(&mut self, text: &str) -> Result<(), CredentialError> {
        self.state = match text {
            "lost" => State::Lost,
            "over" => State::Over,
            text => State::Renews { failures: text.parse().map_err(|_| CredentialError::Malformed)? },
        };
        Ok(())
    }
}
