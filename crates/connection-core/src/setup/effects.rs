//! The services of one run of a setup: recorded results first, then live ones.
//!
//! Invariants: one effect at a time; an entry is durable before the plugin sees its result; a run at fault never resumes
//! the plugin, so the plugin cannot hide it; nothing synchronous is recorded, because time stands still between effects
//! and random bytes come from a seed and a counter.

use std::{
    collections::VecDeque,
    future::{pending, poll_fn},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use connection_contract::{
    HttpError, HttpResponse, Notice, Origin, Root, Secret, Services, SetupFailure, Timestamp, host::Signatures,
};
use connection_egress::LastAnswer;
use connection_replay::{Effect, Entry};

use super::{
    StepNo,
    run::Loaded,
    slot::Slot,
};
use crate::{
    Error, ProfileId, SealError,
    exchange::ExchangeKey,
    registry::{KindEntry, Shared},
    services::log::TracingLog,
    store::Lock,
};

const MOST_EFFECTS: i64 = 1000;
/// With what the fingerprint of a request begins that spends something.
pub(super) const SEND_ONCE: &str = "1 send_once ";
pub(super) const MOST_BYTES: usize = 4 << 20;

/// Why a run stops before its end.
pub(super) enum Stop {
    Fail(SetupFailure),
    /// Another process asks the world for this session.
    Held,
    /// The store could not write.
    Suspend(Error),
    /// Another run was first; what it wrote is read again.
    Lost,
    Wait(Box<super::wait::Suspended>),
}

pub(super) struct Inner {
    pub(super) replay: VecDeque<Entry>,
    /// The number of the next effect.
    pub(super) next: i64,
    pub(super) now: Timestamp,
    pub(super) stop: Option<Stop>,
    pub(super) step: StepNo,
    /// What the last wait looked like, and whether it ended by itself: then a wait that looks the same is the same step.
    pub(super) look: String,
    pub(super) elapsed: bool,
    pub(super) notices: Vec<Notice>,
    /// When the last answer or callback came.
    pub(super) input_at: Timestamp,
    /// When the session ends, as this run found it.
    pub(super) expires: Timestamp,
    /// The last effect that asked the world and not the user; what an offline failure asks again.
    pub(super) asked: Option<i64>,
    /// Until when this run alone may ask the world.
    pub(super) leased: Option<i64>,
    /// Whether the session has an address at which it is called back.
    pub(super) has_address: bool,
    /// Whether somebody signed in with a browser; and the account that was confirmed then.
    pub(super) in_browser: bool,
    pub(super) confirmed: Option<String>,
    pub(super) heard: LastAnswer,
    /// What the user named.
    pub(super) origins: Vec<Origin>,
    pub(super) roots: Vec<Root>,
    /// What this run has signed.
    pub(super) signatures: Signatures,
    bytes: usize,
    draws: u64,
    /// What a run may take longer, since a person was asked.
    pub(super) excused: Duration,
    pub(super) handles: u64,
    busy: bool,
    ending: bool,
}

pub(crate) struct Effects {
    pub(super) shared: Arc<Shared>,
    pub(super) kind: Arc<KindEntry>,
    pub(super) slot: Arc<Slot>,
    /// The isolated identity that the connection is to be of.
    pub(super) profile: Option<ProfileId>,
    pub(super) seed: Secret,
    directory: Option<Root>,
    log: TracingLog,
    inner: Mutex<Inner>,
}

/// What goes with an entry of the journal, in the same transaction.
pub(super) enum Beside {
    /// The way back to this session, by the hash of a callback's `state`.
    Endpoint([u8; 32]),
    /// The recorded answer of an exchange goes: the entry is it.
    Exchange(ExchangeKey),
    Nothing,
}

/// What an effect does first.
pub(super) enum Turn<'a> {
    Replay(Effect),
    Live(Busy<'a>),
}

/// One effect under way. Dropped unfinished by the plugin it is a fault: a replay could not repeat it.
pub(super) struct Busy<'a>(&'a Mutex<Inner>);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut inner = lock(self.0);
        if inner.busy && !inner.ending {
            inner.fail(SetupFailure::new("effect_abandoned", "the plugin began an effect and did not wait for it"));
        }
    }
}

