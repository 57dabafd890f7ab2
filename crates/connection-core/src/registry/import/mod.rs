//! Imports connections that were made elsewhere. Each credential has the form that its plugin writes, and each
//! connection is stored as a whole or refused with its reason.
//!
//! An import sends no request, so the liveness is unknown until the first probe. Accounts that are already
//! connected are refused, so an interrupted import is run again from its beginning.

mod fields;
mod prepare;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use connection_contract::{
    BaseUrl, DisplayText, Identity, Kind, Liveness, Reach, Reason, Secret, SetupResult, Timestamp, host,
};
use futures_core::Stream;
use tokio::{
    sync::mpsc::{self, Receiver},
    task::JoinHandle,
};

use super::Systems;
use crate::{
    ConnectionId, ConnectionRegistry, Error, StoreError,
    default_connection::is_first,
    event,
    setup::numbered_label,
    store::{Lock, StandingRow, Tx, carried, carrying, rows::AccountRow},
};
use fields::Fields;
use prepare::{Prepared, prepare};

/// Number of items that are prepared at once.
const MAX_PREPARATIONS: usize = 64;
/// Number of items that are committed together.
const BATCH: usize = 64;

/// A connection that was made elsewhere.
#[derive(Debug)]
#[must_use]
pub struct Import {
    kind: Kind,
    made: SetupResult<Secret>,
    /// The values that a person would enter, from which the credential is made.
    fields: Option<Fields>,
}

impl Import {
    /// Creates an import of an account, with the bytes that the plugin's `serialize_credential` would return.
    pub fn new(kind: Kind, credential: Secret, identity: Identity) -> Self {
        Self { kind, made: SetupResult::new(credential, identity), fields: None }
    }

    /// Creates an import of an account, with what a person would enter into the fields of the kind. An address among
    /// them is one to which the credential goes.
    ///
    /// A kind whose setup needs an answer of the provider, such as one with OAuth, cannot be imported in this form.
    pub fn from_fields(
        kind: Kind,
        fields: impl IntoIterator<Item = (impl Into<String>, Secret)>,
        identity: Identity,
    ) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Self { kind, made: SetupResult::new(Secret::default(), identity), fields: Some(fields) }
    }

    /// Sets the label. If it is taken, the item is refused. Without a label, the label of the account is used, with
    /// `-2` and so on if it is taken.
    pub fn label(mut self, label: impl Into<DisplayText>) -> Self {
        self.made = self.made.label(label);
        self
    }

    /// Adds a public configuration value under the name that the plugin gives it.
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.made = self.made.config(name.into(), value);
        self
    }

    /// Sets the base URL, if it is not the first address that the kind declares. It must be another declared address, or
    /// one that the fields name.
    pub fn base_url(mut self, base_url: BaseUrl) -> Self {
        self.made = self.made.reach(Reach::base(base_url));
        self
    }

    /// Sets the time at which the credential stops working.
    pub fn valid_until(mut self, time: Timestamp) -> Self {
        self.made = self.made.valid_until(Some(time));
        self
    }

    /// Sets the time at which refreshing stops working and the user must authorize again.
    pub fn authorized_until(mut self, time: Timestamp) -> Self {
        self.made = self.made.authorized_until(Some(time));
        self
    }

    /// Sets the time to refresh the credential, if that is not shortly before it stops working.
    pub fn renew_at(mut self, time: Timestamp) -> Self {
        self.made = self.made.renew_at(Some(time));
        self
    }

    /// Sets the scopes that the provider granted.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.made = self.made.scopes(scopes);
        self
    }
}

/// A connection that an import created.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Imported {
    /// The id of the new connection.
    pub connection: ConnectionId,
    /// The label: the requested one, or that of the account, with a number if another connection has it.
    pub label: DisplayText,
    /// The liveness: unknown, unless the connection was verified.
    pub liveness: Liveness,
    /// The reason why the connection is not live.
    pub reason: Option<Reason>,
}

/// An import that has not begun.
#[must_use = "an import begins with `start`"]
pub struct BeginImport {
    registry: ConnectionRegistry,
    items: Pin<Box<dyn Stream<Item = Import> + Send>>,
    again: bool,
    verify: bool,
}

impl fmt::Debug for BeginImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BeginImport")
    }
}

/// A stream of results in the order of the items. If it is dropped, no further items are taken. Items that were already
/// taken are stored.
pub struct Imports(Receiver<Result<Imported, Error>>);

impl ConnectionRegistry {
    /// Imports connections for this owner, several at a time. An item that is refused does not prevent another from
    /// being stored. [`import_all`](Self::import_all) takes the items of a list.
    pub fn import(&self, items: impl Stream<Item = Import> + Send + 'static) -> BeginImport {
        BeginImport { registry: self.clone(), items: Box::pin(items), again: false, verify: false }
    }

