//! An open session as it is listed. A session that cannot be opened is listed with the reason, and hides no other one.

use connection_contract::{BoxFuture, Kind, Reason, Timestamp};

use super::{
    SetupSession, StepNo, System,
    codec::{Header, Purpose, Waiting},
    row::{self, is_open, step_no},
};
use crate::{
    ConnectionId, Error, SessionId,
    ground::UNREADABLE,
    store::{
        SETUP_HEADER, SETUP_STEP,
        rows::{SetupRow, SetupState},
    },
};

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
    /// The reason why the session waits until it is resumed, such as a provider that asks to wait, or why it cannot be
    /// opened: `setup_unreadable` if its stored data is damaged, and `sealed_unreadable` if this process lacks the key.
    /// It is then unknown what the session authorizes again, and for which extension. `None` if the session needs an
    /// answer, a callback or a time.
    pub reason: Option<Reason>,
    /// Number of the current or last step.
    pub step: StepNo,
    /// Time at which the session was begun.
    pub created_at: Timestamp,
    /// Time at which the session expires if it gets no input.
    pub expires_at: Timestamp,
}

impl SetupSession {
    /// Returns this session as it is listed, or `None` after its end.
    ///
    /// It is read by one statement, however many other sessions are open.
    ///
    /// # Errors
    ///
    /// The store's.
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_core::{ConnectionId, Error, SetupSession};
    ///
    /// async fn reauthorizes(session: &SetupSession) -> Result<Option<ConnectionId>, Error> {
    ///     Ok(session.info().await?.and_then(|info| info.reauthorizes))
    /// }
    /// ```
    pub fn info(&self) -> BoxFuture<'_, Result<Option<SetupInfo>, Error>> {
        Box::pin(async move {
            let row = self.system.ground.reader().await?.setup(self.slot.id).await?;
            let row = row.filter(|row| *row.owner == *self.slot.owner && is_listed(&self.system, row));
            Ok(match row {
                Some(row) => Some(info(&self.system, &row).await),
                None => None,
            })
        })
    }
}

/// Returns `true` for a session that has neither ended nor expired.
pub(super) fn is_listed(system: &System, row: &SetupRow) -> bool {
    is_open(row.state) && row.expires_at > system.ground.clock.now().seconds()
}

/// Returns an open session as it is listed. A session that cannot be opened has a reason that says so.
pub(super) async fn info(system: &System, row: &SetupRow) -> SetupInfo {
    let (purpose, unreadable) = match header(system, row).await {
        Ok(Some(header)) => (Some(header.purpose), None),
        Ok(None) => (None, Some(unreadable())),
        Err(error) => (None, Some(not_opened(&error))),
    };
    let (is_again, extension) = match purpose {
        Some(Purpose::Connect { extension, .. }) => (false, extension),
        Some(Purpose::Reauthorize { extension, .. }) => (true, extension),
        None => (false, None),
    };
    let reason = match unreadable {
        None => waits_for(system, row).await,
        unreadable => unreadable,
    };
    SetupInfo {
        id: row.id,
        kind: Kind::parse(&row.kind).unwrap_or(UNREADABLE),
        reauthorizes: is_again.then_some(row.connection_id),
        extension: extension.map(|extension| extension.name),
        stage: if row.state == SetupState::Waiting { SetupStage::Waiting } else { SetupStage::Running },
        reason,
        step: step_no(row.step_seq),
        created_at: Timestamp::from_seconds(row.created_at),
        expires_at: Timestamp::from_seconds(row.expires_at),
    }
}

/// Returns the header of a session; `None` for one that can never be opened, or that is not of this row.
///
/// # Errors
///
/// [`Error::Sealed`] for a header that may open later.
async fn header(system: &System, row: &SetupRow) -> Result<Option<Header>, Error> {
    let Some(sealed) = &row.sealed_header else { return Ok(None) };
    let cell = SETUP_HEADER.at(row.id.as_uuid(), 0, &row.owner, &row.kind);
    let opened = system.ground.open_or_lost(&cell, sealed).await?;
    let header = opened.and_then(|bytes| Header::decode(bytes.expose()));
    Ok(header.filter(|header| header.connection.is_none_or(|id| id == row.connection_id)))
}

/// Returns the reason to show for a session that ends at its next run, because its header never opens.
fn unreadable() -> Reason {
    let failure = row::unreadable("header");
    let reason = Reason::new(failure.code, failure.message);
    failure.remedy.into_iter().fold(reason, Reason::remedy)
}

/// Returns the reason to show for a session whose header may open later.
fn not_opened(error: &Error) -> Reason {
    let reason = Reason::new(error.code(), error.to_string());
    error.remedy().into_iter().fold(reason, Reason::remedy)
}

/// Returns the reason why a session waits until it is resumed. A step that does not open is made again when it is
/// resumed, so it has none.
async fn waits_for(system: &System, row: &SetupRow) -> Option<Reason> {
    let sealed = row.sealed_step.as_ref().filter(|_| row.state == SetupState::Waiting)?;
    let cell = SETUP_STEP.at(row.id.as_uuid(), row.step_seq, &row.owner, &row.kind);
    let bytes = system.ground.open(&cell, sealed).await.ok()?;
    Some(Waiting::decode(bytes.expose())?.paused?.reason)
}
