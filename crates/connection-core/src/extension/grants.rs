//! Grants: a person gives them to extensions, lists them, and revokes them.

use connection_contract::{BoxFuture, Kind, SecretName, Timestamp};
use connection_rules::Rules;

use super::System;
use crate::{
    ChangedPart, ConnectionId, ConnectionInfo, Error, ExtensionChange, ExtensionError, Extensions, event,
    grant::{take_back, write},
    ground::Ground,
    guard::{self, RowError},
    kinds::{KindEntry, held_name},
    store::{
        Lock, StoreError, Tx, carried, carrying, json,
        rows::{GrantRow, StoredMark},
    },
};

/// The permission of an extension to use one connection and to see the secrets with these names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// The name of the extension that may use the connection.
    pub extension: String,
    /// The id of the connection that may be used.
    pub connection: ConnectionId,
    /// The secrets that the extension may see. If there are none, it may only send requests.
    pub names: Vec<SecretName>,
    /// The rules about the requests of the extension, with their budget. `None` permits every request.
    pub rules: Option<Rules>,
    /// The time at which it was granted.
    pub created_at: Timestamp,
    /// The time at which it was revoked. The grant is valid while this is `None`.
    pub revoked_at: Option<Timestamp>,
}

impl Grant {
    /// Returns the grant in a row; `None` for rules that this version does not know.
    fn of(row: GrantRow) -> Option<Self> {
        let rules = rules(&row).ok()?;
        Some(Self::with(row, rules))
    }

    /// Returns the grant in a row with these rules.
    fn with(row: GrantRow, rules: Option<Rules>) -> Self {
        Self {
            rules,
            extension: row.extension,
            connection: row.connection_id,
            names: names(&row.names),
            created_at: Timestamp::from_seconds(row.created_at),
            revoked_at: row.revoked_at.map(Timestamp::from_seconds),
        }
    }
}

/// The rules of a grant were written by a later version of this program. It grants nothing.
#[derive(Debug)]
pub(super) struct Unreadable;

/// Returns the rules in a row.
pub(super) fn rules(row: &GrantRow) -> Result<Option<Rules>, Unreadable> {
    let read = |text: &String| {
        let value = serde_json::from_str(text).map_err(|_| Unreadable)?;
        Rules::from_value(&value).map_err(|_| Unreadable)
    };
    row.rules.as_ref().map(read).transpose()
}

/// Returns the names in a row. An unreadable value grants no secrets.
pub(crate) fn names(json: &str) -> Vec<SecretName> {
    json::to_texts(json).unwrap_or_default().into_iter().filter_map(SecretName::parse).collect()
}

/// What a grant that is in force allows.
#[derive(Debug)]
pub(super) struct InForce {
    /// The secrets that the extension may see.
    names: Vec<SecretName>,
    /// `true` if rules decide about each request. Then no secret is released.
    has_rules: bool,
}

impl InForce {
    /// Returns `true` if the grant is what an extension with these secrets has to be granted: all of them, or the use
    /// within rules, for which a person has decided.
    pub(super) fn suffices(&self, declared: &[SecretName]) -> bool {
        self.has_rules || declared.iter().all(|name| self.names.contains(name))
    }
}

/// Returns what a grant allows; `None` if it was revoked, edited or restored.
pub(super) fn in_force(ground: &Ground, row: &GrantRow) -> Option<InForce> {
    if row.revoked_at.is_some() {
        return None;
    }
    match guard::check(&ground.sealer, row) {
        Ok(()) if rules(row).is_err() => None,
        Ok(()) => Some(InForce { names: names(&row.names), has_rules: row.rules.is_some() }),
        Err(error) => {
            tracing::warn!(%error, "a grant is not used");
            None
        }
    }
}

