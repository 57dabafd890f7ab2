//! The face of setups: begins, resumes and lists sessions, and delivers to them what a browser brought.

use connection_contract::{BoxFuture, Kind};
use uuid::Uuid;

use super::{BeginSetup, OpenSetup, SetupInfo, SetupSession, System, follow, info, offline, open_setup, run};
use crate::{Cursor, Error, Page, SessionId, ground::Scope, page::one_more, store::rows::SetupRow};

/// The setups of one owner: sessions that make a connection, step by step, and survive the end of the process.
///
/// [`begin`](Self::begin) creates a session, and [`resume`](Self::resume) continues one that another process began.
/// [`deliver`](Self::deliver), [`delivered`](Self::delivered) and [`open_start_address`](Self::open_start_address) are for a host that receives
/// callbacks itself: they find the session by what the browser brought, whichever owner it has.
///
/// # Examples
///
/// A host shows each step, returns the answers of the person, and gets the id of the connection at the end:
///
/// ```
/// use connection_contract::{Kind, Secret};
/// use connection_core::{ConnectionId, ConnectionRegistry, Error, Outcome, SetupStep};
///
/// async fn connect(registry: &ConnectionRegistry, token: Secret) -> Result<Option<ConnectionId>, Error> {
///     let session = registry.setups().begin(&Kind::from_static("acme")).label("work").await?;
///     while let Some((number, step)) = session.next_step().await? {
///         match step {
///             SetupStep::Prompt { fields, .. } => {
///                 let answer = |name: &str| (name.to_owned(), token.duplicate());
///                 let answers: Vec<_> = fields.iter().map(|field| answer(&field.name)).collect();
///                 // An answer that does not fit its field is refused, and the step can be answered again.
///                 if session.advance(number, &answers).await.is_err() {
///                     session.cancel().await?;
///                 }
///             }
///             SetupStep::Done { .. } | SetupStep::Failed(_) => break,
///             // A program with a user interface shows the notices.
///             SetupStep::Notice { .. } => {}
///             // It also opens the browser, and asks whether the account is the right one.
///             SetupStep::Redirect { .. } | SetupStep::Confirm { .. } => session.cancel().await?,
///         }
///     }
///     match session.terminal().await? {
///         Outcome::Done(done) => Ok(Some(done.connection)),
///         _ => Ok(None),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Setups<'a> {
    pub(super) scope: Scope<'a, System>,
}

impl<'a> Setups<'a> {
    pub(crate) fn new(scope: Scope<'a, System>) -> Self {
        Self { scope }
    }

    /// Begins a setup when the result is awaited.
    ///
    /// The session is stored before the plugin runs, and outlives this process. Until an effect of it is recorded,
    /// such as an answer, a power failure may lose it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], [`Error::LabelTaken`], [`Error::Profile`] for a profile that does not exist,
    /// [`Error::TooManySetups`], and the store's.
    pub fn begin(self, kind: &Kind) -> BeginSetup {
        BeginSetup::new(self.scope, kind)
    }

