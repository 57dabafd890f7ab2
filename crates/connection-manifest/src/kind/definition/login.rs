//! The answer to a login: what it says about the credential.
//!
//! A login can be repeated and uses nothing up, so that no answer ends a connection for good. A refusal is reported as
//! one, and asked about again after a pause; whatever says nothing about the credential is offline.

use std::time::Duration;

use connection_contract::{HttpError, HttpResponse, JsonError, NotLive, Reason, reason};
use connection_oauth2::{LoginAnswer, login_answer};

use super::{
    calls::{MAX_SKEW, OTHERWISE},
    exchange::Moment,
};

/// The pause after a refused login, because some providers lock an account after a number of them.
const PAUSE: Duration = Duration::from_secs(15 * 60);
/// The beginning of the remedy for a refusal while the clocks differ.
const CORRECT: &str = "correct the clock of this machine";

/// The facts of an answer that decide its meaning.
pub(super) struct Login {
    host: String,
    status: u16,
    is_page: bool,
    /// The answer is in a content coding that cannot be read, so that it may have what it seems to lack.
    is_coded: bool,
    has_challenge: bool,
    answer: LoginAnswer,
    retry_after: Option<Duration>,
    /// How the clock of this machine differs from the provider's, if it does.
    clock: Option<String>,
}

impl Login {
    /// Reads an answer; `None` if there is none.
    pub(super) fn read(host: String, result: &Result<HttpResponse, HttpError>) -> Option<Self> {
        let response = result.as_ref().ok()?;
        Some(Self {
            host,
            status: response.status(),
            is_page: response.is_page(),
            is_coded: response.json_or_form() == Err(JsonError::Coding),
            has_challenge: response.challenge().is_present,
            answer: login_answer(response),
            retry_after: response.pause(),
            clock: response.clock_differs(MAX_SKEW),
        })
    }

    /// Returns what the answer means, where `found` is what it would mean to a request that is no login.
    pub(super) fn judged(&self, found: NotLive, moment: Moment) -> NotLive {
        if found.reason.code == reason::RATE_LIMITED {
            return found;
        }
        match self.answer {
            LoginAnswer::Limit => return NotLive::rate_limited(self.retry_after),
            LoginAnswer::Outage(_) => return self.offline(),
            _ => {}
        }
        if self.is_refusal(&found, moment) {
            return self.refused(moment);
        }
        // A page in place of an answer comes from something else on the way, whatever its status.
        if self.is_page { self.offline() } else { found }
    }

    /// Returns the result for an answer without the value that this place should have.
    pub(super) fn without(&self, what: &str, moment: Moment) -> NotLive {
        let message = format!("{} answered {} without {what}", self.host, self.status);
        let found = match self.is_coded {
            true => JsonError::Coding.into(),
            false => NotLive::offline(Reason::new(reason::NOT_JSON, message)),
        };
        self.judged(found, moment)
    }

    fn is_refusal(&self, found: &NotLive, moment: Moment) -> bool {
        let is_named = matches!(self.answer, LoginAnswer::Refused(_));
        match self.status {
            200..=299 | 400 if is_named => true,
            401 if !self.is_page || self.has_challenge || moment == Moment::Setup => true,
            403 | 422 if !self.is_page => true,
            // A person may have mistyped a part of the address or of the answer, and can correct it.
            400 | 404 | 422 if moment == Moment::Setup => true,
            // A rule of the file applies.
            _ => found.reason.code == reason::UNAUTHORIZED,
        }
    }

    fn refused(&self, moment: Moment) -> NotLive {
        if moment == Moment::Setup && self.clock.is_none() {
            return NotLive::refused();
        }
        let mut message = format!("{} refuses the login: it answered {}", self.host, self.said());
        if let Some(clock) = &self.clock {
            message.push_str(&format!(", and {clock}"));
        }
        let again = format!("{} with a valid credential", reason::AUTHORIZE_AGAIN);
        let why = match (self.clock.is_some(), moment) {
            (false, _) => Reason::new(reason::UNAUTHORIZED, message).remedy(again),
            (true, Moment::Refresh) => Reason::new(reason::CLOCK_DIFFERS, message)
                .remedy(format!("{CORRECT}, then verify the connection again{OTHERWISE}{again}")),
            // A person who has corrected the clock is asked again.
            (true, Moment::Setup) => Reason::new(reason::UNAUTHORIZED, message)
                .remedy(format!("{CORRECT}, then enter the same credential again{OTHERWISE}enter a valid one")),
        };
        let mut found = NotLive::failing(why);
        if moment == Moment::Refresh {
            found.recheck_after = Some(self.retry_after.unwrap_or_default().max(PAUSE));
        }
        found
    }

    fn offline(&self) -> NotLive {
        let what = if self.is_page { "with a page, which says nothing about the credential" } else { "for now" };
        let message = format!("{} answered {} {what}", self.host, self.said());
        let mut found = NotLive::offline(Reason::new(reason::PROVIDER_ERROR, message));
        found.recheck_after = self.retry_after;
        found
    }

    /// Returns the status, with the code if it is a known one.
    fn said(&self) -> String {
        match &self.answer {
            LoginAnswer::Outage(code) | LoginAnswer::Refused(code) => format!("{} ({code})", self.status),
            _ => self.status.to_string(),
        }
    }
}