impl<'a> Extensions<'a> {
    /// Grants an extension the use of a connection of this owner, and the secrets with these names. Only the host calls
    /// this method, after a person decided so. An existing grant is replaced.
    ///
    /// The connection's provider is checked for an extension that was added, in any process, or for which this process
    /// has created a handle.
    ///
    /// # Repetition
    ///
    /// Another call with the same arguments changes nothing.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the grant may have been stored.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`ExtensionError::OtherProvider`], [`ExtensionError::Reserved`] for a connection that is for
    /// another extension alone, [`ExtensionError::UnknownSecret`] for a name that the kind does not hand out, and the
    /// store's errors.
    pub fn grant(
        self,
        extension: &'a str,
        connection: ConnectionId,
        names: &'a [SecretName],
    ) -> BoxFuture<'a, Result<Grant, Error>> {
        Box::pin(async move { self.let_use(extension, connection, None, names, None).await })
    }

    /// Grants an extension the use of a connection within rules, as far as they have a budget. It may see no secret,
    /// because a secret could be used without the rules. An existing grant is replaced. A setup, repair or
    /// re-authorization for the extension keeps the rules until the grant is revoked or replaced.
    ///
    /// Without a rule that allows everything, an extension's requests are read strictly, and redirects are its own to
    /// follow; see [`ExtensionHandle::send`](crate::ExtensionHandle::send).
    ///
    /// # Errors
    ///
    /// [`ExtensionError::RulesEnd`] for rules with an end, which the grant of an extension does not have,
    /// [`ExtensionError::RulesRelease`] for rules that let the secret be handed out, and the errors
    /// of [`grant`](Self::grant).
    pub fn grant_within(
        self,
        extension: &'a str,
        connection: ConnectionId,
        rules: &'a Rules,
    ) -> BoxFuture<'a, Result<Grant, Error>> {
        Box::pin(async move {
            if rules.expires().is_some() {
                return Err(ExtensionError::RulesEnd { extension: extension.to_owned().into() }.into());
            }
            if rules.releases() {
                return Err(ExtensionError::RulesRelease { extension: extension.to_owned().into() }.into());
            }
            self.let_use(extension, connection, None, &[], Some(rules)).await
        })
    }

    /// Grants as [`grant`](Self::grant) does, for the account that a person was shown. If the connection has another
    /// account by the commit, nothing is granted.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::AccountChanged`], and the errors of [`grant`](Self::grant).
    pub fn grant_shown(
        self,
        extension: &'a str,
        shown: &'a ConnectionInfo,
        names: &'a [SecretName],
    ) -> BoxFuture<'a, Result<Grant, Error>> {
        Box::pin(async move {
            let account = shown.identity.account_id.as_str().to_owned();
            self.let_use(extension, shown.id, Some(account), names, None).await
        })
    }

    async fn let_use(
        &self,
        extension: &str,
        connection: ConnectionId,
        shown: Option<String>,
        names: &[SecretName],
        within: Option<&Rules>,
    ) -> Result<Grant, Error> {
        let system = self.scope.system.clone();
        let owner = self.scope.owner.to_string();
        if extension.trim().is_empty() || extension.chars().any(char::is_control) {
            return Err(ExtensionError::Unknown(extension.to_owned().into()).into());
        }
        let names = names.iter().map(|name| name.as_str().to_owned()).collect();
        let row = GrantRow {
            owner: owner.clone(),
            extension: extension.to_owned(),
            connection_id: connection,
            names: json::texts(&names),
            rules: within.map(|rules| rules.to_value().to_string()),
            created_at: system.ground.clock.now().seconds(),
            revoked_at: None,
            marked: StoredMark::default(),
        };
        let on = system.clone();
        let whose = owner.clone();
        let written = row.clone();
        self.change_and_notify(extension, async move {
            let granted = on.clone().ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&whose)).await?;
                    tx.lock(Lock::Connection(connection)).await?;
                    let account = tx.account(connection).await?.filter(|account| account.owner == whose);
                    let kind = account.as_ref().and_then(|account| Kind::parse(&account.kind));
                    let (Some(account), Some(kind)) = (account, kind) else {
                        return Ok(Err(Error::NotFound(connection)));
                    };
                    let extension = || written.extension.clone().into();
                    let needed = match needed(tx, &on, &whose, &written.extension).await? {
                        Ok(needed) => needed,
                        Err(error) => return Ok(Err(error.into())),
                    };
                    if let Some(provider) = needed
                        && on.ground.provider_of(&kind) != provider
                    {
                        let extension = extension();
                        return Ok(Err(ExtensionError::OtherProvider { extension, provider, kind }.into()));
                    }
                    if let Some(error) = ExtensionError::reserved(&kind, Some(&written.extension)) {
                        return Ok(Err(error.into()));
                    }
                    let entry = on.ground.find_kind_by(tx, &whose, &kind).await?;
                    let unknown = entry.and_then(|entry| unknown_secret(&on, &written, &entry));
                    if let Some(error) = unknown {
                        return Ok(Err(error.into()));
                    }
                    if shown.is_some_and(|shown| shown != account.account_id) {
                        let extension = extension();
                        return Ok(Err(ExtensionError::AccountChanged { extension, connection }.into()));
                    }
                    let granted = put(tx, &on.ground, &written, None).await?;
                    tx.made(&connection.to_string()).await?;
                    Ok(Ok(granted))
                })
            });
            granted.await?
        })
        .await
        .map(|row| Grant::with(row, within.cloned()))
    }

    /// Revokes a grant and returns whether there was one. A use that was already recorded is completed, and no
    /// further use begins.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn revoke(self, extension: &'a str, connection: ConnectionId) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            // No extension with such a name has a grant, and not every database accepts it in a query.
            if extension.contains('\0') {
                return Ok(false);
            }
            let on = self.scope.system.clone();
            let whose = self.scope.owner.to_string();
            let name = extension.to_owned();
            self.change_and_notify(extension, async move {
                let revoked = on.clone().ground.store.write(move |tx| {
                    Box::pin(async move {
                        tx.lock(Lock::Owner(&whose)).await?;
                        tx.lock(Lock::Connection(connection)).await?;
                        take_back(tx, &on.ground, &whose, &name, connection).await
                    })
                });
                let parts = revoked.await?;
                Ok((!parts.is_empty(), parts))
            })
            .await
        })
    }

    /// Returns the grants, including revoked ones, in the order of extensions and connections.
    ///
    /// The grants of a connection that was removed are only in its events. A row that was edited or restored outside of
    /// the program grants nothing and is left out; [`edited_rows`](crate::Events::edited_rows) names it.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn grants(self) -> BoxFuture<'a, Result<Vec<Grant>, Error>> {
        Box::pin(async move {
            let rows = self.scope.system.ground.reader().await?.grants(self.scope.owner).await?;
            Ok(self.readable(rows))
        })
    }

    /// Returns the grants of these connections, including revoked ones, in the order of extensions and connections.
    /// Other grants of the owner are not read. A row that was edited is left out, as in [`grants`](Self::grants).
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn grants_of(self, connections: &'a [ConnectionId]) -> BoxFuture<'a, Result<Vec<Grant>, Error>> {
        Box::pin(async move {
            let mut rows = self.scope.system.ground.reader().await?.grants_of(self.scope.owner, connections).await?;
            rows.sort_unstable_by(|a, b| (&a.extension, a.connection_id).cmp(&(&b.extension, b.connection_id)));
            Ok(self.readable(rows))
        })
    }

    /// Returns the grants of an extension that are not revoked, in the order of connections. Other grants of the owner
    /// are not read. A row that was edited is left out, as in [`grants`](Self::grants).
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn grants_to(self, extension: &'a str) -> BoxFuture<'a, Result<Vec<Grant>, Error>> {
        Box::pin(async move {
            let rows = self.scope.system.ground.reader().await?.open_grants(self.scope.owner, extension).await?;
            Ok(self.readable(rows))
        })
    }

    /// Returns the grants of rows that nobody edited and this version can read.
    pub(super) fn readable(self, rows: Vec<GrantRow>) -> Vec<Grant> {
        let sealer = &self.scope.system.ground.sealer;
        let unedited = rows.into_iter().filter(|row| guard::check(sealer, row).is_ok());
        unedited.filter_map(Grant::of).collect()
    }

    /// Runs a change of grants to its end, and notifies listeners of the changed parts.
    async fn change_and_notify<T: Send + 'static>(
        &self,
        extension: &str,
        change: impl Future<Output = Result<(T, Vec<ChangedPart>), Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let on = self.scope.system.clone();
        let owner = self.scope.owner.to_string();
        let extension = extension.to_owned();
        let changing = async move {
            let order = on.ground.extension_changes.order().await;
            let (result, parts) = change.await?;
            if !parts.is_empty() {
                let change = ExtensionChange { owner, extension, command: None, parts, revisions: None };
                order.announce(&change);
            }
            Ok(result)
        };
        let task = self.scope.system.ground.runtimes.spawn(carrying(carried(), changing));
        task.await.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }
}

