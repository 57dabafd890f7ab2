//! The extensions that may use a connection which is changed: found in its transaction, told after the commit.

use tokio::sync::OwnedMutexGuard;

use super::{ChangedPart, ExtensionChange, grants};
use crate::{
    ConnectionId,
    registry::Shared,
    store::{StoreError, Tx},
};

/// What is new to an extension to which a connection is, or from which it goes.
pub(crate) const ALL_OF_IT: [ChangedPart; 3] =
    [ChangedPart::ConnectionConfig, ChangedPart::Credential, ChangedPart::Grant];

/// Held from before a commit until it is told, so that changes are told in the order of their commits. Whoever holds it
/// waits for nothing but the store. While nobody listens there is no order to keep, and nobody waits for another.
#[must_use = "others tell in between once it is dropped"]
pub(crate) struct Turn(#[expect(dead_code, reason = "it is held")] Option<OwnedMutexGuard<()>>);

pub(crate) async fn turn(shared: &Shared) -> Turn {
    let announcements = &shared.extensions.announcements;
    Turn(if announcements.is_heard() { Some(announcements.turn().lock_owned().await) } else { None })
}

/// Whom a change of a connection concerns, and what is another one for each.
#[derive(Clone, Debug)]
pub(crate) struct Affected {
    owner: String,
    extensions: Vec<(String, Vec<ChangedPart>)>,
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
        let extensions = extensions.into_iter().map(|extension| (extension, parts.to_vec())).collect();
        Ok(Self { owner: owner.to_owned(), extensions })
    }

    /// Takes their grants back: what a person consented to was another account.
    pub(crate) async fn taken_back(
        mut self,
        tx: &mut Tx,
        shared: &Shared,
        connection: ConnectionId,
    ) -> Result<Self, StoreError> {
        for (extension, parts) in &mut self.extensions {
            grants::take_back(tx, shared, &self.owner, extension, connection).await?;
            parts.push(ChangedPart::Grant);
        }
        Ok(self)
    }

    /// With one that was granted it now.
    pub(crate) fn granted(mut self, extension: &str) -> Self {
        match self.extensions.iter_mut().find(|(known, _)| known == extension) {
            Some((_, parts)) if parts.contains(&ChangedPart::Grant) => {}
            Some((_, parts)) => parts.push(ChangedPart::Grant),
            None => self.extensions.push((extension.to_owned(), ALL_OF_IT.to_vec())),
        }
        self
    }

    /// With those of another connection, each once.
    pub(crate) fn and(mut self, other: Self) -> Self {
        for (extension, parts) in other.extensions {
            if !self.extensions.iter().any(|(known, _)| *known == extension) {
                self.extensions.push((extension, parts));
            }
        }
        self
    }

    /// After the commit.
    pub(crate) fn tell(self, shared: &Shared, _: &Turn) {
        let Self { owner, extensions } = self;
        for (extension, parts) in extensions {
            let owner = owner.clone();
            let change = ExtensionChange { owner, extension, command: None, parts, revisions: None };
            shared.extensions.announcements.publish(&change);
        }
    }
}
