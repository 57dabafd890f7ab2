//! Checks that a use is granted and records it, in one transaction, so that a revoked grant is no longer used.

use connection_contract::{BaseUrl, HttpRequest, SecretName, Timestamp, host};
use connection_rules::{Place, Profile, RequestParts};

use super::{ExtensionHandle, grants};
use crate::{
    Connection, ConnectionId, Error, ExtensionError, RuleError,
    budget::{Taken, Windows},
    event,
    grant::{self, DecidingRule},
    guard::{self, RowError},
    keys::Sealer,
    store::{
        Lock, StoreError, Tx,
        rows::{EventRow, GrantRow},
    },
    uses::{self, Entry, OpenRecord, What},
};

impl ExtensionHandle {
    /// Checks that the extension is granted the connection and these secrets now.
    pub(super) async fn granted(&self, connection: ConnectionId, names: &[SecretName]) -> Result<(), Error> {
        let mut reader = self.scope.system.ground.reader().await?;
        let grant = reader.grant(&self.scope.owner, self.name(), connection).await?;
        drop(reader);
        let held = grant.filter(|grant| grant.revoked_at.is_none());
        if let Some(grant) = &held {
            guard::check(&self.scope.system.ground.sealer, grant)?;
        }
        let held = held.map(|grant| grants::names(&grant.names));
        refusal(held.as_deref(), names).map_or(Ok(()), |names| Err(self.not_granted(connection, names)))
    }

    /// Records that secrets are handed out, if they are granted at that moment.
    pub(super) async fn record(
        &self,
        connection: &Connection,
        names: Vec<SecretName>,
        command: Option<&str>,
    ) -> Result<(), Error> {
        let texts: Vec<_> = names.iter().map(|name| name.as_str().to_owned()).collect();
        let ground = &self.scope.system.ground;
        let release = |name: &String| {
            let body = serde_json::json!({ "extension": self.name(), "name": name });
            ground.event(&self.scope.owner, connection.id(), event::SECRET_RELEASED, body)
        };
        let events = texts.iter().map(release).collect();
        let what = What { secrets: texts, command: command.map(str::to_owned), ..connection.what() };
        let entries = ground.recorder.released(&self.scope.owner, &self.by, what).into();
        self.write(connection, UseRecord { names, within: Within::Any, entries, events }).await.map(drop)
    }

    /// Begins the record of a request, if the rules of the grant let it pass. A grant without rules costs no further
    /// statement.
    pub(super) async fn record_request(&self, connection: &Connection, request: &HttpRequest) -> Result<Passed, Error> {
        let recorder = &self.scope.system.ground.recorder;
        let owner = &self.scope.owner;
        let mut by = (*self.by).clone();
        let mut rules = None;
        loop {
            let (entry, id) = recorder.beginning(owner, &by, connection.what_of(request));
            let is_free = rules.is_none();
            let within = Within::Same(rules.take());
            let used = UseRecord { names: Vec::new(), within, entries: vec![entry], events: Vec::new() };
            let decided = match self.write(connection, used).await {
                Ok(None) => return Ok(Passed { is_free, record: recorder.record(id, owner) }),
                // The grant has other rules than those by which the request was decided.
                Ok(Some(grant)) => {
                    by.rule = None;
                    let passed = self.pass(connection, &grant, request, &mut by.rule).await;
                    rules = grant.rules;
                    passed
                }
                Err(error) => Err(error),
            };
            if let Err(error) = decided {
                connection.record_refusal(&by, connection.what_of(request), &error);
                return Err(error);
            }
        }
    }

    /// Decides about a request by the rules of the grant, and takes it from the budget.
    async fn pass(
        &self,
        connection: &Connection,
        grant: &GrantRow,
        request: &HttpRequest,
        deciding: &mut DecidingRule,
    ) -> Result<(), Error> {
        let not_granted = || self.not_granted(connection.id(), Vec::new());
        let Some(rules) = grants::rules(grant).map_err(|_| not_granted())? else { return Ok(()) };
        let ground = &self.scope.system.ground;
        let kind = connection.kind().await?;
        let profile = Profile::of_kind(&kind.descriptor, ground.kinds.seats(&kind));
        let base = connection.base_url().await?;
        let parts =
            parts(&base, request).ok_or(Error::InvalidRequest("its address is not an http or https address"))?;
        let read = rules.read_request(parts, request.body.expose(), &profile);
        let read = read.map_err(|why| RuleError::Ambiguous { grantee: self.label(), why })?;
        let judgement = grant::judge(&self.label(), &rules, &read);
        *deciding = judgement.rule;
        judgement.allowed?;
        let Some(budget) = rules.budget() else { return Ok(()) };
        let windows = Windows::new(budget, Timestamp::from_seconds(grant.created_at));
        let counted = grant::counted(grant, &grant.marked).ok_or_else(not_granted)?;
        match ground.budgets.take(counted, windows).await? {
            Taken::Yes => Ok(()),
            Taken::Spent(until) => {
                let (grantee, connection) = (self.label(), connection.id());
                Err(RuleError::BudgetSpent { grantee, connection, until }.into())
            }
        }
    }

