//! Records the last answer, so that a reason can name the address and the status.
//!
//! A plugin classifies an answer without knowing where it came from, and a failed request has no address at all. The
//! host knows both.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::{
    AnswerClass, HttpError, HttpResponse, JsonError, NotLive, Origin, Reason, Secret, Timestamp, VerifyResult,
    classify, reason,
};

use super::outages::{answered, cause, host};

/// The longest pause that is accepted from a provider or a plugin. A provider may ask for too long a pause by mistake.
pub const MAX_PAUSE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The result of the last request in one call of a plugin. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct LastAnswer(Arc<Mutex<Last>>);

#[derive(Debug, Default)]
struct Last {
    /// The status of the current request, whose body may turn out to be too long.
    status: Option<u16>,
    heard: Option<Heard>,
}

#[derive(Clone, Debug)]
struct Heard {
    origin: Origin,
    answer: Result<u16, HttpError>,
    /// The status that arrived before the answer turned out to be an error.
    status: Option<u16>,
    /// The time limit of the request.
    timeout: Duration,
}

/// All values are equal, because the last answer does not affect where a request may go.
impl PartialEq for LastAnswer {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for LastAnswer {}

impl LastAnswer {
    pub(super) fn note(&self, origin: &Origin, answer: Result<u16, HttpError>, timeout: Duration) {
        let mut last = self.lock();
        let status = last.status.take();
        last.heard = Some(Heard { origin: origin.clone(), answer, status, timeout });
    }

    /// Records the status of an answer whose body has not been read yet.
    pub(super) fn begins(&self, status: u16) {
        self.lock().status = Some(status);
    }

    /// Returns the origin of the last request; `None` if none was sent.
    pub fn origin(&self) -> Option<Origin> {
        self.lock().heard.as_ref().map(|heard| heard.origin.clone())
    }

    /// Returns `true` if the origin of the last request could not be reached, did not answer in time, or answered 408 or
    /// a status from 500 on.
    pub fn is_outage(&self) -> bool {
        self.lock().heard.as_ref().is_some_and(|heard| match heard.answer {
            Ok(status) => AnswerClass::of(status) == AnswerClass::Outage,
            Err(error) => cause(error, heard.timeout).is_some(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the address and the answer to the reason of a plugin, if the reason is the general one for that answer. A
    /// message of the plugin's own stays.
    pub fn describe_reason(&self, mut not_live: NotLive, now: Timestamp) -> NotLive {
        self.name(&mut not_live.reason, not_live.recheck_after, now);
        not_live
    }

    /// Adds the address and the answer to the reason of a probe, as [`describe_reason`](Self::describe_reason) does.
    pub fn describe_result(&self, mut found: VerifyResult<Secret>, now: Timestamp) -> VerifyResult<Secret> {
        if let Some(reason) = &mut found.reason {
            self.name(reason, found.recheck_after, now);
        }
        found
    }

    fn name(&self, reason: &mut Reason, recheck_after: Option<Duration>, now: Timestamp) {
        let heard = self.lock().heard.clone();
        if is_general(reason, &NotLive::rate_limited(None)) {
            let who = heard.as_ref().map_or("the provider", |heard| host(&heard.origin));
            let until = recheck_after.map(|after| now.after(after.min(MAX_PAUSE).as_secs()));
            reason.message = match until {
                Some(until) => format!("{who} asks to wait until {}", until.to_rfc3339()).into(),
                None => format!("{who} asks to wait").into(),
            };
            return;
        }
        let Some(Heard { origin, answer, status, timeout }) = heard else { return };
        if let (Ok(status), Some(what)) = (answer, unreadable(reason)) {
            reason.message = format!("{} answered {status} {what}", host(&origin)).into();
            return;
        }
        let response = answer.map(|status| HttpResponse::new(status, Vec::new(), Secret::default(), now));
        let Err(general) = classify(response) else { return };
        if !is_general(reason, &general) {
            return;
        }
        let message = match answer {
            Ok(status) if reason.code == reason::PROVIDER_ERROR => Some(answered(&origin, status)),
            Ok(_) => None,
            Err(HttpError::Protocol) => Some(match status {
                Some(status) => format!("{} answered {status}, and the rest is not valid HTTP", host(&origin)),
                None => format!("{} gave no answer that is valid HTTP", host(&origin)),
            }),
            Err(HttpError::TooLarge) => {
                let status = status.map(|status| format!(" {status}")).unwrap_or_default();
                Some(format!("{} answered{status} with more than this host reads", host(&origin)))
            }
            Err(error) => cause(error, timeout).map(|cause| format!("cannot reach {}: {cause}", host(&origin))),
        };
        if let Some(message) = message {
            reason.message = message.into();
        }
    }
}

/// Returns what is wrong with an answer that is not the expected JSON, if the reason is the general one.
fn unreadable(reason: &Reason) -> Option<String> {
    if is_general(reason, &JsonError::Syntax.into()) {
        return Some("with text that is not JSON".to_owned());
    }
    let field = reason.message.as_str().split('\'').rev().nth(1)?;
    let general = NotLive::from(JsonError::Field(field.to_owned().into()));
    is_general(reason, &general).then(|| format!("without the field '{field}'"))
}

/// Returns `true` if a reason has the code and the message of the general one.
fn is_general(reason: &Reason, general: &NotLive) -> bool {
    reason.code == general.reason.code && reason.message == general.reason.message
}
