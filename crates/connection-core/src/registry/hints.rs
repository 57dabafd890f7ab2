//! Streams hints about rows that the record of events does not tell of, changed by any process: setups, the preferences
//! of extensions, and usage.
//!
//! A signal of the store is about all owners, and may not say which row changed. The rows of the owner are therefore read
//! again after it, and compared with those that were read before.

use std::{
    collections::BTreeMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use connection_contract::BoxFuture;
use futures_core::Stream;
use tokio::sync::mpsc;

use super::{Events, Systems};
use crate::{
    ConnectionId, Error, SessionId,
    store::{Changed, Changes},
};

/// Maximum number of hints that wait for the caller.
const CHANNEL_CAPACITY: usize = 256;
/// The age in seconds of the oldest usage that is compared: longer than a period and the difference between two clocks.
const USAGE_AGE: i64 = 20 * 60;

/// A hint that something of an owner has changed, after which a program reads it again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// The extension of this name was added or removed, or its preferences or those of one of its commands changed.
    Extension(String),
    /// The setup was begun, shows something else, or has ended.
    Setup(SessionId),
    /// Other numbers of the usage of this connection's account were stored.
    Usage(ConnectionId),
}

/// A stream of the hints from now on; see [`Events::hints`].
///
/// The stream ends after an error. Dropping it ends the reading.
pub struct Hints(mpsc::Receiver<Result<Hint, Error>>);

impl<'a> Events<'a> {
    /// Returns a stream of hints about this owner's setups, extensions and usage, changed by any process on the database.
    /// Its other changes are [events](Self::watch).
    ///
    /// Several changes may be one hint. A change that is undone at once may be none, and a hint may come for a state that
    /// the caller has read already.
    ///
    /// # Errors
    ///
    /// The store's errors.
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_core::{ConnectionRegistry, Error, Hint};
    ///
    /// async fn follow(registry: &ConnectionRegistry) -> Result<(), Error> {
    ///     let mut hints = registry.events().hints().await?;
    ///     while let Some(hint) = hints.next().await {
    ///         if let Hint::Setup(id) = hint? {
    ///             println!("the setup {id} has changed");
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn hints(self) -> BoxFuture<'a, Result<Hints, Error>> {
        Box::pin(async move {
            let systems = self.registry.systems.clone();
            let owner = self.registry.owner.clone();
            let changes = systems.ground.store.changes(&*systems.ground.clock).await;
            let mut seen = Seen::default();
            seen.update(&systems, &owner, None).await?;
            let (sender, hints) = mpsc::channel(CHANNEL_CAPACITY);
            let task = Task { systems: systems.clone(), owner, changes, seen, sender };
            systems.ground.runtimes.spawn(task.run());
            Ok(Hints(hints))
        })
    }
}

impl Hints {
    /// Returns the next hint; `None` after an error.
    pub async fn next(&mut self) -> Option<Result<Hint, Error>> {
        self.0.recv().await
    }
}

impl fmt::Debug for Hints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hints")
    }
}

impl Stream for Hints {
    type Item = Result<Hint, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

struct Task {
    systems: Arc<Systems>,
    owner: Arc<str>,
    changes: Changes,
    seen: Seen,
    sender: mpsc::Sender<Result<Hint, Error>>,
}

impl Task {
    async fn run(mut self) {
        loop {
            // The signal that ends the wait; `None` if any row may have changed.
            let signal = Mutex::new(None);
            let concerns = |changed| {
                let is_hint = matches!(changed, Changed::Extensions | Changed::Setup(_) | Changed::Usage(_));
                if is_hint {
                    *signal.lock().unwrap_or_else(PoisonError::into_inner) = Some(changed);
                }
                is_hint
            };
            let changed = tokio::select! {
                biased;
                () = self.sender.closed() => return,
                changed = self.changes.changed(&*self.systems.ground.clock, Changes::FOR_SIGNALS, concerns) => changed,
            };
            let signal = signal.into_inner().unwrap_or_else(PoisonError::into_inner);
            let hints = match changed {
                Ok(()) => self.seen.update(&self.systems, &self.owner, signal).await,
                Err(error) => Err(error.into()),
            };
            match hints {
                Ok(hints) => {
                    for hint in hints {
                        if self.sender.send(Ok(hint)).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) => {
                    // The send fails only if nobody listens any longer.
                    drop(self.sender.send(Err(error)).await);
                    return;
                }
            }
        }
    }
}

/// The rows as they were read last, each with a value that differs after a change.
#[derive(Default)]
struct Seen {
    /// The marks of an extension's rows by command; the declaration's own is at `None`.
    extensions: BTreeMap<String, BTreeMap<Option<String>, Option<Vec<u8>>>>,
    setups: BTreeMap<SessionId, (String, i64, Option<Vec<u8>>)>,
    /// The numbers of the last period by metric.
    usage: BTreeMap<ConnectionId, Numbers>,
}

/// The beginning of a period and the number of each metric in it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Numbers {
    at: i64,
    values: BTreeMap<String, f64>,
}

impl Seen {
    /// Reads again what the signal is about, or everything without one. Returns a hint for each difference.
    async fn update(&mut self, systems: &Systems, owner: &str, signal: Option<Changed>) -> Result<Vec<Hint>, Error> {
        let mut reader = systems.ground.reader().await?;
        let mut hints = Vec::new();
        if matches!(signal, None | Some(Changed::Extensions)) {
            let mut now = BTreeMap::<_, BTreeMap<_, _>>::new();
            for (name, command, mark) in reader.extension_marks(owner).await? {
                now.entry(name).or_default().insert(command, mark);
            }
            hints.extend(changed(&self.extensions, &now).map(Hint::Extension));
            self.extensions = now;
        }
        if matches!(signal, None | Some(Changed::Setup(_))) {
            let open = reader.shown_setups(owner).await?;
            let now = open.into_iter().map(|(id, state, step, shown)| (SessionId::from(id), (state, step, shown)));
            let now = now.collect();
            hints.extend(changed(&self.setups, &now).map(Hint::Setup));
            self.setups = now;
        }
        if matches!(signal, None | Some(Changed::Usage(_))) {
            let since = systems.ground.clock.now().seconds().saturating_sub(USAGE_AGE);
            let rows = match signal {
                Some(Changed::Usage(id)) => reader.recent_usage_of(id, owner, since).await?,
                _ => reader.recent_usage(owner, since).await?,
            };
            let mut now = BTreeMap::<_, Numbers>::new();
            for (id, at, metric, value) in rows {
                let numbers = now.entry(ConnectionId::from(id)).or_default();
                if at > numbers.at {
                    *numbers = Numbers { at, ..Numbers::default() };
                }
                numbers.values.insert(metric, value);
            }
            let is_other = |(id, numbers): &(&ConnectionId, &Numbers)| self.usage.get(id) != Some(numbers);
            hints.extend(now.iter().filter(is_other).map(|(id, _)| Hint::Usage(*id)));
            match signal {
                Some(_) => self.usage.extend(now),
                None => self.usage = now,
            }
        }
        Ok(hints)
    }
}

/// Returns the keys that are new or gone, or whose value is another one.
fn changed<K: Ord + Clone, V: PartialEq>(before: &BTreeMap<K, V>, now: &BTreeMap<K, V>) -> impl Iterator<Item = K> {
    let gone: Vec<K> = before.keys().filter(|key| !now.contains_key(key)).cloned().collect();
    let other: Vec<K> =
        now.iter().filter(|(key, value)| before.get(key) != Some(value)).map(|(key, _)| key.clone()).collect();
    gone.into_iter().chain(other)
}