/// Returns the provider to which an extension needs a connection; `None` if nothing is known of the extension. For an
/// added extension, it is in the store.
pub(super) async fn needed(
    tx: &mut Tx,
    system: &System,
    owner: &str,
    extension: &str,
) -> Result<Result<Option<Kind>, RowError>, StoreError> {
    let state = tx.extension_state(owner, extension).await?;
    if let Some(Err(error)) = state.as_ref().map(|state| guard::check(&system.ground.sealer, state)) {
        return Ok(Err(error));
    }
    let added = state.and_then(|row| row.provider).and_then(|provider| Kind::parse(&provider));
    Ok(Ok(added.or_else(|| system.declarations.last_declared(owner, extension).map(|declared| declared.provider))))
}

/// Returns an error for a secret that the kind does not hand out.
fn unknown_secret(system: &System, row: &GrantRow, entry: &KindEntry) -> Option<ExtensionError> {
    let held = &entry.descriptor.secret_names;
    let granted = names(&row.names);
    let declared =
        system.declarations.last_declared(&row.owner, &row.extension).map_or(granted.len(), |known| known.secrets);
    let is_unknown = |name: &SecretName| held_name(held, declared, name.as_str()).is_none();
    let name = granted.iter().find(|name| is_unknown(name))?.clone();
    let known = held.iter().filter_map(|name| SecretName::parse(name.to_string())).collect();
    Some(ExtensionError::UnknownSecret {
        extension: row.extension.clone().into(),
        kind: entry.kind().clone(),
        name,
        known,
    })
}

