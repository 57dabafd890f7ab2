//! The extensions that may use a changed connection. They are read in the transaction of the change and notified after
//! its commit; see `extension_changes`.

use super::{agent, take_back};
use crate::{
    ChangedPart, ConnectionId, ExtensionChange,
    extension_changes::ChangeOrder,
    ground::Ground,
    store::{StoreError, Tx},
};

/// The parts that change for an extension when it gains or loses a connection.
pub(crate) const ALL_OF_IT: [ChangedPart; 3] =
    [ChangedPart::ConnectionConfig, ChangedPart::Credential, ChangedPart::Grant];

/// The extensions that a change of a connection affects, with the parts that change for each.
#[derive(Clone, Debug)]
pub(crate) struct Affected {
    owner: String,
    extensions: Vec<(String, Vec<ChangedPart>)>,
}

impl Affected {
    /// Returns no extensions, for a connection that is new.
    pub(crate) fn none(owner: &str) -> Self {
        Self { owner: owner.to_owned(), extensions: Vec::new() }
    }

    /// Returns the extensions with a valid grant. The transaction holds the lock of the connection.
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

    /// Revokes the grants of these extensions, and those of agents. Called when the connection gets another account,
    /// because the grants were for the former one.
    pub(crate) async fn taken_back(
        mut self,
        tx: &mut Tx,
        ground: &Ground,
        connection: ConnectionId,
    ) -> Result<Self, StoreError> {
        for (extension, parts) in &mut self.extensions {
            let more = take_back(tx, ground, &self.owner, extension, connection).await?;
            parts.extend(more.into_iter().filter(|part| !parts.contains(part)).collect::<Vec<_>>());
        }
        agent::take_back_all(tx, ground, &self.owner, connection).await?;
        Ok(self)
    }

    /// Adds an extension that is granted the connection by this change.
    pub(crate) fn granted(mut self, extension: &str) -> Self {
        match self.extensions.iter_mut().find(|(known, _)| known == extension) {
            Some((_, parts)) if parts.contains(&ChangedPart::Grant) => {}
            Some((_, parts)) => parts.push(ChangedPart::Grant),
            None => self.extensions.push((extension.to_owned(), ALL_OF_IT.to_vec())),
        }
        self
    }

    /// Adds the extensions of another connection that are not affected yet.
    pub(crate) fn and(mut self, other: Self) -> Self {
        for (extension, parts) in other.extensions {
            if !self.extensions.iter().any(|(known, _)| *known == extension) {
                self.extensions.push((extension, parts));
            }
        }
        self
    }

    /// Notifies the listeners of these extensions. Called after the commit.
    pub(crate) fn notify(self, order: &ChangeOrder) {
        let Self { owner, extensions } = self;
        for (extension, parts) in extensions {
            let owner = owner.clone();
            let change = ExtensionChange { owner, extension, command: None, parts, revisions: None };
            order.announce(&change);
        }
    }
}
