//! Begins setup sessions, continues those whose run was lost, and ends those that have expired.

use std::{future::IntoFuture, sync::Arc};

use connection_contract::{BoxFuture, Crypto, DisplayText, Kind, Origin, Secret};

use super::{
    SetupSession, System,
    codec::{Header, Purpose},
    options::{SetupOptions, choices},
    row::SESSION_LIFE,
    run,
    session::Ephemeral,
};
use crate::{
    ConnectionId, Error, ProfileId, SessionId, StoreError, Tags,
    ground::{OwnedScope, Scope},
    profile_rows::{self, UsedProfile},
    store::{
        Lock, SETUP_HEADER,
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
    options: SetupOptions,
    profile: Option<ProfileId>,
    tags: Tags,
}

impl BeginSetup {
    choices!();

    pub(super) fn new(scope: Scope<'_, System>, kind: &Kind) -> Self {
        Self {
            scope: scope.owned(),
            kind: kind.clone(),
            label: None,
            again: false,
            alone: false,
            options: Default::default(),
            profile: None,
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

    /// Connects the account for this profile of the kind's tool. Without one, the default profile is used if the kind
    /// has profiles.
    pub fn profile(mut self, id: ProfileId) -> Self {
        self.profile = Some(id);
        self
    }

    async fn begin(self) -> Result<SetupSession, Error> {
        let Self { scope, kind, label, again, alone, options, profile, tags } = self;
        let system = &scope.system;
        let owner = &scope.owner;
        let entry = system.ground.kind(owner, &kind).await?;
        // Once a kind that serves every owner connects the provider, it alone is offered for a new account.
        if entry.descriptor.extension.is_some() && system.ground.kinds.connects(&entry.descriptor.provider) {
            return Err(Error::UnknownKind(kind));
        }
        let profile = profile_rows::setup_profile(&system.ground, owner, &kind, profile).await?;
        let extension = match &options.extension {
            Some(extension) => extension.for_setup(owner, &kind).await?,
            None => None,
        };
        let label = label.map(|label| label.as_str().trim().to_owned()).filter(|label| !label.is_empty());
        if let Some(label) = &label {
            let taken = system.ground.reader().await?.account_by_label(owner, kind.as_str(), label).await?;
            if taken.is_some() {
                return Err(Error::LabelTaken { kind, label: label.clone() });
            }
        }
        let connection = ConnectionId::from(system.ground.ids.next());
        let purpose = Purpose::Connect { label, again, alone, extension, tags };
        begin(scope.as_scope(), &kind, connection, purpose, options, profile).await
    }
}

/// Stores a session, then runs it. A session that re-authorizes is refused if its connection does not exist.
pub(super) async fn begin(
    scope: Scope<'_, System>,
    kind: &Kind,
    connection_id: ConnectionId,
    purpose: Purpose,
    options: SetupOptions,
    profile: Option<UsedProfile>,
) -> Result<SetupSession, Error> {
    let system = scope.system;
    let entry = system.ground.kind(scope.owner, kind).await?;
    let kind_terms = entry.terms_digest().map(<[u8]>::to_vec);
    let mut seed = [0; 32];
    system.ground.crypto.random(&mut seed);
    let is_new = matches!(purpose, Purpose::Connect { .. });
    let SetupOptions { ephemeral, browser, led, confirm, answerer, .. } = options;
    let browser = browser.map(|proof| system.browser_hash(&proof));
    let led = led && browser.is_none();
    let seed = Secret::new(seed);
    let connection = Some(connection_id);
    let header = Header { seed, purpose, connection, browser, led, confirm, profile, kind_terms, answerer };
    let id = SessionId::from(system.ground.ids.next());
    let cell = SETUP_HEADER.at(id.as_uuid(), 0, scope.owner, kind.as_str());
    let sealed = system.ground.seal(&cell, header.encode().expose()).await?;
    let now = system.ground.clock.now();
    let row = SetupRow {
        id,
        owner: scope.owner.to_owned(),
        kind: kind.to_string(),
        connection_id,
        state: SetupState::Running,
        step_seq: 0,
        sealed_header: Some(sealed),
        sealed_step: None,
        expires_at: now.after(SESSION_LIFE).seconds(),
        created_at: now.seconds(),
    };
    let slot = system.slot(&row)?;
    let most = system.max_setups;
    // The write may be relaxed, because the session holds no input yet. The next durable commit for the session takes
    // this one to the disk.
    let stored = system.ground.store.write_relaxed(move |tx| {
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
            tx.made(&row.id.to_string()).await.map(Ok)
        })
    });
    stored.await??;
    tracing::info!(session = %id, %kind, "setup begun");
    run::spawn(system, &slot);
    let keep = || Arc::new(Ephemeral { system: system.clone(), slot: slot.clone() });
    let ephemeral = ephemeral.then(keep);
    Ok(SetupSession { ephemeral, ..SetupSession::at(system, slot) })
}

impl IntoFuture for BeginSetup {
    type Output = Result<SetupSession, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.begin())
    }
}

/// Runs a session that no process holds, unless this process runs it.
///
/// # Errors
///
/// The store's errors.
pub(crate) async fn take_over(system: &Arc<System>, row: &SetupRow) -> Result<(), Error> {
    let Ok(slot) = system.slot(row) else { return Ok(()) };
    if slot.is_at_rest() && system.ground.find_kind(&slot.owner, &slot.kind).await?.is_some() {
        tracing::info!(session = %slot.id, kind = %slot.kind, "a setup whose run was lost continues");
        run::spawn(system, &slot);
    }
    Ok(())
}

/// Ends at most `limit` open sessions that have expired, the oldest first. Returns the number that was found.
///
/// # Errors
///
/// The store's errors.
pub(crate) async fn end_expired(system: &Arc<System>, limit: i64) -> Result<u64, Error> {
    let now = system.ground.clock.now().seconds();
    let expired = system.ground.reader().await?.expired_setups(now, limit).await?;
    let found = expired.len() as u64;
    for id in expired {
        let row = match system.ground.reader().await?.setup(id).await {
            // A session whose row cannot be read cannot be resumed either.
            Err(StoreError::Corrupt { .. }) => {
                tracing::warn!(session = %id, "the row of a setup cannot be read");
                continue;
            }
            row => row?,
        };
        if let Some(slot) = row.as_ref().and_then(|row| system.slot(row).ok()) {
            run::expire(system, &slot).await?;
        }
    }
    Ok(found)
}