/// Grants and records it, and returns the parts of the extension that change. The transaction holds the connection's lock. `by`
/// is the setup in which a person agreed.
pub(super) async fn put(
    tx: &mut Tx,
    ground: &Ground,
    row: &GrantRow,
    by: Option<String>,
) -> Result<(GrantRow, Vec<ChangedPart>), StoreError> {
    let before = tx.grant(&row.owner, &row.extension, row.connection_id).await?;
    let is_same = |before: &GrantRow| {
        before.revoked_at.is_none()
            && (&before.names, &before.rules) == (&row.names, &row.rules)
            && guard::check(&ground.sealer, before).is_ok()
    };
    if let Some(before) = before.filter(is_same) {
        return Ok((before, Vec::new()));
    }
    let parts = write(tx, &ground.sealer, row, ground.clock.now().seconds()).await?;
    let mut body = serde_json::json!({ "extension": row.extension, "names": json::to_texts(&row.names) });
    if let Some(rules) = row.rules.as_ref().and_then(|rules| serde_json::from_str::<serde_json::Value>(rules).ok()) {
        body["rules"] = rules;
    }
    if let Some(by) = by {
        body["session"] = by.into();
    }
    let event = ground.event(&row.owner, row.connection_id, event::EXTENSION_GRANTED, body);
    event::append(tx, &ground.sealer, &event).await?;
    Ok((row.clone(), parts))
}
