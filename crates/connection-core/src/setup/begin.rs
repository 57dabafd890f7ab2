//! Begins, resumes and lists sessions.

use std::{
    future::IntoFuture,
    sync::{Arc, PoisonError},
};

use connection_contract::{BoxFuture, Crypto, DisplayText, Kind, Secret, Timestamp};

use super::{
    SetupSession, StepNo,
    codec::{Header, Purpose},
    follow,
    led::Terms,
    offline, run,
    session::Ephemeral,
    slot::{Slot, place},
};
use crate::{
    ConnectionId, ConnectionRegistry, Error, ExtensionHandle, ProfileId, SessionId, StoreError,
    profiles::{self, Granted},
    registry::Shared,
    store::{
        Lock,
        rows::{SetupRow, SetupState},
    },
};

/// A setup that is about to begin: `registry.begin_setup(&kind).label("work").await`.
#[derive(Debug)]
#[must_use = "a setup begins when this is awaited"]
pub struct BeginSetup {
    registry: ConnectionRegistry,
    kind: Kind,
    label: Option<DisplayText>,
    again: bool,
    alone: bool,
    pub(super) terms: Terms,
    profile: Option<ProfileId>,
    extension: Option<ExtensionHandle>,
}

/// Where an open session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupStage {
    /// A run is at work, or was lost and waits for somebody to resume it.
    Running,
    /// It waits for an answer, a callback or a time.
    Waiting,
}

/// An open session, for lists.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SetupInfo {
    /// For [`resume_setup`](ConnectionRegistry::resume_setup).
    pub id: SessionId,
    /// Of what kind the connection will be.
    pub kind: Kind,
    /// The connection that it is to authorize again; `None` when it makes a new one.
    pub reauthorizes: Option<ConnectionId>,
    /// Where it stands.
    pub stage: SetupStage,
    /// The number of its current or last step.
    pub step: StepNo,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it ends if nobody goes on.
    pub expires_at: Timestamp,
}

impl BeginSetup {
    /// The connection's label. One that is taken is refused; without one, the account's own is used, with `-2` and so on
    /// when it is taken.
    pub fn label(mut self, label: impl Into<DisplayText>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Connects the account also when it is connected already.
    pub fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Connects nothing when its profile has a connection by then.
    pub(crate) fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Cancels the session when its last handle is dropped.
    pub fn ephemeral(mut self) -> Self {
        self.terms.ephemeral = true;
        self
    }

    /// Takes callbacks from one browser alone: the one that shows this, 256 random bits that the host gave it in a cookie.
    /// So whoever ends the setup is who began it, and a link that is sent to somebody else connects nothing.
    pub fn browser(mut self, proof: Secret) -> Self {
        self.terms.browser = Some(proof);
        self
    }

    /// Of an isolated identity of the kind's tool; of its default one, where none is said and the kind has them.
    pub fn profile(mut self, id: ProfileId) -> Self {
        self.profile = Some(id);
        self
    }

    /// Connects it for an extension: the person who does lets the extension use what comes of it, with the secrets that it
    /// declared. When the extension asks for something else by the end, or was removed, nothing is connected. A handle of
    /// another owner counts for nothing.
    pub fn extension(mut self, handle: &ExtensionHandle) -> Self {
        self.extension = Some(handle.clone());
        self
    }

    async fn begin(self) -> Result<SetupSession, Error> {
        let Self { registry, kind, label, again, alone, terms, profile, extension } = self;
        let shared = &registry.shared;
        shared.kinds.entry(&kind).ok_or_else(|| Error::UnknownKind(kind.clone()))?;
        let profile = profiles::meant(&registry, &kind, profile).await?;
        let extension = match extension.filter(|handle| handle.is_of(&registry.owner)) {
            Some(handle) => Some(handle.for_setup(&kind).await?),
            None => None,
        };
        let label = label.map(|label| label.as_str().trim().to_owned()).filter(|label| !label.is_empty());
        if let Some(label) = &label {
            let taken = shared.reader().await?.account_by_label(&registry.owner, kind.as_str(), label).await?;
            if taken.is_some() {
                return Err(Error::LabelTaken { kind, label: label.clone() });
            }
        }
        let connection = ConnectionId::from(shared.ids.next());
        let purpose = Purpose::Connect { label, again, alone, extension };
        begin(&registry, &kind, connection, purpose, terms, profile).await
    }
}

/// Stores a session, then runs it. One that is for a connection that is there finds it.
pub(super) async fn begin(
    registry: &ConnectionRegistry,
    kind: &Kind,
    connection_id: ConnectionId,
    purpose: Purpose,
    terms: Terms,
    profile: Option<Granted>,
) -> Result<SetupSession, Error> {
    let shared = registry.shared.clone();
    shared.kinds.entry(kind).ok_or_else(|| Error::UnknownKind(kind.clone()))?;
    let mut seed = [0; 32];
    shared.crypto.random(&mut seed);
    let is_new = matches!(purpose, Purpose::Connect { .. });
    let Terms { ephemeral, browser, led, confirm } = terms;
    let browser = browser.map(|proof| shared.browser_hash(&proof));
    let led = led && browser.is_none();
    let header = Header { seed: Secret::new(seed), purpose, browser, led, confirm, profile };
    let id = SessionId::from(shared.ids.next());
    let place = place(&id, &registry.owner, kind, "connection_setup", "sealed_header", 0);
    let sealed = shared
        .sealer
        .seal(&place, header.encode().expose())
        .await
        .map_err(|source| Error::Sealed { what: format!("setup session {id}"), source: Arc::new(source) })?;
    let now = shared.clock.now();
    let row = SetupRow {
        id,
        owner: registry.owner.to_string(),
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
    let most = shared.most_setups;
    // Nobody has typed or sent anything yet. What is committed next for the session takes it to the disk.
    let stored = shared.store.write_relaxed(move |tx| {
        Box::pin(async move {
            // Of two that begin the last one at once, one is refused.
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
            tx.purge_setups(row.created_at).await.map(Ok)
        })
    });
    if let Err(error) = end_expired(&shared, stored.await??).await {
        // Whoever looks at them next ends them.
        tracing::debug!(code = error.code(), "setups that have expired could not be ended");
    }
    tracing::info!(session = %id, %kind, "setup begun");
    run::spawn(&shared, &slot);
    let keep = || Arc::new(Ephemeral { shared: shared.clone(), slot: slot.clone() });
    let ephemeral = ephemeral.then(keep);
    Ok(SetupSession { ephemeral, ..SetupSession::at(&shared, slot) })
}

impl IntoFuture for BeginSetup {
    type Output = Result<SetupSession, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.begin())
    }
}

