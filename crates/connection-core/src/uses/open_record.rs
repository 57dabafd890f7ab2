//! The record of a use that has begun.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use uuid::Uuid;

use super::{EndedEntry, Entry, Recorder, UseOutcome};

/// A use whose end is not recorded yet. When this value is dropped, the end is written behind.
#[derive(Debug)]
pub(crate) struct OpenRecord {
    recorder: Arc<Recorder>,
    id: Uuid,
    owner: Box<str>,
    began: Duration,
    /// `None` until there is an answer or an error.
    outcome: Option<UseOutcome>,
    code: Option<&'static str>,
    status: Option<u16>,
    is_complete: bool,
    /// The number of times that sending began.
    attempts: AtomicU32,
    /// The bytes of the body of the request that have passed.
    sent: Arc<AtomicU64>,
    pub(crate) received: u64,
    pub(crate) is_redacted: bool,
}

impl OpenRecord {
    pub(super) fn new(recorder: Arc<Recorder>, id: Uuid, owner: &str) -> Self {
        let began = recorder.clock.passed();
        Self {
            recorder,
            id,
            owner: owner.into(),
            began,
            outcome: None,
            code: None,
            status: None,
            is_complete: false,
            attempts: AtomicU32::new(0),
            sent: Arc::default(),
            received: 0,
            is_redacted: false,
        }
    }

    /// Takes the counter of the bytes of the body of the request.
    pub(crate) fn count_sent(&mut self, sent: Arc<AtomicU64>) {
        self.sent = sent;
    }

    /// Notes that the request is sent from now on.
    pub(crate) fn sending(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns `true` if a part of the request may have been sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.attempts.load(Ordering::Relaxed) > 0
    }

    /// Returns `true` if sending began more than once.
    pub(crate) fn was_repeated(&self) -> bool {
        self.attempts.load(Ordering::Relaxed) > 1
    }

    /// Notes the status of the answer.
    pub(crate) fn answered(&mut self, status: u16) {
        self.outcome = Some(UseOutcome::Answered);
        self.status = Some(status);
    }

    /// Notes that the whole answer passed.
    pub(crate) fn complete(&mut self) {
        self.is_complete = true;
    }

    /// Notes the error with which the use ended.
    pub(crate) fn failed(&mut self, outcome: UseOutcome, code: &'static str) {
        self.outcome = Some(outcome);
        self.code = Some(code);
    }
}

impl Drop for OpenRecord {
    fn drop(&mut self) {
        let Self { id, received, status, .. } = *self;
        let took = self.recorder.clock.passed().saturating_sub(self.began);
        let ended = EndedEntry {
            code: self.code.map(str::to_owned),
            complete: self.status.map(|_| self.is_complete),
            millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            received,
            redacted: self.is_redacted,
            sent: if self.is_sent() { self.sent.load(Ordering::Relaxed) } else { 0 },
            status,
            ..self.recorder.ended(id, &self.owner, self.outcome.unwrap_or(UseOutcome::Cancelled))
        };
        self.recorder.write_behind([Entry::Ended(Box::new(ended))]);
    }
}
