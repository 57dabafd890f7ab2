//! Remembers the last answer, so that a reason can name the address and the status.
//!
//! A plugin classifies an answer without knowing where it came from, and a request without an answer has no address at all.
//! The host knows both.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use connection_contract::{
    HttpError, HttpResponse, NotLive, Origin, Reason, Secret, Timestamp, VerifyResult, classify, reason,
};

use super::outages::{answered, cause, host};
use crate::liveness::LONGEST_PAUSE;

/// The last request of one call of a plugin. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastAnswer(Arc<Mutex<Option<Heard>>>);

#[derive(Clone, Debug)]
struct Heard {
    origin: Origin,
    answer: Result<u16, HttpError>,
    /// How long the request could take.
    timeout: Duration,
}

/// Two values are always equal, because the last answer does not change where a request may go.
impl PartialEq for LastAnswer {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for LastAnswer {}

impl LastAnswer {
    pub(super) fn note(&self, origin: &Origin, answer: Result<u16, HttpError>, timeout: Duration) {
        let heard = Heard { origin: origin.clone(), answer, timeout };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
    }

    /// Returns what a plugin says, with the address and the answer in it where it says what every plugin says of that
    /// answer. A sentence of the plugin's own stays.
    pub(crate) fn named(&self, mut not_live: NotLive, now: Timestamp) -> NotLive {
        self.name(&mut not_live.reason, not_live.recheck_after, now);
        not_live
    }

    /// Returns what a probe found, likewise.
    pub(crate) fn found(&self, mut found: VerifyResult<Secret>, now: Timestamp) -> VerifyResult<Secret> {
        if let Some(reason) = &mut found.reason {
            self.name(reason, found.recheck_after, now);
        }
        found
    }

    fn name(&self, reason: &mut Reason, recheck_after: Option<Duration>, now: Timestamp) {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if is_general(reason, &NotLive::rate_limited(None)) {
            let who = heard.as_ref().map_or("the provider", |heard| host(&heard.origin));
            let until = recheck_after.map(|after| now.after(after.min(LONGEST_PAUSE).as_secs()));
            reason.message = match until {
                Some(until) => format!("{who} asks to wait until {}", until.to_rfc3339()).into(),
                None => format!("{who} asks to wait").into(),
            };
            return;
        }
        let Some(Heard { origin, answer, timeout }) = heard else { return };
        let response = answer.map(|status| HttpResponse::new(status, Vec::new(), Secret::default(), now));
        let Err(general) = classify(response) else { return };
        if !is_general(reason, &general) {
            return;
        }
        let message = match answer {
            Ok(status) if reason.code == reason::PROVIDER_ERROR => Some(answered(&origin, status)),
            Ok(_) => None,
            Err(error) => cause(error, timeout).map(|cause| format!("cannot reach {}: {cause}", host(&origin))),
        };
        if let Some(message) = message {
            reason.message = message.into();
        }
    }
}

/// Returns `true` if a reason is what every plugin says.
fn is_general(reason: &Reason, general: &NotLive) -> bool {
    reason.code == general.reason.code && reason.message == general.reason.message
}
