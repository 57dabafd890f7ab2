//! Records the last answer, so that a reason can name the address and the status, and have the words of the provider.
//!
//! A plugin classifies an answer without knowing where it came from, and a failed request has no address at all. The
//! host knows both.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::{
    AnswerClass, DisplayText, HttpError, HttpRequest, HttpResponse, JsonError, NotLive, Origin, ProviderText, Reason,
    Secret, SetupFailure, Text, Timestamp, VerifyResult, classify, reason,
};

use super::{
    outages::{Way, answered, cause, host},
    said::{Said, Sent},
};

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
    /// What was sent so far.
    sent: Sent,
}

#[derive(Debug)]
struct Heard {
    origin: Origin,
    /// `true` if the answer arrived in an earlier run, and was read from its record.
    is_recalled: bool,
    said: Said,
    /// `true` if the answer was a refusal.
    is_refusal: bool,
    answer: Result<u16, HttpError>,
    /// The status that arrived before the answer turned out to be an error.
    status: Option<u16>,
    way: Way,
}

impl Heard {
    /// Returns `true` if a reason is about this answer: it is no success, or does not say what the plugin looked for.
    fn is_cause_of(&self, reason: &Reason) -> bool {
        let is_success = self.answer.is_ok_and(|status| AnswerClass::of(status) == AnswerClass::Success);
        let is_lacking = [reason::NOT_JSON, reason::REVOCATION_UNCONFIRMED].contains(&&*reason.code);
        !is_fault(reason) && (!is_success || self.states(reason) || is_lacking)
    }

    /// Returns `true` if the answer states the error of a reason, by itself or by a rule of the kind.
    fn states(&self, reason: &Reason) -> bool {
        !is_fault(reason) && (self.said.is_error || is_general(reason, &NotLive::refused()))
    }

    fn end(&self) -> String {
        let Self { origin, answer, status, way, .. } = self;
        match (*answer, *status) {
            (Ok(status), _) => answered(origin, status),
            (Err(_), Some(status)) => format!("{}, and the rest could not be read", answered(origin, status)),
            (Err(error), None) => {
                let cause = cause(error, *way).map(|cause| format!(" ({cause})")).unwrap_or_default();
                format!("the answer of {} was lost{cause}", host(origin))
            }
        }
    }
}

/// All values are equal, because the last answer does not affect where a request may go.
impl PartialEq for LastAnswer {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for LastAnswer {}

impl LastAnswer {
    pub(super) fn note(&self, origin: &Origin, answer: Result<u16, HttpError>, way: Way) {
        let mut last = self.lock();
        let status = last.status.take();
        let origin = origin.clone();
        last.heard =
            Some(Heard { origin, is_recalled: false, said: Said::default(), is_refusal: false, answer, status, way });
    }

    /// Records the texts of a request before it is sent, which an answer may repeat.
    pub(super) fn sends(&self, request: &HttpRequest) {
        self.lock().sent.add_request(request);
    }

    /// Records what the answer that was noted last says.
    pub(super) fn reads(&self, response: &HttpResponse) {
        if let Some(heard) = &mut self.lock().heard {
            heard.said = Said::of(response);
            heard.is_refusal = match response.class() {
                AnswerClass::Success => heard.said.is_error && !response.is_page() && response.json().is_ok(),
                class => (400..500).contains(&response.status()) && !class.is_temporary() && !response.is_page(),
            };
        }
    }

    /// Records an answer of an earlier run.
    pub(super) fn recalls(&self, origin: &Origin, answer: Result<&HttpResponse, HttpError>, timeout: Duration) {
        self.note(origin, answer.map(HttpResponse::status), Way { timeout, is_proxied: false });
        if let Ok(response) = answer {
            self.reads(response);
        }
        if let Some(heard) = &mut self.lock().heard {
            heard.is_recalled = true;
        }
    }

    /// Records further secrets that an answer may repeat, such as those of a stored credential.
    pub fn covers(&self, secrets: Vec<Secret>) {
        self.lock().sent.add(secrets);
    }

    /// Forgets the answer, because what follows is not based on it.
    pub fn forget(&self) {
        let mut last = self.lock();
        (last.status, last.heard) = (None, None);
    }

    /// Records the status of an answer whose body has not been read yet.
    pub(super) fn begins(&self, status: u16) {
        self.lock().status = Some(status);
    }

    /// Returns `true` if the last answer refuses the request: with a status from 400 to 499, or with 2xx if it is JSON that states an
    /// error. It is neither an outage nor a limit nor a page.
    pub fn is_refusal(&self) -> bool {
        self.lock().heard.as_ref().is_some_and(|heard| heard.is_refusal)
    }