    /// Imports the connections of a list or of another iterator, as [`import`](Self::import) does with those of a
    /// stream. The iterator is called by a task of the runtime, so it must not block.
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_contract::{Identity, Kind, Secret};
    /// use connection_core::{ConnectionRegistry, Error, Import};
    ///
    /// async fn take_over(registry: &ConnectionRegistry, accounts: Vec<(String, String)>) -> Vec<Error> {
    ///     let items = accounts.into_iter().map(|(account, key)| {
    ///         let fields = [("apiKey", Secret::from(key))];
    ///         Import::from_fields(Kind::from_static("acme"), fields, Identity::new(account.clone(), account))
    ///     });
    ///     let mut results = registry.import_all(items).start();
    ///     let mut refused = Vec::new();
    ///     while let Some(result) = results.next().await {
    ///         refused.extend(result.err());
    ///     }
    ///     refused
    /// }
    /// ```
    pub fn import_all(&self, items: impl IntoIterator<Item = Import, IntoIter: Send + 'static>) -> BeginImport {
        self.import(Items(items.into_iter()))
    }
}

/// A stream of the items of an iterator.
struct Items<I>(I);

// The iterator is not pinned.
impl<I> Unpin for Items<I> {}

impl<I: Iterator<Item = Import>> Stream for Items<I> {
    type Item = Import;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Import>> {
        Poll::Ready(self.0.next())
    }
}

impl BeginImport {
    /// Allows another connection for an account that is already connected.
    pub fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Verifies each connection after it is stored.
    pub fn verify(mut self) -> Self {
        self.verify = true;
        self
    }

    /// Begins the import. Each result is an [`Imported`] or the reason why the item was refused:
    /// [`Error::UnknownKind`], [`Error::AccountConnected`], [`Error::LabelTaken`], [`Error::InvalidImport`],
    /// [`Error::Credential`] for bytes that the plugin cannot read, [`Error::NotSupported`] for kinds with directories,
    /// which only a person can grant, and the store's errors.
    ///
    /// # Repetition
    ///
    /// After a crash, every stored connection is whole. If the import is run again, these connections are refused as
    /// already connected, and the rest are stored.
    pub fn start(self) -> Imports {
        let Self { registry, mut items, again, verify } = self;
        let runtimes = registry.systems.ground.runtimes.clone();
        let (prepared, ready) = mpsc::channel(MAX_PREPARATIONS);
        let (sender, results) = mpsc::channel(BATCH);
        let feeder = registry.clone();
        runtimes.spawn(async move {
            while let Some(item) = poll_fn(|cx| items.as_mut().poll_next(cx)).await {
                let systems = feeder.systems.clone();
                let owner = feeder.owner.clone();
                let task =
                    feeder.systems.ground.runtimes.spawn(async move { prepare(&systems.ground, &owner, item).await });
                if prepared.send(task).await.is_err() {
                    return;
                }
            }
        });
        runtimes.spawn(carrying(carried(), sequence(registry, ready, sender, again, verify)));
        Imports(results)
    }
}

impl Imports {
    /// Returns the next result; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<Imported, Error>> {
        self.0.recv().await
    }
}

impl fmt::Debug for Imports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Imports")
    }
}

impl Stream for Imports {
    type Item = Result<Imported, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

type Ready = JoinHandle<Result<Prepared, Error>>;

/// Stores prepared items in the order of the items, several at a time, and sends the results.
async fn sequence(
    registry: ConnectionRegistry,
    mut ready: Receiver<Ready>,
    results: mpsc::Sender<Result<Imported, Error>>,
    again: bool,
    verify: bool,
) {
    while let Some(first) = ready.recv().await {
        let mut items = vec![prepared(first).await];
        while items.len() < BATCH
            && let Ok(next) = ready.try_recv()
        {
            items.push(prepared(next).await);
        }
        let mut stored = store(&registry.systems, items, again).await;
        if verify {
            measure(&registry, &mut stored).await;
        }
        for result in stored {
            if results.send(result).await.is_err() {
                return;
            }
        }
    }
}

async fn prepared(task: Ready) -> Result<Prepared, Error> {
    // The task panics only because of a bug in the core, and the panic concerns one item.
    task.await.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
}

/// Stores the items in one transaction. If that fails because of an item, each is stored in a transaction of its own,
/// so that one bad item does not affect the others.
async fn store(
    systems: &Arc<Systems>,
    items: Vec<Result<Prepared, Error>>,
    again: bool,
) -> Vec<Result<Imported, Error>> {
    let sound: Vec<_> = items.iter().filter_map(|item| item.as_ref().ok().cloned()).collect();
    let mut stored = match insert(systems, sound.clone(), again).await {
        Ok(stored) => stored,
        // The error concerns one item. The loop finds out which.
        Err(
            StoreError::ChangedMeanwhile { .. }
            | StoreError::Conflict { .. }
            | StoreError::Refused { .. }
            | StoreError::Panicked,
        ) => {
            let mut stored = Vec::new();
            for item in sound {
                stored.extend(match insert(systems, vec![item], again).await {
                    Ok(one) => one,
                    Err(error) => vec![Err(error.into())],
                });
            }
            stored
        }
        // The store failed, so each item would fail. If the items were stored nevertheless, a second import reports
        // them as already connected.
        Err(error) => sound.iter().map(|_| Err(error.clone().into())).collect(),
    }
    .into_iter();
    let outcome = |item: Result<Prepared, Error>| match item {
        // The iterator has one result for each sound item.
        Ok(_) => stored.next().unwrap_or_else(|| Err(StoreError::Panicked.into())),
        Err(error) => Err(error),
    };
    items.into_iter().map(outcome).collect()
}

async fn insert(
    systems: &Arc<Systems>,
    items: Vec<Prepared>,
    again: bool,
) -> Result<Vec<Result<Imported, Error>>, StoreError> {
    let Some(owner) = items.first().map(|item| item.account.owner.clone()) else { return Ok(Vec::new()) };
    let on = systems.clone();
    let stored = systems.ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&owner)).await?;
            let mut stored = Vec::new();
            let mut known = Known::default();
            for item in items {
                stored.push(insert_one(tx, &on, item, again, &mut known).await?);
            }
            let ids: Vec<_> = stored.iter().flatten().map(|imported| imported.connection.to_string()).collect();
            if !ids.is_empty() {
                tx.made_part(&ids.join(",")).await?;
            }
            Ok(stored)
        })
    });
    let stored = stored.await?;
    let count = stored.iter().filter(|result| result.is_ok()).count();
    tracing::info!(count, "imported");
    Ok(stored)
}

