//! The services of one run of a setup: recorded results first, then live ones, by the rules of a real host.
//!
//! One effect at a time; a run at fault never resumes the plugin, so the plugin cannot hide it; time stands still
//! between effects, and random bytes begin anew in every run.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{Mutex, MutexGuard, PoisonError},
};

use connection_contract::{LogEvent, LogService, Notice, Services, Timestamp, encode};

use crate::{
    crypto::{FakeCrypto, sha256},
    journal::{Effect, Entry},
    poll::yield_once,
    setup::Plan,
    world::World,
};

/// As in a real host.
pub(crate) const MOST_EFFECTS: usize = 1000;
pub(crate) const MOST_STEPS: usize = 64;
pub(crate) const MOST_FIELDS: usize = 32;

/// Why a run stops before its end.
pub(crate) enum Stop {
    Fault(String),
    Wait(Box<Plan>),
}
pub(crate) struct Inner {
    pub(crate) replay: VecDeque<Entry>,
    pub(crate) live: Vec<Entry>,
    pub(crate) now: Timestamp,
    pub(crate) stop: Option<Stop>,
    pub(crate) step: usize,
    /// What the last wait looked like, and whether it ended by itself: then one that looks the same is the same step.
    pub(crate) look: String,
    pub(crate) elapsed: bool,
    pub(crate) notices: Vec<Notice>,
    pub(crate) handles: u64,
    count: usize,
    input: usize,
    busy: bool,
    ending: bool,
}
pub(crate) struct Effects<'w> {
    pub(crate) world: &'w World,
    pub(crate) crypto: FakeCrypto,
    inner: Mutex<Inner>,
}
/// One effect under way. Dropped unfinished by the plugin it is a fault: a replay could not repeat it.
pub(crate) struct Busy<'a>(&'a Mutex<Inner>);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut inner = lock(self.0);
        if inner.busy && !inner.ending {
            inner.fault("the plugin began an effect and did not wait for its end");
        }
    }
}
pub(crate) enum Turn<'a> {
    Live(Busy<'a>),
    Replay(Effect),
}
fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}
impl Inner {
    /// The first fault counts; it outranks a wait that is about to suspend.
    pub(crate) fn fault(&mut self, message: impl Into<String>) {
        if !matches!(self.stop, Some(Stop::Fault(_))) {
            self.stop = Some(Stop::Fault(message.into()));
        }
    }
}
impl<'w> Effects<'w> {
    pub(crate) fn new(world: &'w World, replay: VecDeque<Entry>, started: Timestamp, input: usize) -> Self {
        let (live, look, notices) = Default::default();
        let inner = Inner {
            replay,
            live,
            now: started,
            stop: None,
            step: 0,
            look,
            elapsed: false,
            notices,
            handles: 0,
            count: 0,
            input,
            busy: false,
            ending: false,
        };
        Self { world, crypto: world.crypto.anew(), inner: Mutex::new(inner) }
    }
    pub(crate) fn services(&self) -> Services<'_> {
        let (addresses, wildcards) = (&self.world.addresses, &self.world.wildcards);
        let mut services = Services::new(self, self, self, self).addresses(addresses).wildcards(wildcards).spend(self);
        services = services.directory(self.world.directory.as_ref());
        if self.world.files.is_some() {
            services = services.files(self);
        }
        if self.world.files.is_some() && self.world.has_file_cache {
            services = services.file_cache(self);
        }
        if self.world.kv.is_some() {
            services = services.kv(self);
        }
        if self.world.tools.is_some() {
            services = services.tools(self);
        }
        if self.world.window.is_some() {
            services = services.login_window(self);
        }
        services
    }
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
    /// Tells texts apart; a signature in one counts as what it signs.
    pub(crate) fn hash(&self, parts: &[&[u8]]) -> String {
        let settled = self.crypto.settled(&parts.join(&0));
        encode::hex(&sha256(settled.expose())).get(..8).unwrap_or_default().to_owned()
    }
    /// Whether the run is over; from then on dropped effects are the host's doing.
    pub(crate) fn stopped(&self) -> bool {
        let mut inner = self.lock();
        inner.ending = inner.stop.is_some();
        inner.ending
    }
    /// What the plugin drops from now on is the host's doing.
    pub(crate) fn end(&self) {
        self.lock().ending = true;
    }
    pub(crate) fn into_inner(self) -> Inner {
        self.inner.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) async fn fault<T>(&self, message: impl Into<String>) -> T {
        self.lock().fault(message);
        pending().await
    }
    /// One effect from its begin to its end.
    pub(crate) async fn effect<T>(
        &self,
        what: String,
        live: impl FnOnce(Timestamp) -> Effect,
        read: impl FnOnce(Effect) -> Option<T>,
    ) -> T {
        let effect = match self.begin(&what, "").await {
            Turn::Replay(effect) => effect,
            Turn::Live(busy) => {
                let (script, now) = (self.world.script.next(), self.lock().now);
                let effect = live(now);
                self.record(busy, what, effect, script)
            }
        };
        match read(effect) {
            Some(value) => value,
            None => self.fault("the plugin asks something else in a replay").await,
        }
    }
    /// Takes the turn of an effect; never returns when the run is at fault.
    pub(crate) async fn begin(&self, what: &str, shown: &str) -> Turn<'_> {
        match self.try_begin(what, shown) {
            // Even a fake that answers at once must let a second effect of a `join!` show itself.
            Some(Turn::Live(busy)) => {
                yield_once().await;
                Turn::Live(busy)
            }
            Some(turn) => turn,
            None => pending().await,
        }
    }
    fn try_begin(&self, what: &str, shown: &str) -> Option<Turn<'_>> {
        let mut inner = self.lock();
        if inner.busy {
            inner.fault("the plugin began an effect while another was under way");
        } else if inner.count >= MOST_EFFECTS {
            inner.fault("the plugin does not come to an end: it has had 1000 effects");
        }
        if inner.stop.is_some() {
            return None;
        }
        inner.count += 1;
        match inner.replay.pop_front() {
            Some(entry) if entry.what == what && entry.shown != shown => {
                let message =
                    format!("the plugin shows something else in a replay: {shown}, after it was {}", entry.shown);
                inner.fault(self.world.script.redacted(&message));
                None
            }
            Some(entry) if entry.what == what => {
                inner.now = entry.at;
                Some(Turn::Replay(entry.effect))
            }
            Some(entry) => {
                let message =
                    format!("the plugin asks something else in a replay: {what}, after it was {}", entry.what);
                inner.fault(message);
                None
            }
            None => {
                inner.busy = true;
                Some(Turn::Live(Busy(&self.inner)))
            }
        }
    }
    fn record(&self, busy: Busy<'_>, what: String, effect: Effect, script: usize) -> Effect {
        let kv = self.world.kv.as_ref().map(|kv| kv.state());
        let mut inner = self.lock();
        let entry = Entry { what, shown: String::new(), effect, at: inner.now, script, input: inner.input, kv };
        let effect = entry.duplicate().effect;
        inner.live.push(entry);
        inner.busy = false;
        drop(inner);
        drop(busy);
        effect
    }
}
impl LogService for Effects<'_> {
    fn log(&self, event: LogEvent) {
        if self.lock().replay.is_empty() {
            self.world.log(event);
        }
    }
}
