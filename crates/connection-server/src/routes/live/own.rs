//! The live events of one extension: its preferences, its grant and the connection that it would use, and the setups of its
//! hand-off.
//!
//! A change of the owner only causes the server to read again what the extension itself may read, and to compare it with
//! what it read before. Nothing else reaches the extension, neither an id nor the moment of a change.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use connection_core::{ConnectionRegistry, Error, SessionId};
use tokio::sync::broadcast::{Receiver, Sender, error::TryRecvError};

use super::feed::{Change, Feed};
use crate::{
    body::tag,
    routes::{extension_settings::hand_off, extensions::handle},
};

/// The things of its own that an extension may read.
#[derive(Debug)]
pub(super) struct Own {
    registry: ConnectionRegistry,
    extension: String,
    /// The tag of what the extension needs, and of the connection that it would use; or the code of the refusal.
    needs: String,
    /// The step and the stage of each open setup for the extension.
    setups: BTreeMap<SessionId, String>,
}

impl Own {
    /// Reads what an extension of the registry's owner may read.
    pub(super) async fn of(registry: &ConnectionRegistry, extension: &str) -> Result<Self, Error> {
        let registry = registry.clone();
        let needs = needs(&registry, extension).await;
        let setups = setups(&registry, extension).await?;
        Ok(Self { registry, extension: extension.to_owned(), needs, setups })
    }

    /// Sends the changes of the extension, until those of its owner end or some of them were missed. The feed of the owner
    /// is held meanwhile.
    pub(super) async fn follow(mut self, owner: (Arc<Feed>, Receiver<Change>), listeners: Sender<Change>) {
        let (_feed, mut hears) = owner;
        while let Ok(change) = hears.recv().await {
            let Some(changes) = with_waiting(change, &mut hears) else { return };
            match self.update(&changes).await {
                // Nobody hears it if the last listener has just left.
                Ok(found) => found.into_iter().for_each(|change| drop(listeners.send(change))),
                Err(error) => {
                    tracing::debug!(%error, "the live events of an extension have ended");
                    return;
                }
            }
        }
    }

    /// Reads again what the changes may concern, and returns the changes of the extension.
    async fn update(&mut self, changes: &[Change]) -> Result<Vec<Change>, Error> {
        let mut found = Vec::new();
        let is_any = |names: &[&str]| changes.iter().any(|change| !change.is_use && names.contains(&change.name));
        let extension = &*self.extension;
        if changes.iter().any(|change| change.name == "extension" && change.id.as_deref() == Some(extension)) {
            found.push(Change::new("extension", extension));
        }
        if is_any(&["setup"]) {
            let now = setups(&self.registry, extension).await?;
            let ids: BTreeSet<_> = self.setups.keys().chain(now.keys()).collect();
            let other = ids.into_iter().filter(|id| self.setups.get(id) != now.get(id));
            found.extend(other.map(|id| Change::new("setup", id.to_string())));
            self.setups = now;
        }
        if is_any(&["connection", "extension", "grant"]) {
            let now = needs(&self.registry, extension).await;
            if now != self.needs {
                found.push(Change::new("grant", extension));
                self.needs = now;
            }
        }
        Ok(found)
    }
}

/// Returns a change and those that wait after it, which are compared once; `None` if some were missed.
fn with_waiting(first: Change, hears: &mut Receiver<Change>) -> Option<Vec<Change>> {
    let mut changes = vec![first];
    loop {
        match hears.try_recv() {
            Ok(change) => changes.push(change),
            Err(TryRecvError::Lagged(_)) => return None,
            Err(TryRecvError::Empty | TryRecvError::Closed) => return Some(changes),
        }
    }
}

/// Returns the tag of what the extension would be told about its hand-off.
async fn needs(registry: &ConnectionRegistry, extension: &str) -> String {
    let read = async {
        let handle = handle(registry, extension).await?;
        let required = handle.connection_required().await?;
        hand_off(&handle, None, required, None).await
    };
    match read.await {
        Ok(body) => tag(&body),
        Err(problem) => problem.code().to_owned(),
    }
}

/// Returns the open setups for the extension.
async fn setups(registry: &ConnectionRegistry, extension: &str) -> Result<BTreeMap<SessionId, String>, Error> {
    let open = registry.setups().list().await?.into_iter();
    let own = open.filter(|info| info.extension.as_deref() == Some(extension));
    Ok(own.map(|info| (info.id, format!("{:?} {:?}", info.step, info.stage))).collect())
}
