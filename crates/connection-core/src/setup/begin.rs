//! Begins, resumes, lists and expires setup sessions.

use std::{future::IntoFuture, sync::Arc};

use connection_contract::{BoxFuture, Crypto, DisplayText, Kind, Reason, Secret, Timestamp};

use super::{
    Applicant, SetupSession, StepNo, System,
    codec::{Header, Purpose, Waiting},
    run,
    session::Ephemeral,
    start_address::SetupOptions,
};
use crate::{
    ConnectionId, Error, ProfileId, SessionId, StoreError, Tags,
    ground::{OwnedScope, Scope},
    journal,
    profile_rows::{self, Granted},
    store::{
        Lock,
        rows::{SetupRow, SetupState},
    },
};

/// A setup that begins when it is awaited: `registry.setups().begin(&kind).label("work").await`.
#[derive(Debug)]
#[must_use = "a setup begins when this is awaited"]
pub struct BeginSetup {
    scope: OwnedScope<System>,
    kind: Kind,
    label: Option<DisplayText>,
    again: bool,
    alone: bool,
    pub(super) terms: SetupOptions,
    profile: Option<ProfileId>,
    extension: Option<Arc<dyn Applicant>>,
    tags: Tags,
}

/// The stage of an open session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupStage {
    /// A run is in progress, or was lost and is continued by a process that takes the session over or resumes it.
    Running,
    /// The session waits for an answer, a callback or a time.
    Waiting,
}

/// An open session, as it is listed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SetupInfo {
    /// Id of the session, for [`resume`](super::Setups::resume).
    pub id: SessionId,
    /// Kind of the connection that the session is for.
    pub kind: Kind,
    /// The connection that the session authorizes again, or `None` if it makes a new one.
    pub reauthorizes: Option<ConnectionId>,
    /// Name of the extension that the session connects an account for, or `None` if it serves no extension.
    pub extension: Option<String>,
    /// Stage that the session has reached.
    pub stage: SetupStage,
    /// The reason why the session waits until it is resumed, such as a provider that asks to wait. `None` if it needs
    /// an answer, a callback or a time.
    pub reason: Option<Reason>,
    /// Number of the current or last step.
    pub step: StepNo,
    /// Time at which the session was begun.
    pub created_at: Timestamp,
    /// Time at which the session expires if it gets no input.
    pub expires_at: Timestamp,
}

impl BeginSetup {
    pub(super) fn new(scope: Scope<'_, System>, kind: &Kind) -> Self {
        Self {
            scope: scope.owned(),
            kind: kind.clone(),
            label: None,
            again: false,
            alone: false,
            terms: Default::default(),
            profile: None,
            extension: None,
            tags: Tags::default(),
        }
    }

