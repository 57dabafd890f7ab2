//! The information about a connection, from its row and from the registered kinds.

use connection_contract::{Identity, Kind, Liveness, Reason, Timestamp, reason};

use super::{Ground, terms};
use crate::{
    ConnectionId, ConnectionInfo, Error, Tags,
    frozen::Used,
    kinds::{KindEntry, own_provider},
    liveness::column,
    plan,
    store::{json, rows::ListedRow},
};

/// The kind of a row whose kind cannot be read. Nothing in such a row can be opened, even if a plugin has this name.
pub(crate) const UNREADABLE: Kind = Kind::from_static("unreadable");

impl Ground {
    /// Returns the provider of a kind, or the kind itself if it is not registered. The name of a kind that belongs to an
    /// extension states its provider.
    pub(crate) fn provider_of(&self, kind: &Kind) -> Kind {
        self.kinds.provider(kind).or_else(|| own_provider(kind)).unwrap_or_else(|| kind.clone())
    }

    /// Returns the kinds of a provider that serve every owner, and the provider's own name if no kind has it. Kinds that
    /// belong to extensions are left out.
    pub(crate) fn kinds_of(&self, provider: &Kind) -> Vec<Kind> {
        let mut kinds = self.kinds.names_of_provider(provider);
        if !self.kinds.contains(provider) {
            kinds.push(provider.clone());
        }
        kinds
    }

    /// Reads the kinds that have connections and were not read yet, so that [`renewing`](Self::renewing) and
    /// [`registered`](Self::registered) contain every kind that has connections.
    ///
    /// It takes one query, whatever the number of connections, and none if every kind was read.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub(crate) async fn read_connected_kinds(&self) -> Result<(), Error> {
        let mut unread = self.kinds.unread();
        if !unread.is_empty() {
            let connected = self.reader().await?.connected_of(&unread).await?;
            unread.retain(|kind| connected.iter().any(|name| name == kind.as_str()));
            unread.iter().for_each(|kind| drop(self.kinds.entry(kind)));
        }
        Ok(())
    }

    /// Returns the kinds that refresh their credentials, of those that were registered or read already.
    pub(crate) fn renewing(&self) -> Vec<Kind> {
        self.kinds.read_entries().iter().filter(|known| known.renews()).map(|known| known.kind().clone()).collect()
    }

    /// Returns the kinds that were registered or read already.
    pub(crate) fn registered(&self) -> Vec<Kind> {
        self.kinds.read_entries().iter().map(|known| known.kind().clone()).collect()
    }

    /// Returns the information of a connection of an owner.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], and the store's errors.
    pub(crate) async fn info_by_id(&self, owner: &str, id: ConnectionId) -> Result<ConnectionInfo, Error> {
        Ok(self.info_and_generation(owner, id).await?.0)
    }

    /// Returns the information of a connection of an owner, and the generation of its credential.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], and the store's errors.
    pub(crate) async fn info_and_generation(
        &self,
        owner: &str,
        id: ConnectionId,
    ) -> Result<(ConnectionInfo, i64), Error> {
        let mut reader = self.reader().await?;
        let row = reader.listed(id).await?;
        let row = row.filter(|row| *row.account.owner == *owner).ok_or(Error::NotFound(id))?;
        let generation = row.account.generation;
        Ok((self.info_of(&mut reader, Some(row)).await?.ok_or(Error::NotFound(id))?, generation))
    }

    /// Returns the information of a row as hosts see it, with its kind if this process has it. A row with an invalid
    /// kind is listed, so that it can be removed.
    pub(crate) fn info(&self, row: ListedRow, entry: Option<&KindEntry>) -> Option<ConnectionInfo> {
        let paused_until = row.pause(self.clock.now().seconds());
        let ListedRow { account, reason, checked_at, granted_scopes, valid_until, authorized_until, .. } = row;
        let liveness = row.liveness.as_deref().map_or(Liveness::Unknown, column::to_liveness);
        let stored = reason.as_deref().and_then(json::to_reason);
        let is_note = stored.as_ref().is_none_or(|stored| stored.code == reason::ACCOUNT_RENAMED);
        let noted = || {
            row.refused_at
                .map(|at| use_refused(at, row.refused_by.as_deref()))
                .or_else(|| plan::note(row.refresh_reason.as_deref()))
        };
        let reason = match liveness {
            // The new name of an account is less urgent than what concerns the credential.
            Liveness::Live | Liveness::Unknown if is_note => noted().or(stored),
            _ => stored,
        };
        let kind = Kind::parse(&account.kind).unwrap_or_else(|| {
            tracing::warn!(connection = %account.id, "the kind of a connection cannot be read");
            UNREADABLE
        });
        let kind_changed = entry.is_some_and(|entry| !entry.permits_use(account.terms.as_deref()));
        let reason = if kind_changed { Some(terms::kind_changed(&kind)) } else { reason };
        let provider = entry.map_or_else(|| self.provider_of(&kind), |entry| entry.descriptor.provider.clone());
        let frozen =
            self.freezes.has(Used { connection: account.id, owner: &account.owner, kind: Some(&kind), agent: None });
        Some(ConnectionInfo {
            id: account.id,
            owner: account.owner,
            kind,
            provider,
            label: account.label.into(),
            identity: Identity::new(account.account_id, account.account_label),
            liveness,
            reason,
            checked_at: checked_at.map(Timestamp::from_seconds),
            paused_until: paused_until.map(Timestamp::from_seconds),
            valid_until: valid_until.map(Timestamp::from_seconds),
            authorized_until: authorized_until.map(Timestamp::from_seconds),
            renews: entry.is_some_and(KindEntry::renews) && !plan::has_nothing_to_renew(row.refresh_reason.as_deref()),
            scopes: granted_scopes.as_deref().and_then(json::to_texts),
            config: json::to_config(&account.config),
            profile: account.profile_id.as_deref().and_then(|id| id.parse().ok()),
            is_default: account.is_default,
            tags: Tags::of_stored(row.tags.as_deref()),
            created_at: Timestamp::from_seconds(account.created_at),
            updated_at: Timestamp::from_seconds(account.updated_at),
            registered: entry.is_some(),
            kind_changed,
            frozen,
            terms: account.terms,
            usable_at: row.usable_at,
        })
    }
}

/// Returns the reason to show for a connection whose provider refused a use at this time with this answer, until a
/// verification follows. Without an answer, the removal of a connection may have ended the access of this one.
fn use_refused(at: i64, refused_by: Option<&str>) -> Reason {
    let at = Timestamp::from_seconds(at).to_rfc3339();
    let what = match refused_by {
        Some(answered) => format!("{answered} to a request at {at}"),
        None => format!("the provider may have ended this access at {at}"),
    };
    let message = format!("{what}, and the connection was not verified since");
    Reason::new(reason::USE_REFUSED, message).remedy("verify this connection")
}