    /// Returns the origin of the last request; `None` if none was sent.
    pub fn origin(&self) -> Option<Origin> {
        self.lock().heard.as_ref().filter(|heard| !heard.is_recalled).map(|heard| heard.origin.clone())
    }

    /// Returns `true` if the origin of the last request could not be reached, did not answer in time, or answered 408 or
    /// a status from 500 on.
    pub fn is_outage(&self) -> bool {
        self.lock().heard.as_ref().filter(|heard| !heard.is_recalled).is_some_and(|heard| match heard.answer {
            Ok(status) => AnswerClass::of(status) == AnswerClass::Outage,
            Err(error) => cause(error, heard.way).is_some(),
        })
    }

    /// Returns how the last request ended, with its address: the status that was answered, or that there was no whole answer.
    /// Returns `None` if there was no request.
    pub fn end(&self) -> Option<String> {
        self.lock().heard.as_ref().map(Heard::end)
    }

    fn lock(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the address, the answer and the provider's own words to the reason of a plugin. A message of the plugin's own
    /// follows the answer.
    ///
    /// A redirect to another origin, such as that of a sign-in in front of the API, is an answer that says nothing about the
    /// credential, and no address that the host does not allow.
    pub fn describe_reason(&self, mut not_live: NotLive, now: Timestamp) -> NotLive {
        let is_elsewhere = self.leads_elsewhere(&not_live.reason);
        self.describe(&mut not_live.reason, not_live.recheck_after, now);
        match is_elsewhere {
            true => NotLive::offline(Reason::new(reason::PROVIDER_ERROR, not_live.reason.message)),
            false => not_live,
        }
    }

    /// Describes the reason of a probe, as [`describe_reason`](Self::describe_reason) does.
    pub fn describe_result(&self, mut found: VerifyResult<Secret>, now: Timestamp) -> VerifyResult<Secret> {
        let Some(reason) = &mut found.reason else { return found };
        if self.leads_elsewhere(reason) {
            let not_live = self.describe_reason(NotLive::failing(reason.clone()), now);
            let rotated = found.credential.take();
            found = not_live.into();
            found.credential = rotated;
        } else {
            self.describe(reason, found.recheck_after, now);
        }
        found
    }

    /// Returns the state of an account if the failure of a setup is that of a request whose answer leads to another origin.
    /// [`describe_reason`](Self::describe_reason) then describes it as the answer that it is.
    pub fn elsewhere(&self, failure: &SetupFailure) -> Option<NotLive> {
        let reason = Reason::new(failure.code.clone(), failure.message.clone());
        self.leads_elsewhere(&reason).then(|| NotLive::failing(reason))
    }

    /// Returns `true` if a reason is that of a request whose answer leads to another origin. The record of an answer from an
    /// earlier run has no status, so such an answer may have led there.
    fn leads_elsewhere(&self, reason: &Reason) -> bool {
        let is_denied = classify(Err(HttpError::Denied)).is_err_and(|general| is_general(reason, &general));
        let is_answer =
            |heard: &Heard| heard.answer == Err(HttpError::Denied) && (heard.status.is_some() || heard.is_recalled);
        is_denied && self.lock().heard.as_ref().is_some_and(is_answer)
    }

    /// Describes the failure of a setup, as [`describe_reason`](Self::describe_reason) does.
    pub fn describe_failure(&self, mut failure: SetupFailure, now: Timestamp) -> SetupFailure {
        let reason = Reason::new(failure.code.clone(), failure.message).provider_text(failure.provider_text);
        let mut not_live = NotLive::failing(reason);
        self.describe(&mut not_live.reason, None, now);
        failure.message = not_live.reason.message;
        failure.provider_text = not_live.reason.provider_text;
        failure
    }

    /// Describes what was wrong with the answers to a prompt, as [`describe_reason`](Self::describe_reason) does, and
    /// returns it with the provider's own words.
    pub fn describe_problem(&self, problem: DisplayText, now: Timestamp) -> (DisplayText, Option<ProviderText>) {
        let mut reason = Reason::new(reason::UNAUTHORIZED, problem);
        self.describe(&mut reason, None, now);
        (reason.message, reason.provider_text)
    }

    fn describe(&self, reason: &mut Reason, recheck_after: Option<Duration>, now: Timestamp) {
        let last = self.lock();
        let heard = last.heard.as_ref().filter(|heard| heard.states(reason));
        // Words that the plugin found itself, such as those of a callback, are covered, too.
        reason.provider_text = match reason.provider_text.take() {
            Some(words) => Said::found(&words).words(&last.sent),
            None => heard.and_then(|heard| heard.said.words(&last.sent)),
        };
        if let Some(message) = message(last.heard.as_ref(), reason, recheck_after, now) {
            reason.message = message.into();
        }
        // A code alone that the message has already is not said twice.
        let is_told = |words: &ProviderText| reason.message.as_str().contains(&format!("({})", words.as_str()));
        if reason.provider_text.as_ref().is_some_and(is_told) {
            reason.provider_text = None;
        }
    }
}

/// Returns the message with the address and the answer, if the reason is based on an answer that it does not name.
fn message(heard: Option<&Heard>, reason: &Reason, recheck_after: Option<Duration>, now: Timestamp) -> Option<String> {
    if is_general(reason, &NotLive::rate_limited(None)) {
        let who = match heard {
            Some(Heard { origin, answer: Ok(status), .. }) => format!("{} and", answered(origin, *status)),
            Some(Heard { origin, .. }) => host(origin).to_owned(),
            None => "the provider".to_owned(),
        };
        let named = recheck_after.filter(|after| !after.is_zero());
        let until = named.map(|after| now.after(after.min(MAX_PAUSE).as_secs()));
        return Some(match until {
            Some(until) => format!("{who} asks to wait until {}", until.to_rfc3339()),
            None => format!("{who} asks to wait"),
        });
    }
    let heard = heard?;
    let is_unclear = |general: NotLive| reason.message == general.reason.message;
    if classify(Err(HttpError::Uncertain)).is_err_and(is_unclear) {
        return Some(format!("a token or code may have been used: {}", heard.end()));
    }
    let Heard { origin, answer, status, way, .. } = heard;
    let response = answer.map(|status| HttpResponse::new(status, Vec::new(), Secret::default(), now));
    let is_usual = classify(response).is_err_and(|general| is_general(reason, &general));
    match *answer {
        Ok(status) => {
            if let Some(what) = unreadable(reason) {
                return Some(format!("{} answered {status} {what}", host(origin)));
            }
            if !heard.is_cause_of(reason) {
                return None;
            }
            if is_general(reason, &NotLive::provider_error(None)) {
                return Some(answered(origin, status));
            }
            let text = reason.message.as_str();
            let is_named = text.contains(host(origin)) && text.contains(&status.to_string());
            (!is_named).then(|| format!("{}: {text}", answered(origin, status)))
        }
        Err(_) if !is_usual => None,
        Err(HttpError::Closed) => Some(format!("{} closed the connection before it had answered", host(origin))),
        Err(HttpError::Redirects(status)) => {
            Some(format!("{}: it redirects in a loop, or too many times in a row", answered(origin, status)))
        }
        Err(HttpError::Protocol) => Some(match status {
            Some(status) => format!("{} answered {status}, and the rest is not valid HTTP", host(origin)),
            None => format!("{} gave no answer that is valid HTTP", host(origin)),
        }),
        Err(HttpError::TooLarge) => {
            let status = status.map(|status| format!(" {status}")).unwrap_or_default();
            Some(format!("{} answered{status} with more than this host reads", host(origin)))
        }
        Err(HttpError::Denied) => {
            status.map(|status| format!("{}, which leads to another address", answered(origin, status)))
        }
        Err(error) => cause(error, *way).map(|cause| format!("cannot reach {}: {cause}", host(origin))),
    }
}

/// Returns `true` for a fault of the plugin or of this host, about which no answer says anything.
fn is_fault(reason: &Reason) -> bool {
    let faults = [reason::PLUGIN_FAULT, reason::PLUGIN_PANICKED, reason::PLUGIN_TIMEOUT, reason::CREDENTIAL_UNREADABLE];
    faults.contains(&&*reason.code)
}

/// Returns what is wrong with an answer that is not the expected JSON, if the reason is the general one.
fn unreadable(reason: &Reason) -> Option<String> {
    for (error, what) in [
        (JsonError::Syntax, "with text that is not JSON"),
        (JsonError::Coding, "with text that is compressed in a way that cannot be read here"),
    ] {
        if is_general(reason, &error.into()) {
            return Some(what.to_owned());
        }
    }
    // The messages have the field in quotation marks, and one of them has a further apostrophe.
    reason.message.as_str().split('\'').find_map(|field| {
        let is = |error: fn(Text) -> JsonError| is_general(reason, &error(field.to_owned().into()).into());
        if is(JsonError::Damaged) {
            return Some(format!("with bytes that are not valid UTF-8 in the field '{field}'"));
        }
        is(JsonError::Field).then(|| format!("without the field '{field}'"))
    })
}

/// Returns `true` if a reason has the code and the message of the general one.
fn is_general(reason: &Reason, general: &NotLive) -> bool {
    reason.code == general.reason.code && reason.message == general.reason.message
}
