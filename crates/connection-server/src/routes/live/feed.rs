//! The live events of an owner, read from the store once for all listeners of this process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Weak},
};

use bytes::Bytes;
use connection_agent::UsageChanges;
use connection_core::{ConnectionRegistry, Error, Event, Hint, Hints, Watch};
use tokio::{
    runtime::Handle,
    sync::{
        Mutex,
        broadcast::{self, Receiver, Sender, WeakSender},
    },
    task::AbortHandle,
};

/// The number of hints by which a listener may lag. One that lags further is disconnected, and reads everything again
/// when it reconnects.
const MAX_LAG: usize = 1024;

/// The feeds of all owners that have listeners.
#[derive(Debug, Default)]
pub(crate) struct Feeds(Mutex<HashMap<String, Weak<Feed>>>);

/// The feed of one owner. It is read for as long as a listener holds it.
pub(super) struct Feed {
    /// Gone once the reading has ended because of an error.
    sender: WeakSender<Bytes>,
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

impl Feeds {
    /// Returns the hints of this registry's owner from now on, and the feed that the listener holds while it listens.
    pub(super) async fn listen(
        &self,
        registry: &ConnectionRegistry,
        fetched: UsageChanges,
    ) -> Result<(Arc<Feed>, Receiver<Bytes>), Error> {
        // The lock is held while a feed begins, so that two listeners who come at once share it.
        let mut feeds = self.0.lock().await;
        let known = feeds.get(registry.owner_name()).and_then(Weak::upgrade);
        if let Some(feed) = known
            && let Some(sender) = feed.sender.upgrade()
        {
            return Ok((feed, sender.subscribe()));
        }
        let watch = registry.events().watch().await?;
        let hints = registry.events().hints().await?;
        let (sender, hears) = broadcast::channel(MAX_LAG);
        let weak = sender.downgrade();
        let reading = Handle::current().spawn(read(watch, hints, fetched, sender)).abort_handle();
        let feed = Arc::new(Feed { sender: weak, reading });
        feeds.retain(|_, feed| feed.strong_count() > 0);
        feeds.insert(registry.owner_name().to_owned(), Arc::downgrade(&feed));
        Ok((feed, hears))
    }
}

/// Passes every hint on, until one of the sources ends.
async fn read(mut watch: Watch, mut hints: Hints, mut fetched: UsageChanges, listeners: Sender<Bytes>) {
    let error = loop {
        let text = tokio::select! {
            event = watch.next() => match event {
                Some(Ok(event)) => Some(of_event(&event)),
                ended => break ended.and_then(Result::err),
            },
            hint = hints.next() => match hint {
                Some(Ok(hint)) => of_hint(&hint),
                ended => break ended.and_then(Result::err),
            },
            is_new = fetched.changed() => match is_new {
                true => Some(Bytes::from_static(b"event: usage\ndata: {}\n\n")),
                false => break None,
            },
        };
        if let Some(text) = text {
            // Nobody hears it if the last listener has just left.
            drop(listeners.send(text));
        }
    };
    if let Some(error) = error {
        tracing::debug!(%error, "live events have ended, and their listeners are disconnected");
    }
}

/// Returns the text of a hint: its name, and the id of what changed.
fn text(name: &'static str, id: &str) -> Bytes {
    // A text is always JSON.
    let id = serde_json::to_string(id).unwrap_or_default();
    format!("event: {name}\ndata: {{\"id\":{id}}}\n\n").into()
}

fn of_event(event: &Event) -> Bytes {
    let name = if event.name.starts_with("extension_") { "grant" } else { "connection" };
    text(name, &event.connection.to_string())
}

/// Returns the text of a hint; `None` for one that this version does not know.
fn of_hint(hint: &Hint) -> Option<Bytes> {
    Some(match hint {
        Hint::Extension(name) => text("extension", name),
        Hint::Setup(id) => text("setup", &id.to_string()),
        Hint::Usage(id) => text("usage", &id.to_string()),
        _ => return None,
    })
}