    /// Resumes a session, including one that another process began or lost. A session that has ended returns its
    /// outcome for a while.
    ///
    /// # Repetition
    ///
    /// A session may have any number of handles.
    ///
    /// # Errors
    ///
    /// [`Error::SessionNotFound`], [`Error::UnknownKind`] if the plugin is no longer registered, and the store's.
    pub fn resume(self, id: SessionId) -> BoxFuture<'a, Result<SetupSession, Error>> {
        Box::pin(async move {
            let system = self.scope.system;
            let row = self.own_row(id, system.ground.reader().await?.setup(id).await?)?;
            let slot = system.slot(&row)?;
            system.ground.kind(&slot.owner, &slot.kind).await?;
            let waits_at = match run::waiting(system, &slot).await {
                Ok((waiting, _)) => waiting.filter(|waiting| waiting.seq.is_some()).map(|waiting| waiting.no),
                // A step that does not open is made again by the run, from the journal.
                Err(Error::Sealed { .. }) => None,
                Err(error) => return Err(error),
            };
            offline::forget(system, &slot).await?;
            // A run that is in progress shows the current step itself.
            if slot.is_at_rest() {
                slot.resumed(waits_at);
            }
            run::spawn(system, &slot);
            Ok(SetupSession::at(system, slot))
        })
    }

    /// Resumes every waiting session of every owner, and returns how many were resumed.
    ///
    /// A host that stays running calls this when it starts: sessions that waited for a time in a process that is gone
    /// are woken by this one, and sessions that wait for the network ask again. A session that cannot be resumed is
    /// logged and left as it is.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn resume_all(self) -> BoxFuture<'a, Result<usize, Error>> {
        Box::pin(async move {
            let system = self.scope.system;
            let rows = system.ground.reader().await?.waiting_setups(system.ground.clock.now().seconds()).await?;
            let mut resumed = 0;
            for row in rows {
                let setups = Setups { scope: Scope { system, owner: &row.owner } };
                match setups.resume(row.id).await {
                    Ok(_) => resumed += 1,
                    Err(error) => tracing::warn!(session = %row.id, code = error.code(), "a setup cannot be resumed"),
                }
            }
            Ok(resumed)
        })
    }

    /// Returns a handle of a session without resuming it: a session that waits for the network is left waiting. This
    /// is for a page that polls.
    ///
    /// # Errors
    ///
    /// The same as [`resume`](Self::resume).
    pub fn get(self, id: SessionId) -> BoxFuture<'a, Result<SetupSession, Error>> {
        Box::pin(async move {
            let system = self.scope.system;
            let row = self.own_row(id, system.ground.reader().await?.setup(id).await?)?;
            let slot = system.slot(&row)?;
            follow::look(system, &slot, row).await?;
            Ok(SetupSession::at(system, slot))
        })
    }

    /// Returns a handle of a session as [`get`](Self::get) does, with the session as a host shows it, or `None` for a
    /// session that has ended.
    ///
    /// It is read by one statement, however many other sessions are open.
    ///
    /// # Errors
    ///
    /// The same as [`resume`](Self::resume).
    pub fn read(self, id: SessionId) -> BoxFuture<'a, Result<(SetupSession, Option<OpenSetup>), Error>> {
        Box::pin(async move {
            let system = self.scope.system;
            let rows = system.ground.reader().await?.setup_and_effects(id).await?;
            let (row, effects) = rows.ok_or(Error::SessionNotFound(id))?;
            let row = self.own_row(id, Some(row))?;
            let slot = system.slot(&row)?;
            let read = open_setup::of(system, &slot, &row, &effects).await?;
            follow::look(system, &slot, row).await?;
            Ok((SetupSession::at(system, slot), read))
        })
    }

    /// Returns all sessions of this owner that have neither ended nor expired, as [`page`](Self::page) does.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn list(self) -> BoxFuture<'a, Result<Vec<SetupInfo>, Error>> {
        Box::pin(async move { Ok(self.page(None, None).await?.items) })
    }

    /// Returns a page of the sessions of this owner that have neither ended nor expired, oldest first.
    ///
    /// A session that cannot be opened is in the list, with a [`reason`](SetupInfo::reason) that says so.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`], and the store's.
    pub fn page(self, after: Option<Cursor>, limit: Option<u32>) -> BoxFuture<'a, Result<Page<SetupInfo>, Error>> {
        Box::pin(async move {
            let after = after.as_ref().map(Cursor::position).transpose()?.map_or(Uuid::nil(), SessionId::as_uuid);
            let system = self.scope.system;
            let now = system.ground.clock.now().seconds();
            let rows = system.ground.reader().await?.list_setups(self.scope.owner, now, after, one_more(limit)).await?;
            let rows = Page::of(rows, limit, |(id, _)| *id);
            let mut items = Vec::new();
            for row in rows.items.iter().filter_map(|(_, row)| row.as_ref()).filter(|row| info::is_listed(system, row))
            {
                items.push(info::info(system, row).await);
            }
            Ok(Page { items, next: rows.next })
        })
    }

    /// Returns the row of a session, if it belongs to this owner and counts as there.
    fn own_row(self, id: SessionId, row: Option<SetupRow>) -> Result<SetupRow, Error> {
        let now = self.scope.system.ground.clock.now().seconds();
        row.filter(|row| *row.owner == *self.scope.owner && row.is_kept(now)).ok_or(Error::SessionNotFound(id))
    }
}