impl ConnectionRegistry {
    /// Begins a setup when it is awaited. The session is stored before the plugin runs, and outlives this process. Until
    /// something is recorded in it, such as an answer, a loss of power may take it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], [`Error::LabelTaken`], [`Error::Profile`] for a profile that is not there, and the store's.
    pub fn begin_setup(&self, kind: &Kind) -> BeginSetup {
        let (registry, kind) = (self.clone(), kind.clone());
        let (label, terms, profile, extension) = Default::default();
        BeginSetup { registry, kind, label, again: false, alone: false, terms, profile, extension }
    }

    /// Goes on with a session, also one that another process began or lost. One that ended tells how, for a while.
    ///
    /// # Repetition
    ///
    /// Any number of handles may be at one session.
    ///
    /// # Errors
    ///
    /// [`Error::SessionNotFound`], [`Error::UnknownKind`] when its plugin is gone, and the store's.
    pub async fn resume_setup(&self, id: SessionId) -> Result<SetupSession, Error> {
        let row = self.shared.reader().await?.setup(id).await?;
        let row = row.filter(|row| *row.owner == *self.owner).ok_or(Error::SessionNotFound(id))?;
        let slot = self.shared.slot(&row)?;
        self.shared.kinds.entry(&slot.kind).ok_or_else(|| Error::UnknownKind(slot.kind.clone()))?;
        let waits_at = match run::waiting(&self.shared, &slot).await {
            Ok((waiting, _)) => waiting.filter(|waiting| waiting.seq.is_some()).map(|waiting| waiting.no),
            // A step that does not open is made anew by the run, from what the journal holds.
            Err(Error::Sealed { .. }) => None,
            Err(error) => return Err(error),
        };
        offline::forget(&self.shared, &slot).await?;
        // A run that is busy shows what there is to see.
        if slot.is_at_rest() {
            slot.resumed(waits_at);
        }
        run::spawn(&self.shared, &slot);
        Ok(SetupSession::at(&self.shared, slot))
    }

