//! The live events of an owner, or of an extension of an owner, read from the store once for all listeners of this process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Weak},
};

use bytes::Bytes;
use connection_agent::UsageChanges;
use connection_api::LiveHint;
use connection_core::{ConnectionRegistry, Error, Event, Hint, Hints, Watch};
use tokio::{
    runtime::Handle,
    sync::{
        Mutex,
        broadcast::{self, Receiver, Sender, WeakSender},
    },
    task::AbortHandle,
};

use super::own::Own;

/// The number of changes by which a listener may lag. One that lags further is disconnected, and reads everything again
/// when it reconnects.
const MAX_LAG: usize = 1024;

/// A change that a listener is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The name of the event, which says what changed.
    pub(super) name: &'static str,
    /// The id of what changed, if it is known.
    pub(super) id: Option<String>,
    /// `true` for the use of a connection by an extension, which changes no state.
    pub(super) is_use: bool,
}

impl Change {
    pub(super) fn new(name: &'static str, id: impl Into<String>) -> Self {
        Self { name, id: Some(id.into()), is_use: false }
    }

    /// Returns the text of the event.
    pub(super) fn text(&self) -> Bytes {
        // A text is always JSON.
        let data = serde_json::to_string(&LiveHint { id: self.id.clone() }).unwrap_or_default();
        format!("event: {}\ndata: {data}\n\n", self.name).into()
    }
}

/// An owner, and the extension of a feed that is only about that extension.
type Key = (String, Option<String>);

/// The feeds of all owners that have listeners, and of their extensions.
#[derive(Debug, Default)]
pub(crate) struct Feeds(Mutex<HashMap<Key, Weak<Feed>>>);

/// The feed of one owner or extension. It is read for as long as a listener holds it.
pub(super) struct Feed {
    /// Gone once the reading has ended because of an error.
    sender: WeakSender<Change>,
    reading: AbortHandle,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Feed")
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Feed {
    /// Begins a feed, whose changes `read` sends until it ends.
    fn begin<R>(read: impl FnOnce(Sender<Change>) -> R) -> (Arc<Self>, Receiver<Change>)
    where
        R: Future<Output = ()> + Send + 'static,
    {
        let (sender, hears) = broadcast::channel(MAX_LAG);
        let weak = sender.downgrade();
        let reading = Handle::current().spawn(read(sender)).abort_handle();
        (Arc::new(Self { sender: weak, reading }), hears)
    }
}

impl Feeds {
    /// Returns the changes of this registry's owner from now on, and the feed that the listener holds while it listens.
    /// With the name of an extension, these are only the changes that concern it.
    pub(super) async fn listen(
        &self,
        registry: &ConnectionRegistry,
        extension: Option<&str>,
        fetched: UsageChanges,
    ) -> Result<(Arc<Feed>, Receiver<Change>), Error> {
        // The lock is held while a feed begins, so that two listeners who come at once share it.
        let mut feeds = self.0.lock().await;
        let owner = registry.owner_name().to_owned();
        let known = |feeds: &HashMap<Key, Weak<Feed>>, key: &Key| {
            let feed = feeds.get(key).and_then(Weak::upgrade)?;
            let hears = feed.sender.upgrade()?.subscribe();
            Some((feed, hears))
        };
        let key = (owner, extension.map(str::to_owned));
        if let Some(known) = known(&feeds, &key) {
            return Ok(known);
        }
        let of_owner = (key.0.clone(), None);
        let (feed, hears) = match known(&feeds, &of_owner) {
            Some(known) => known,
            None => {
                let watch = registry.events().watch().await?;
                let hints = registry.events().hints().await?;
                let begun = Feed::begin(|sender| read(watch, hints, fetched, sender));
                feeds.retain(|_, feed| feed.strong_count() > 0);
                feeds.insert(of_owner, Arc::downgrade(&begun.0));
                begun
            }
        };
        let Some(extension) = extension else { return Ok((feed, hears)) };
        let own = Own::of(registry, extension).await?;
        let (feed, hears) = Feed::begin(|listeners| own.follow((feed, hears), listeners));
        feeds.insert(key, Arc::downgrade(&feed));
        Ok((feed, hears))
    }
}

/// Passes every change on, until one of the sources ends.
async fn read(mut watch: Watch, mut hints: Hints, mut fetched: UsageChanges, listeners: Sender<Change>) {
    let error = loop {
        let change = tokio::select! {
            event = watch.next() => match event {
                Some(Ok(event)) => Some(of_event(&event)),
                ended => break ended.and_then(Result::err),
            },
            hint = hints.next() => match hint {
                Some(Ok(hint)) => of_hint(hint),
                ended => break ended.and_then(Result::err),
            },
            is_new = fetched.changed() => match is_new {
                true => Some(Change { name: "usage", id: None, is_use: false }),
                false => break None,
            },
        };
        if let Some(change) = change {
            // Nobody hears it if the last listener has just left.
            drop(listeners.send(change));
        }
    };
    if let Some(error) = error {
        tracing::debug!(%error, "live events have ended, and their listeners are disconnected");
    }
}

fn of_event(event: &Event) -> Change {
    let name = if event.name.starts_with("extension_") { "grant" } else { "connection" };
    let is_use = matches!(&*event.name, "extension_used" | "secret_released");
    Change { is_use, ..Change::new(name, event.connection.to_string()) }
}

/// Returns the change of a hint; `None` for one that this version does not know.
fn of_hint(hint: Hint) -> Option<Change> {
    Some(match hint {
        Hint::Extension(name) => Change::new("extension", name),
        Hint::Setup(id) => Change::new("setup", id.to_string()),
        Hint::Usage(id) => Change::new("usage", id.to_string()),
        _ => return None,
    })
}