/// No code of a plugin runs under the lock, so that a poisoned one is as good.
fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the provider did nothing with what was sent once, so that it may be sent again.
fn nothing_spent(result: &Result<HttpResponse, HttpError>) -> bool {
    match result {
        Ok(answer) => answer.status() == 429,
        Err(error) => *error != HttpError::Uncertain,
    }
}

pub(super) fn changed() -> SetupFailure {
    SetupFailure::new("setup_changed", "the plugin changed since this setup was begun").remedy("begin again")
}

impl Inner {
    /// The first fault counts; it outranks a wait that is about to suspend.
    pub(super) fn fail(&mut self, failure: SetupFailure) {
        if !matches!(self.stop, Some(Stop::Fail(_) | Stop::Held | Stop::Suspend(_) | Stop::Lost)) {
            self.stop = Some(Stop::Fail(failure));
        }
    }

    /// What an effect leaves behind, recorded or live.
    fn passed(&mut self, entry: &Entry) {
        match &entry.effect {
            Effect::Answered(answers) => {
                for (_, answer) in answers {
                    match answer {
                        connection_contract::Answer::Url(base) => self.origins.push(base.origin().clone()),
                        connection_contract::Answer::Directory(root) => self.roots.push(root.clone()),
                        _ => {}
                    }
                }
                self.input_at = entry.at;
            }
            Effect::Callback(_) => self.input_at = entry.at,
            // What was spent is not asked for again.
            Effect::Http(result) if entry.what.starts_with(SEND_ONCE) && !nothing_spent(result) => self.asked = None,
            Effect::Files(_) | Effect::Http(_) | Effect::Read(_) => self.asked = Some(self.next),
            Effect::Allocated(address) => self.has_address |= address.is_some(),
            _ => {}
        }
        self.now = entry.at;
        self.next += 1;
    }
}

impl Effects {
    pub(super) fn new(loaded: Loaded, shared: Arc<Shared>, kind: Arc<KindEntry>, slot: Arc<Slot>) -> Self {
        let (look, notices, heard, origins, signatures) = Default::default();
        let (profile, directory) = loaded.header.profile.map(|profile| (profile.id, profile.root)).unzip();
        let directory: Option<Root> = directory.flatten();
        let inner = Inner {
            replay: loaded.entries,
            next: 0,
            now: loaded.created,
            stop: None,
            step: 0,
            look,
            elapsed: false,
            notices,
            input_at: loaded.created,
            expires: loaded.expires,
            asked: None,
            leased: None,
            has_address: false,
            in_browser: false,
            confirmed: None,
            heard,
            origins,
            roots: directory.iter().cloned().collect(),
            signatures,
            bytes: loaded.bytes,
            draws: 0,
            excused: Duration::ZERO,
            handles: 0,
            busy: false,
            ending: false,
        };
        let log = TracingLog::new(kind.kind().clone());
        Self { shared, kind, slot, profile, seed: loaded.header.seed, directory, log, inner: Mutex::new(inner) }
    }

    pub(super) fn services(&self) -> Services<'_> {
        let (addresses, wildcards) = (&self.kind.checked.addresses, &self.kind.checked.wildcards);
        let services = Services::new(self, self, self, self).addresses(addresses).wildcards(wildcards);
        self.lend(services.files(self).kv(self).spend(self).directory(self.directory.as_ref()))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    pub(super) fn stopped(&self) -> bool {
        self.lock().stop.is_some()
    }

    /// From now on dropped effects are the host's doing.
    pub(super) fn ending(&self) {
        self.lock().ending = true;
    }

    /// What the run came to. Whoever still holds this does nothing more: every effect of his stays pending.
    pub(super) fn over(&self) -> Inner {
        let mut inner = self.lock();
        let (replay, look, notices, confirmed, heard, origins, roots, signatures) = Default::default();
        let stop = Some(Stop::Lost);
        let after = Inner { replay, look, notices, confirmed, heard, origins, roots, signatures, stop, ..*inner };
        std::mem::replace(&mut inner, after)
    }

    pub(super) async fn fail<T>(&self, failure: SetupFailure) -> T {
        self.lock().fail(failure);
        pending().await
    }

