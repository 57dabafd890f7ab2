//! The extensions that may use a connection which is changed: found in its transaction, told after the commit.

use tokio::sync::OwnedMutexGuard;

use super::{ChangedPart, ExtensionChange, grants};
use crate::{
    ConnectionId,
    registry::Shared,
    store::{StoreError, Tx},
};

/// Held from before a commit until it is told, so that changes are told in the order of their commits. Whoever holds it
/// waits for nothing but the store. While nobody listens there is no order to keep, and nobody waits for another.
#[must_use = "others tell in between once it is dropped"]
pub(crate) struct Turn(#[expect(dead_code, reason = "it is held")] Option<OwnedMutexGuard<()>>);

pub(crate) async fn turn(shared: &Shared) -> Turn {
    let announcements = &shared.extensions.announcements;
    Turn(if announcements.is_heard() { Some(announcements.turn().lock_owned().await) } else { None })
}

/// Whom a change of a connection concerns.
#[derive(Clone, Debug)]
pub(crate) struct Affected {
    owner: String,
    extensions: Vec<String>,
    parts: Vec<ChangedPart>,
}

impl Affected {
    /// Those with a grant that holds, asked in the transaction that holds the connection.
    pub(crate) async fn of(
        tx: &mut Tx,
        owner: &str,
        connection: ConnectionId,
        parts: &[ChangedPart],
    ) -> Result<Self, StoreError> {
        let extensions = tx.grantees(owner, connection).await?;
        Ok(Self { owner: owner.to_owned(), extensions, parts: parts.to_vec() })
    }

    /// Takes their grants back: what a person consented to was another account.
    pub(crate) async fn taken_back(
        mut self,
        tx: &mut Tx,
        shared: &Shared,
        connection: ConnectionId,
    ) -> Result<Self, StoreError> {
        for extension in &self.extensions {
            grants::take_back(tx, shared, &self.owner, extension, connection).await?;
        }
        self.parts.push(ChangedPart::Grant);
        Ok(self)
    }

    /// After the commit.
    pub(crate) fn tell(self, shared: &Shared, _: &Turn) {
        let Self { owner, extensions, parts } = self;
        for extension in extensions {
            let (owner, parts) = (owner.clone(), parts.clone());
            let change = ExtensionChange { owner, extension, command: None, parts, revisions: None };
            shared.extensions.announcements.publish(&change);
        }
    }
}