    /// Goes on with every session that waits, of all owners, and says with how many: what waited for a time in a process
    /// that is gone is woken by this one, and what waits for a network asks again. For a host that starts and is there to
    /// stay. One that cannot be resumed is logged and left as it is.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn resume_setups(&self) -> Result<usize, Error> {
        let rows = self.shared.reader().await?.waiting_setups(self.shared.clock.now().seconds()).await?;
        let mut resumed = 0;
        for row in rows {
            let registry = Self { shared: self.shared.clone(), owner: row.owner.into() };
            match registry.resume_setup(row.id).await {
                Ok(_) => resumed += 1,
                Err(error) => tracing::warn!(session = %row.id, code = error.code(), "a setup cannot be resumed"),
            }
        }
        Ok(resumed)
    }

    /// A handle at a session without resuming it: one that waits for better times is left waiting. For a page that looks
    /// again and again.
    ///
    /// # Errors
    ///
    /// As [`resume_setup`](Self::resume_setup).
    pub async fn setup(&self, id: SessionId) -> Result<SetupSession, Error> {
        let row = self.shared.reader().await?.setup(id).await?;
        let row = row.filter(|row| *row.owner == *self.owner).ok_or(Error::SessionNotFound(id))?;
        let slot = self.shared.slot(&row)?;
        follow::look(&self.shared, &slot, &mut None).await?;
        Ok(SetupSession::at(&self.shared, slot))
    }

    /// The sessions of this owner that have not ended, oldest first.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn setups(&self) -> Result<Vec<SetupInfo>, Error> {
        purge(&self.shared).await?;
        let rows = self.shared.reader().await?.list_setups(&self.owner).await?;
        let mut setups = Vec::new();
        for row in &rows {
            setups.extend(info(&self.shared, row).await?);
        }
        Ok(setups)
    }
}

/// A row whose kind is no kind was written by nobody; it is left out of lists and harms nothing. What may open in a moment
/// is an error: nothing false is said of what the session is for.
async fn info(shared: &Shared, row: &SetupRow) -> Result<Option<SetupInfo>, Error> {
    let Some(kind) = Kind::parse(&row.kind) else { return Ok(None) };
    let place = place(&row.id, &row.owner, &kind, "connection_setup", "sealed_header", 0);
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
    Ok(Some(SetupInfo {
        id: row.id,
        kind,
        reauthorizes: matches!(purpose, Some(Purpose::Reauthorize { .. })).then_some(row.connection_id),
        stage: if row.state == SetupState::Waiting { SetupStage::Waiting } else { SetupStage::Running },
        step: run::step_no(row.step_seq),
        created_at: Timestamp::from_seconds(row.created_at),
        expires_at: Timestamp::from_seconds(row.expires_at),
    }))
}

/// Goes on with a session that no process holds, unless this one is at it.
pub(crate) fn take_over(shared: &Arc<Shared>, row: &SetupRow) {
    let Ok(slot) = shared.slot(row) else { return };
    if shared.kinds.entry(&slot.kind).is_some() && slot.is_at_rest() {
        tracing::info!(session = %slot.id, kind = %slot.kind, "a setup whose run was lost goes on");
        run::spawn(shared, &slot);
    }
}

/// Sessions that nobody went on with end here, and those that ended long ago are forgotten.
async fn purge(shared: &Arc<Shared>) -> Result<(), Error> {
    let now = shared.clock.now().seconds();
    let expired = shared.store.write_relaxed(move |tx| Box::pin(async move { tx.purge_setups(now).await })).await?;
    end_expired(shared, expired).await
}

async fn end_expired(shared: &Arc<Shared>, expired: Vec<SessionId>) -> Result<(), Error> {
    for id in expired {
        let row = match shared.reader().await?.setup(id).await {
            // Nobody can go on with it either.
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

impl Shared {
    /// What this process keeps of a session, made when there is nothing yet.
    pub(super) fn slot(&self, row: &SetupRow) -> Result<Arc<Slot>, Error> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = sessions.get(&row.id).and_then(std::sync::Weak::upgrade) {
            return Ok(slot);
        }
        sessions.retain(|_, slot| slot.strong_count() > 0);
        let kind = Kind::parse(&row.kind).ok_or(Error::SessionNotFound(row.id))?;
        let slot = Arc::new(Slot::new(row.id, row.owner.clone(), kind));
        sessions.insert(row.id, Arc::downgrade(&slot));
        Ok(slot)
    }
}