    /// Takes the turn of an effect; never returns when the run is at fault.
    pub(super) async fn begin(&self, what: &str) -> Turn<'_> {
        match self.try_begin(what) {
            // Even a service that answers at once must let a second effect of a `join!` show itself.
            Some(Turn::Live(busy)) => {
                yield_once().await;
                Turn::Live(busy)
            }
            Some(turn) => turn,
            None => pending().await,
        }
    }

    fn try_begin(&self, what: &str) -> Option<Turn<'_>> {
        let mut inner = self.lock();
        if inner.busy {
            inner.fail(SetupFailure::new("setup_concurrent", "the plugin began an effect while another was under way"));
        } else if inner.next >= MOST_EFFECTS || inner.bytes > MOST_BYTES {
            inner.fail(too_long());
        }
        if inner.stop.is_some() {
            return None;
        }
        match inner.replay.pop_front() {
            Some(entry) if entry.what == what => {
                inner.passed(&entry);
                Some(Turn::Replay(entry.effect))
            }
            Some(_) => {
                inner.fail(changed());
                None
            }
            None => {
                inner.busy = true;
                Some(Turn::Live(Busy(&self.inner)))
            }
        }
    }

    /// Makes the result durable and gives it back; never returns when that fails.
    pub(super) async fn record(&self, busy: Busy<'_>, what: String, effect: Effect, beside: Beside) -> Effect {
        let entry = Entry::new(what, self.shared.clock.now(), effect);
        let bytes = entry.encode();
        let size = bytes.expose().len();
        let (seq, session, owner) = (self.lock().next, self.slot.id, self.slot.owner.clone());
        let sealed = match self.shared.sealer.seal(&self.slot.effect_place(seq), bytes.expose()).await {
            Ok(sealed) => sealed,
            // Asked again it would be as long.
            Err(SealError::TooLong) => return self.fail(too_long()).await,
            Err(error) => return self.suspend(self.slot.sealed_error(error)).await,
        };
        let expires = self.lock().expires.seconds();
        let written = self.shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Setup(session)).await?;
                // Whoever was second has nothing that takes the place of an answer; a session that ended keeps nothing.
                if !tx.insert_effect(session, seq, &sealed).await? {
                    return Ok(false);
                }
                match beside {
                    Beside::Nothing => {}
                    Beside::Endpoint(hash) => drop(tx.insert_endpoint(&hash, &owner, session, expires).await?),
                    Beside::Exchange(key) => drop(tx.settle_exchanges(&[key]).await?),
                }
                Ok(true)
            })
        });
        match written.await {
            Ok(true) => {}
            Ok(false) => {
                self.lock().stop.get_or_insert(Stop::Lost);
                pending::<()>().await;
            }
            Err(error) => return self.suspend(error.into()).await,
        }
        let mut inner = self.lock();
        inner.passed(&entry);
        inner.bytes += size;
        inner.busy = false;
        drop(inner);
        drop(busy);
        entry.effect
    }

    async fn suspend<T>(&self, error: Error) -> T {
        self.lock().stop.get_or_insert(Stop::Suspend(error));
        pending().await
    }

    /// An effect that asks the world: the recorded result, or the live one once it is durable.
    pub(super) async fn ask(&self, what: String, live: impl Future<Output = Effect>) -> Effect {
        self.ask_beside(what, Beside::Nothing, async move { Ok(live.await) }).await
    }

    /// As `ask`, of what spends something. The journal's entry takes the place of what the exchange recorded; where there
    /// was no answer, its note stays.
    pub(super) async fn ask_once(
        &self,
        what: String,
        key: ExchangeKey,
        live: impl Future<Output = Result<Effect, Stop>>,
    ) -> Effect {
        self.ask_beside(what, Beside::Exchange(key), live).await
    }

    async fn ask_beside(
        &self,
        what: String,
        beside: Beside,
        live: impl Future<Output = Result<Effect, Stop>>,
    ) -> Effect {
        match self.begin(&what).await {
            Turn::Replay(effect) => effect,
            Turn::Live(busy) => {
                match self.leased(live).await.flatten() {
                    Ok(effect) => self.record(busy, what, effect, beside).await,
                    Err(stop) => {
                        self.lock().stop.get_or_insert(stop);
                        // Held, so that dropping it is no fault.
                        let _busy = busy;
                        pending().await
                    }
                }
            }
        }
    }

    pub(super) fn plugin_log(&self) -> &TracingLog {
        &self.log
    }

    pub(super) fn next_draw(&self) -> u64 {
        let mut inner = self.lock();
        inner.draws += 1;
        inner.draws
    }
}

pub(super) fn too_long() -> SetupFailure {
    SetupFailure::new("setup_too_long", "the plugin does not come to an end").remedy("report this to its author")
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