/// What a transaction knows of the owner's connections. It holds the owner's lock, so no other transaction adds one.
#[derive(Default)]
struct Known {
    /// The kinds that already have a connection, so that a later item is never the first.
    settled: HashSet<Kind>,
    /// The labels of the connections by the e-mail addresses of their accounts, of each kind for which one was looked up. No
    /// index finds an address in any case, so all addresses of a kind are read once.
    addresses: HashMap<Kind, HashMap<String, String>>,
}

impl Known {
    /// Returns the label of the oldest connection whose account has the e-mail address of that identity, in any case.
    async fn label_of_address(
        &mut self,
        tx: &mut Tx,
        kind: &Kind,
        owner: &str,
        identity: &Identity,
    ) -> Result<Option<String>, StoreError> {
        let current = identity.is_email.then_some(&identity.account_id);
        let mut wanted = current.into_iter().chain(&identity.former_email).map(|email| host::email_key(email.as_str()));
        let Some(first) = wanted.next() else { return Ok(None) };
        let addresses = match self.addresses.remove(kind) {
            Some(addresses) => addresses,
            None => {
                let mut addresses = HashMap::new();
                for (account_id, label) in tx.account_ids(owner, kind.as_str()).await? {
                    addresses.entry(host::email_key(&account_id)).or_insert(label);
                }
                addresses
            }
        };
        let label = addresses.get(&first).cloned().or_else(|| wanted.find_map(|email| addresses.get(&email).cloned()));
        self.addresses.insert(kind.clone(), addresses);
        Ok(label)
    }

    /// Adds a connection that the transaction has stored.
    fn add(&mut self, kind: &Kind, stored: &AccountRow) {
        if let Some(addresses) = self.addresses.get_mut(kind) {
            addresses.entry(host::email_key(&stored.account_id)).or_insert_with(|| stored.label.clone());
        }
    }
}

async fn insert_one(
    tx: &mut Tx,
    systems: &Systems,
    item: Prepared,
    again: bool,
    known: &mut Known,
) -> Result<Result<Imported, Error>, StoreError> {
    let Prepared { mut account, identity, is_labelled, credential, liveness, event, kind, terms } = item;
    tx.lock(Lock::Connection(account.id)).await?;
    let beside = tx.beside(&account).await?;
    if !again {
        let connected = match beside.label_of_account {
            None => known.label_of_address(tx, &kind, &account.owner, &identity).await?,
            label => label,
        };
        if let Some(label) = connected {
            return Ok(Err(Error::AccountConnected { kind, label }));
        }
    }
    if beside.is_label_taken {
        if is_labelled {
            return Ok(Err(Error::LabelTaken { kind, label: account.label }));
        }
        account.label = numbered_label(tx, &account).await?;
    }
    if !known.settled.contains(&kind) {
        account.is_default = is_first(tx, &systems.ground, &account).await?;
        if !account.is_default {
            known.settled.insert(kind.clone());
        }
    }
    if let Some(terms) = &terms {
        tx.put_kind_terms(terms).await?;
    }
    tx.insert_account(&account).await?;
    known.add(&kind, &account);
    tx.insert_credential(&credential).await?;
    tx.upsert_liveness(&liveness).await?;
    event::append_row_change(tx, &systems.ground.sealer, &event, &StandingRow::inserted(&account)).await?;
    Ok(Ok(Imported { connection: account.id, label: account.label.into(), liveness: Liveness::Unknown, reason: None }))
}

/// Verifies the stored connections. A connection that cannot be verified stays stored, with an unknown liveness.
async fn measure(registry: &ConnectionRegistry, stored: &mut [Result<Imported, Error>]) {
    let ids: Vec<_> = stored.iter().flatten().map(|imported| imported.connection).collect();
    let mut verified = registry.preflight(ids).in_order();
    for imported in stored.iter_mut().flatten() {
        if let Some((_, Ok(info))) = verified.next().await {
            (imported.liveness, imported.reason) = (info.liveness, info.reason);
        }
    }
}