    /// Writes a use, if it is granted at that moment. Returns the grant if it has other rules than those of the use; then
    /// nothing was written.
    async fn write(&self, connection: &Connection, used: UseRecord) -> Result<Option<GrantRow>, Error> {
        let on = &self.scope.system;
        let id = connection.id();
        let owner = self.scope.owner.to_string();
        let extension = self.name().to_owned();
        let sealer = on.ground.sealer.clone();
        let shows_secrets = !used.names.is_empty();
        let store = &on.ground.store;
        let recorded = match shows_secrets {
            true => store.write(move |tx| Box::pin(used.write(tx, sealer, owner, extension, id))).await?,
            // No secret is handed out, so the record need not be durable at once.
            false => store.write_relaxed(move |tx| Box::pin(used.write(tx, sealer, owner, extension, id))).await?,
        };
        match recorded {
            RecordOutcome::Done => {}
            RecordOutcome::Gone => return Err(Error::NotFound(id)),
            RecordOutcome::Edited(error) => return Err(error.into()),
            RecordOutcome::Refused(names) => return Err(self.not_granted(id, names)),
            RecordOutcome::Ruled(grant) => return Ok(Some(*grant)),
        }
        tracing::info!(connection = %id, extension = self.name(), shows_secrets, "an extension uses a connection");
        Ok(None)
    }

    fn not_granted(&self, connection: ConnectionId, names: Vec<SecretName>) -> Error {
        ExtensionError::NotGranted { extension: self.label(), connection, names }.into()
    }
}

/// The rules that a grant must have for a use to be recorded.
#[derive(Clone)]
enum Within {
    /// It may have any. The use sends no request.
    Any,
    /// It must have these, as JSON, or none.
    Same(Option<String>),
}

/// A request that may be sent.
pub(super) struct Passed {
    /// `true` if the grant has no rules.
    pub(super) is_free: bool,
    /// The record of the use, which has begun.
    pub(super) record: OpenRecord,
}

/// A use that is written if it is granted.
struct UseRecord {
    names: Vec<SecretName>,
    within: Within,
    entries: Vec<Entry>,
    events: Vec<EventRow>,
}

impl UseRecord {
    async fn write(
        self,
        tx: &mut Tx,
        sealer: Sealer,
        owner: String,
        extension: String,
        connection: ConnectionId,
    ) -> Result<RecordOutcome, StoreError> {
        let Self { names, within, entries, events } = self;
        if !events.is_empty() {
            tx.lock(Lock::Connection(connection)).await?;
        }
        if tx.account(connection).await?.is_none_or(|account| account.owner != owner) {
            return Ok(RecordOutcome::Gone);
        }
        let grant = tx.grant(&owner, &extension, connection).await?.filter(|grant| grant.revoked_at.is_none());
        if let Some(Err(error)) = grant.as_ref().map(|grant| guard::check(&sealer, grant)) {
            return Ok(RecordOutcome::Edited(error));
        }
        if let Some(names) = refusal(grant.as_ref().map(|grant| grants::names(&grant.names)).as_deref(), &names) {
            return Ok(RecordOutcome::Refused(names));
        }
        if let (Within::Same(rules), Some(grant)) = (within, grant)
            && grant.rules != rules
        {
            return Ok(RecordOutcome::Ruled(Box::new(grant)));
        }
        uses::append(tx, &sealer, &entries).await?;
        for event in &events {
            event::append(tx, &sealer, event).await?;
        }
        Ok(RecordOutcome::Done)
    }
}

enum RecordOutcome {
    Done,
    Edited(RowError),
    Gone,
    Refused(Vec<SecretName>),
    Ruled(Box<GrantRow>),
}

/// Returns the requested names that are not granted, or all if nothing is granted; `None` if nothing is refused.
fn refusal(granted: Option<&[SecretName]>, requested: &[SecretName]) -> Option<Vec<SecretName>> {
    let Some(granted) = granted else { return Some(requested.to_vec()) };
    let refused: Vec<_> = requested.iter().filter(|name| !granted.contains(name)).cloned().collect();
    (!refused.is_empty()).then_some(refused)
}

/// Returns the request as it is decided: relative to the base address of the connection, or to its own origin.
fn parts(base: &BaseUrl, request: &HttpRequest) -> Option<RequestParts> {
    let url = request.url();
    let root = base.to_string();
    let below =
        url.strip_prefix(root.trim_end_matches('/')).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let (place, target) = match below {
        Some(target) => (Place::Base, target),
        None => {
            let origin = host::origin(url)?;
            let target = url.get(origin.as_str().len()..).filter(|_| url.starts_with(origin.as_str()))?;
            (Place::Origin(origin.as_str().to_owned()), target)
        }
    };
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    let parts = RequestParts::new(request.method.as_ref(), target)
        .place(place)
        .body_length(Some(request.body.expose().len() as u64));
    let headers = request.headers.iter();
    Some(headers.fold(parts, |parts, (name, value)| parts.header(name.as_ref(), value.expose())))
}
