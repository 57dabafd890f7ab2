//! The state of one run of a setup: recorded results first, then live ones, one effect at a time.

use alloc::{boxed::Box, collections::VecDeque, string::String, vec::Vec};
use core::mem;

use connection_contract::{Answer, HttpError, HttpResponse, Notice, Origin, Root, Timestamp};

use crate::{Effect, Entry, Fault, Suspended};

/// The maximum number of effects of one setup.
const MOST_EFFECTS: i64 = 1000;
/// The maximum size of a journal in bytes. An effect that begins below it may exceed it.
pub(crate) const MOST_BYTES: usize = 4 << 20;
/// The maximum size of one entry in bytes. A host must be able to record entries of this size.
pub const LONGEST_ENTRY: usize = 16 << 20;

/// Why a run stops before the plugin ends. `H` is the host's own reasons.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a host must handle every way in which a run stops")]
pub enum Stop<H> {
    /// The plugin is at fault.
    Fault(Fault),
    /// The host cannot go on.
    Halt(H),
    /// The plugin waits.
    Wait(Box<Suspended>),
}

/// One run of a setup, from its start to its end or the next wait.
#[derive(Debug)]
#[non_exhaustive]
pub struct Run<H> {
    replay: VecDeque<Entry>,
    /// The number of the next effect.
    pub next: i64,
    /// The time of the plugin: that of the last effect.
    pub now: Timestamp,
    /// Why the run stops.
    pub stop: Option<Stop<H>>,
    /// The number of the step.
    pub step: u64,
    /// The notices that stay on the page.
    pub notices: Vec<Notice>,
    /// The time of the last answer or callback.
    pub input_at: Timestamp,
    /// `true` if the session has an address for a callback.
    pub has_address: bool,
    /// `true` if somebody signed in with a browser.
    pub in_browser: bool,
    /// The origins that a person named in answers.
    pub origins: Vec<Origin>,
    /// The directories that a person granted in answers.
    pub roots: Vec<Root>,
    pub(crate) look: String,
    pub(crate) elapsed: bool,
    /// The last effect that asked the world and not the user.
    asked: Option<i64>,
    bytes: usize,
    handles: u64,
    is_busy: bool,
    is_ending: bool,
}

/// What an effect does first.
pub(crate) enum Turn {
    Live,
    Replay(Effect),
}

impl<H> Run<H> {
    /// A run over a journal of that many bytes, of a setup that began at `started`.
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
            in_browser: false,
            origins: Vec::new(),
            roots: Vec::new(),
            look: String::new(),
            elapsed: false,
            asked: None,
            bytes,
            handles: 0,
            is_busy: false,
            is_ending: false,
        }
    }

    /// Grants a directory that no answer names: the one of the profile that the setup is for.
    #[must_use]
    pub fn grant(mut self, root: Option<Root>) -> Self {
        self.roots.extend(root);
        self
    }

    /// Returns `true` as long as recorded results are left.
    pub fn is_replaying(&self) -> bool {
        !self.replay.is_empty()
    }

    /// Stops the run for a fault. The first reason counts, but a fault outranks a wait that is about to suspend.
    pub fn fail(&mut self, fault: Fault) {
        if matches!(self.stop, None | Some(Stop::Wait(_))) {
            self.stop = Some(Stop::Fault(fault));
        }
    }

    /// Stops the run for a reason of the host, unless it stops already.
    pub fn halt(&mut self, halt: H) {
        self.stop.get_or_insert(Stop::Halt(halt));
    }

    /// Says that the host drops the plugin's future: an effect that is dropped unfinished from now on is no fault.
    pub fn end(&mut self) {
        self.is_ending = true;
    }

    /// Returns what the run came to, and leaves one in its place that has stopped for `halt`: whatever still holds on to
    /// it does nothing more, since every effect of a stopped run stays pending.
    #[must_use]
    pub fn over(&mut self, halt: H) -> Self {
        let (next, now, step, bytes) = (self.next, self.now, self.step, self.bytes);
        let (is_busy, is_ending) = (self.is_busy, self.is_ending);
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

    /// Takes the next recorded result after the plugin has ended: an entry that the host itself has added.
    pub fn take_rest(&mut self) -> Option<Entry> {
        let entry = self.replay.pop_front()?;
        self.now = entry.at;
        self.next += 1;
        Some(entry)
    }

    /// Returns the number of the last effect if it asked the world. Only that one can be asked again, because what came
    /// after any other would follow from nothing.
    pub fn last_asked(&self) -> Option<i64> {
        self.asked.filter(|asked| asked + 1 == self.next)
    }

    /// Takes the turn of an effect; `None` when the run stops.
    pub(crate) fn begin(&mut self, what: &str) -> Option<Turn> {
        if self.is_busy {
            self.fail(Fault::concurrent());
        } else if self.next >= MOST_EFFECTS {
            self.fail(Fault::too_long("it has had 1000 effects"));
        } else if self.bytes > MOST_BYTES {
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
                // It stays what comes next, for whoever says what was expected.
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

    /// Ends the effect that is under way with a result that was recorded in so many bytes.
    pub(crate) fn recorded(&mut self, entry: &Entry, bytes: usize) {
        self.passed(entry);
        self.bytes += bytes;
        self.is_busy = false;
    }

    /// Called when the effect under way is dropped: without a result it is a fault, since a replay could not repeat it.
    pub(crate) fn dropped(&mut self) {
        if self.is_busy && !self.is_ending {
            self.fail(Fault::abandoned());
        }
    }

    pub(crate) fn next_handle(&mut self) -> u64 {
        self.handles += 1;
        self.handles
    }

    /// Takes note of a result, recorded or live.
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
            // Whatever was spent is not asked for again.
            Effect::Http(result) if entry.is_spend() && !is_unspent(result) => self.asked = None,
            Effect::Files(_) | Effect::Http(_) | Effect::Read(_) => self.asked = Some(self.next),
            Effect::Allocated(address) => self.has_address |= address.is_some(),
            Effect::Elapsed | Effect::Kept(_) | Effect::Put(_) => {}
        }
        self.now = entry.at;
        self.next += 1;
    }
}

/// Returns `true` if the provider did nothing with what was sent once, so that it may be sent again.
fn is_unspent(result: &Result<HttpResponse, HttpError>) -> bool {
    match result {
        Ok(answer) => answer.status() == 429,
        Err(error) => *error != HttpError::Uncertain,
    }
}
