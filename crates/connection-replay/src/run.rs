//! The state of one run of a setup. Effects run one at a time: first the recorded ones, then live ones.

use alloc::{boxed::Box, collections::VecDeque, string::String, vec::Vec};
use core::mem;

use connection_contract::{
    AddressPurpose, Answer, AnswerClass, Field, GrantedDirectory, HttpError, HttpResponse, Notice, Origin, Prompt,
    Redirect, Timestamp,
};

use crate::{Effect, Entry, Fault, WaitEndings, may_hold_token};

/// The maximum number of effects of one setup.
const MAX_EFFECTS: i64 = 1000;
/// The maximum size of a journal in bytes. It is checked before each effect, so the last effect may exceed it.
pub(crate) const MAX_BYTES: usize = 4 << 20;
/// The maximum size of one entry in bytes. A host must be able to record entries of this size.
pub const MAX_ENTRY_LENGTH: usize = 16 << 20;

/// The reason why a run stops before the plugin ends. `H` is the type of the host's own reasons.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a host must handle every way in which a run stops")]
pub enum Stop<H> {
    /// The plugin is at fault.
    Fault(Fault),
    /// The host cannot continue the run.
    Halt(H),
    /// The plugin waits for an input.
    Wait(Box<Suspended>),
}

/// A run that waits. A host stores the fields that it needs to check an input, and shows the rest.
#[derive(Debug)]
#[non_exhaustive]
pub struct Suspended {
    /// The number of the step. A wait that repeats the previous one has the same number.
    pub step: u64,
    /// The number of the effect that ends the wait.
    pub seq: i64,
    /// The versioned fingerprint of the wait, for the entry of the journal that ends it.
    pub what: String,
    /// The ways in which the wait may end.
    pub ways: WaitEndings,
    /// The `state` that a callback must have.
    pub state: Option<String>,
    /// The time at which the wait ends without an input.
    pub until: Option<Timestamp>,
    /// The prompt to show, if a person is to answer.
    pub prompt: Option<Prompt>,
    /// The declared fields that the prompt names, in the order of the prompt.
    pub fields: Vec<Field>,
    /// The address to open in a browser.
    pub open: Option<Redirect>,
    /// The notices on the page: earlier ones first, then those of the wait.
    pub beside: Vec<Notice>,
}

/// One run of a setup, from its start to its end or the next wait.
#[derive(Debug)]
#[non_exhaustive]
pub struct Run<H> {
    replay: VecDeque<Entry>,
    /// The number of the next effect.
    pub next: i64,
    /// The time that the plugin reads, which is the time of the last effect.
    pub now: Timestamp,
    /// The reason why the run stops, once it does.
    pub stop: Option<Stop<H>>,
    /// The number of steps so far: one for each wait that does not repeat the previous one.
    pub step: u64,
    /// The notices that stay on the page.
    pub notices: Vec<Notice>,
    /// The time of the last answer or callback.
    pub input_at: Timestamp,
    /// `true` if the session has an address for a callback.
    pub has_address: bool,
    /// `true` if a person may have signed in at the provider: with a browser, or by typing a code there.
    pub has_signed_in: bool,
    /// The origins that a person named in answers.
    pub origins: Vec<Origin>,
    /// The origins that the provider named, each with its purpose.
    pub discovered: Vec<(AddressPurpose, Origin)>,
    /// The directories that a person granted in answers.
    pub roots: Vec<GrantedDirectory>,
    pub(crate) look: String,
    pub(crate) elapsed: bool,
    /// The number of the last effect that ran in this run and may be repeated.
    repeatable: Option<i64>,
    /// The number of the last successful answer to a request that has spent something, if it may hold a token.
    accepted: Option<i64>,
    bytes: usize,
    handles: u64,
    is_busy: bool,
    is_ending: bool,
}

/// The source of an effect's result: the effect runs now, or the journal holds the result.
pub(crate) enum Turn {
    Live,
    Replay(Effect),
}

impl<H> Run<H> {
    /// Creates a run over a journal of `bytes` bytes, for a setup that began at `started`.
    pub fn new(journal: VecDeque<Entry>, bytes: usize, started: Timestamp) -> Self {
        Self {
            replay: journal,
            next: 0,
            now: started,
            stop: None,
            step: 0,
            notices: Vec::new(),
            input_at: started,
            has_address: false,
            has_signed_in: false,
            origins: Vec::new(),
            discovered: Vec::new(),
            roots: Vec::new(),
            look: String::new(),
            elapsed: false,
            repeatable: None,
            accepted: None,
            bytes,
            handles: 0,
            is_busy: false,
            is_ending: false,
        }
    }

    /// Grants the directory of the profile for which the setup runs, which no answer names.
    #[must_use]
    pub fn grant(mut self, root: Option<GrantedDirectory>) -> Self {
        self.roots.extend(root);
        self
    }

    /// Returns `true` while recorded results are left.
    pub fn is_replaying(&self) -> bool {
        !self.replay.is_empty()
    }

    /// Stops the run for a fault. The first reason to stop is kept, except that a fault replaces a wait.
    pub fn fail(&mut self, fault: Fault) {
        if matches!(self.stop, None | Some(Stop::Wait(_))) {
            self.stop = Some(Stop::Fault(fault));
        }
    }

    /// Stops the run for a reason of the host, unless the run has stopped already.
    pub fn halt(&mut self, halt: H) {
        self.stop.get_or_insert(Stop::Halt(halt));
    }