    /// Sets the label of the connection.
    ///
    /// A label that is taken is refused. Without one, the account's own label is used, with a suffix such as `-2` when
    /// it is taken.
    pub fn label(mut self, label: impl Into<DisplayText>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the tags of the connection.
    pub fn tags(mut self, tags: Tags) -> Self {
        self.tags = tags;
        self
    }

    /// Allows a second connection to an account that is connected already.
    pub fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Refuses the connection if its profile, or the owner of a kind without profiles, has another one by the end of the
    /// setup.
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Cancels the session when its last handle is dropped.
    pub fn ephemeral(mut self) -> Self {
        self.terms.ephemeral = true;
        self
    }

    /// Accepts callbacks from one browser only: the one that has `proof` in a cookie. The host gave the browser these
    /// 256 random bits.
    ///
    /// The person who ends the setup is then the one who began it, and a link that is sent to another person connects
    /// nothing.
    pub fn browser(mut self, proof: Secret) -> Self {
        self.terms.browser = Some(proof);
        self
    }

    /// Connects the account for this profile of the kind's tool. Without one, the default profile is used if the kind
    /// has profiles.
    pub fn profile(mut self, id: ProfileId) -> Self {
        self.profile = Some(id);
        self
    }

    /// Connects the account for an extension, unless the extension belongs to another owner.
    pub(crate) fn applicant(mut self, extension: Arc<dyn Applicant>) -> Self {
        self.extension = Some(extension);
        self
    }

    async fn begin(self) -> Result<SetupSession, Error> {
        let Self { scope, kind, label, again, alone, terms, profile, extension, tags } = self;
        let shared = &scope.system;
        let owner = &scope.owner;
        let entry = shared.kind(owner, &kind).await?;
        // Once a kind that serves every owner connects the provider, it alone is offered for a new account.
        if entry.descriptor.extension.is_some() && shared.kinds.connects(&entry.descriptor.provider) {
            return Err(Error::UnknownKind(kind));
        }
        let profile = profile_rows::setup_profile(shared, owner, &kind, profile).await?;
        let extension = match extension {
            Some(extension) => extension.for_setup(owner, &kind).await?,
            None => None,
        };
        let label = label.map(|label| label.as_str().trim().to_owned()).filter(|label| !label.is_empty());
        if let Some(label) = &label {
            let taken = shared.reader().await?.account_by_label(owner, kind.as_str(), label).await?;
            if taken.is_some() {
                return Err(Error::LabelTaken { kind, label: label.clone() });
            }
        }
        let connection = ConnectionId::from(shared.ids.next());
        let purpose = Purpose::Connect { label, again, alone, extension, tags };
        begin(scope.as_scope(), &kind, connection, purpose, terms, profile).await
    }
}

/// Stores a session, then runs it. A session that re-authorizes is refused if its connection does not exist.
pub(super) async fn begin(
    scope: Scope<'_, System>,
    kind: &Kind,
    connection_id: ConnectionId,
    purpose: Purpose,
    terms: SetupOptions,
    profile: Option<Granted>,
) -> Result<SetupSession, Error> {
    let shared = scope.system;
    let entry = shared.kind(scope.owner, kind).await?;
    let kind_terms = entry.terms_digest().map(<[u8]>::to_vec);
    let mut seed = [0; 32];
    shared.crypto.random(&mut seed);
    let is_new = matches!(purpose, Purpose::Connect { .. });
    let SetupOptions { ephemeral, browser, led, confirm, answerer } = terms;
    let browser = browser.map(|proof| shared.browser_hash(&proof));
    let led = led && browser.is_none();
    let seed = Secret::new(seed);
    let connection = Some(connection_id);
    let header = Header { seed, purpose, connection, browser, led, confirm, profile, kind_terms, answerer };
    let id = SessionId::from(shared.ids.next());
    let place = journal::place(&id, scope.owner, kind, "connection_setup", "sealed_header", 0);
    let sealed = shared
        .sealer
        .seal(&place, header.encode().expose())
        .await
        .map_err(|source| Error::Sealed { what: format!("setup session {id}"), source: Arc::new(source) })?;
    let now = shared.clock.now();
    let row = SetupRow {
        id,
        owner: scope.owner.to_owned(),
        kind: kind.to_string(),
        connection_id,
        state: SetupState::Running,
        step_seq: 0,
        sealed_header: Some(sealed),
        sealed_step: None,
        lease_owner: None,
        lease_until: None,
        expires_at: now.after(run::SESSION_LIFE).seconds(),
        created_at: now.seconds(),
    };
    let slot = shared.slot(&row)?;
    let most = shared.max_setups;
    // The write may be relaxed, because the session holds no input yet. The next durable commit for the session takes
    // this one to the disk.
    let stored = shared.store.write_relaxed(move |tx| {
        Box::pin(async move {
            // The lock refuses one of two setups that begin the last permitted session at the same time.
            tx.lock(Lock::Owner(&row.owner)).await?;
            if tx.count_setups(&row.owner, row.created_at).await? >= i64::from(most) {
                return Ok(Err(Error::TooManySetups { most }));
            }
            if !is_new {
                tx.lock(Lock::Connection(connection_id)).await?;
                if tx.account(connection_id).await?.is_none() {
                    return Ok(Err(Error::NotFound(connection_id)));
                }
            }
            tx.insert_setup(&row).await?;
            tx.made(&row.id.to_string()).await?;
            tx.purge_setups(row.created_at).await.map(Ok)
        })
    });
    if let Err(error) = end_expired(shared, stored.await??).await {
        // The next purge ends them.
        tracing::debug!(code = error.code(), "setups that have expired could not be ended");
    }
    tracing::info!(session = %id, %kind, "setup begun");
    run::spawn(shared, &slot);
    let keep = || Arc::new(Ephemeral { shared: shared.clone(), slot: slot.clone() });
    let ephemeral = ephemeral.then(keep);
    Ok(SetupSession { ephemeral, ..SetupSession::at(shared, slot) })
}

impl IntoFuture for BeginSetup {
    type Output = Result<SetupSession, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.begin())
    }
}