    /// Marks that the host drops the plugin's future. An unfinished effect that is dropped after this is not a fault.
    pub fn end(&mut self) {
        self.is_ending = true;
    }

    /// Takes the state of the run, and leaves a run in its place that has stopped for `halt`.
    ///
    /// Code that still uses the run afterwards changes nothing, because every effect of a stopped run stays pending.
    #[must_use]
    pub fn over(&mut self, halt: H) -> Self {
        let next = self.next;
        let now = self.now;
        let step = self.step;
        let bytes = self.bytes;
        let is_busy = self.is_busy;
        let is_ending = self.is_ending;
        let left = Self {
            next,
            step,
            is_busy,
            is_ending,
            stop: Some(Stop::Halt(halt)),
            ..Self::new(VecDeque::new(), bytes, now)
        };
        mem::replace(self, left)
    }

    /// Takes the next recorded entry after the plugin has ended. Such an entry was added by the host itself.
    pub fn take_rest(&mut self) -> Option<Entry> {
        let entry = self.replay.pop_front()?;
        self.now = entry.at;
        self.next += 1;
        Some(entry)
    }

    /// Returns the number of the last effect if it ran in this run and may be repeated.
    ///
    /// An earlier effect cannot be repeated, because the effects after it follow from its recorded result.
    pub fn last_asked(&self) -> Option<i64> {
        self.repeatable.filter(|repeatable| repeatable + 1 == self.next)
    }

    /// Returns `true` if the last effect is the answer, with a successful status, to a request that has spent something, and
    /// the answer may hold a token. The request is not sent again, so a host keeps the answer if the plugin cannot read it.
    pub fn is_last_accepted(&self) -> bool {
        self.accepted.is_some_and(|accepted| accepted + 1 == self.next)
    }

    /// Returns `true` if the last request that has spent something was answered as [`is_last_accepted`](Self::is_last_accepted)
    /// says, whatever followed. If the setup ends, what the answer holds is lost, and cannot be requested again.
    pub fn has_accepted(&self) -> bool {
        self.accepted.is_some()
    }

    /// Begins the effect with the fingerprint `what`, or returns `None` if the run stops.
    pub(crate) fn begin(&mut self, what: &str) -> Option<Turn> {
        if self.is_busy {
            self.fail(Fault::concurrent());
        } else if self.next >= MAX_EFFECTS {
            self.fail(Fault::too_long("it has performed 1000 effects"));
        } else if self.bytes > MAX_BYTES {
            self.fail(Fault::too_long("the results of its effects are more than 4 MiB"));
        }
        if self.stop.is_some() {
            return None;
        }
        match self.replay.pop_front() {
            Some(entry) if entry.what == what => {
                self.passed(&entry);
                Some(Turn::Replay(entry.effect))
            }
            Some(entry) => {
                // The entry stays the next one, so that a host can report which request was expected.
                self.replay.push_front(entry);
                self.fail(Fault::changed());
                None
            }
            None => {
                self.is_busy = true;
                Some(Turn::Live)
            }
        }
    }

    /// Ends the effect in progress with a result that was recorded in `bytes` bytes.
    pub(crate) fn recorded(&mut self, entry: &Entry, bytes: usize) {
        self.passed(entry);
        self.bytes += bytes;
        self.is_busy = false;
    }

    /// Called when an effect is dropped. An effect without a result is a fault, because a replay could not repeat it.
    pub(crate) fn dropped(&mut self) {
        if self.is_busy && !self.is_ending {
            self.fail(Fault::abandoned());
        }
    }

    pub(crate) fn next_handle(&mut self) -> u64 {
        self.handles += 1;
        self.handles
    }

    /// Updates the state for a result, whether recorded or live.
    fn passed(&mut self, entry: &Entry) {
        match &entry.effect {
            Effect::Answered(answers) => {
                for (_, answer) in answers {
                    match answer {
                        Answer::Url(base) => self.origins.push(base.origin().clone()),
                        Answer::Directory(root) => self.roots.push(root.clone()),
                        _ => {}
                    }
                }
                self.input_at = entry.at;
            }
            Effect::Callback(_) => self.input_at = entry.at,
            // A request that has spent something is not repeated.
            Effect::Http(result) if entry.is_spend() && !is_unspent(result) => {
                self.repeatable = None;
                let may_hold = |answer: &HttpResponse| answer.class() == AnswerClass::Success && may_hold_token(answer);
                self.accepted = result.as_ref().is_ok_and(may_hold).then_some(self.next);
            }
            Effect::Files(_) | Effect::Http(_) | Effect::Read(_) => self.repeatable = Some(self.next),
            Effect::Allocated(address) => self.has_address |= address.is_some(),
            Effect::Discovered(Some(found)) => self.discovered.push(found.clone()),
            Effect::Discovered(None) | Effect::Elapsed | Effect::Value(_) | Effect::Put(_) => {}
        }
        self.now = entry.at;
        self.next += 1;
    }
}

/// Returns `true` if the provider did not process a request that spends something, so that it may be sent again.
fn is_unspent(result: &Result<HttpResponse, HttpError>) -> bool {
    match result {
        Ok(answer) => AnswerClass::of(answer.status()) == AnswerClass::Limit,
        Err(error) => *error != HttpError::Uncertain,
    }
}