/// Returns a row as it is listed, or `None` for a row with an invalid kind, which this program did not write.
///
/// A header that may open later is an error, because the purpose of the session is not known without it.
pub(super) async fn info(shared: &System, row: &SetupRow) -> Result<Option<SetupInfo>, Error> {
    let Some(kind) = Kind::parse(&row.kind) else { return Ok(None) };
    let place = journal::place(&row.id, &row.owner, &kind, "connection_setup", "sealed_header", 0);
    let opened = match &row.sealed_header {
        Some(sealed) => match shared.sealer.open(&place, sealed).await {
            Err(error) if error.may_pass() => {
                return Err(Error::Sealed { what: format!("setup session {}", row.id), source: Arc::new(error) });
            }
            opened => opened.ok(),
        },
        None => None,
    };
    let purpose = opened.and_then(|bytes| Header::decode(bytes.expose())).map(|header| header.purpose);
    let (is_again, extension) = match purpose {
        Some(Purpose::Connect { extension, .. }) => (false, extension),
        Some(Purpose::Reauthorize { extension, .. }) => (true, extension),
        None => (false, None),
    };
    let reason = waits_for(shared, row, &kind).await;
    Ok(Some(SetupInfo {
        id: row.id,
        kind,
        reauthorizes: is_again.then_some(row.connection_id),
        extension: extension.map(|extension| extension.name),
        stage: if row.state == SetupState::Waiting { SetupStage::Waiting } else { SetupStage::Running },
        reason,
        step: run::step_no(row.step_seq),
        created_at: Timestamp::from_seconds(row.created_at),
        expires_at: Timestamp::from_seconds(row.expires_at),
    }))
}

/// Returns the reason why a session waits until it is resumed. A step that does not open is made again when it is
/// resumed, so it has none.
async fn waits_for(shared: &System, row: &SetupRow, kind: &Kind) -> Option<Reason> {
    let sealed = row.sealed_step.as_ref().filter(|_| row.state == SetupState::Waiting)?;
    let place = journal::place(&row.id, &row.owner, kind, "connection_setup", "sealed_step", row.step_seq);
    let bytes = shared.sealer.open(&place, sealed).await.ok()?;
    Some(Waiting::decode(bytes.expose())?.paused?.reason)
}

/// Runs a session that no process holds, unless this process runs it.
///
/// # Errors
///
/// The store's errors.
pub(crate) async fn take_over(shared: &Arc<System>, row: &SetupRow) -> Result<(), Error> {
    let Ok(slot) = shared.slot(row) else { return Ok(()) };
    if slot.is_at_rest() && shared.find_kind(&slot.owner, &slot.kind).await?.is_some() {
        tracing::info!(session = %slot.id, kind = %slot.kind, "a setup whose run was lost continues");
        run::spawn(shared, &slot);
    }
    Ok(())
}

/// Ends the sessions that have expired, and deletes the rows of sessions that ended long ago.
pub(super) async fn purge(shared: &Arc<System>) -> Result<(), Error> {
    let now = shared.clock.now().seconds();
    let expired = shared.store.write_relaxed(move |tx| Box::pin(async move { tx.purge_setups(now).await })).await?;
    end_expired(shared, expired).await
}

async fn end_expired(shared: &Arc<System>, expired: Vec<SessionId>) -> Result<(), Error> {
    for id in expired {
        let row = match shared.reader().await?.setup(id).await {
            // A session whose row cannot be read cannot be resumed either.
            Err(StoreError::Corrupt { .. }) => {
                tracing::warn!(session = %id, "the row of a setup cannot be read");
                continue;
            }
            row => row?,
        };
        if let Some(slot) = row.as_ref().and_then(|row| shared.slot(row).ok()) {
            run::expire(shared, &slot).await?;
        }
    }
    Ok(())
}
