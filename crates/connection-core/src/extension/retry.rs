//! Resumes an extension that stopped because it lacked a connection, by a ticket that outlives the process.

use connection_contract::{AuthType, BoxFuture, SetupFailure};

use super::{ExtensionHandle, HandOffError, HandedOff};
pub use crate::ids::RetryTicket;
use crate::{
    ConnectionStatus, Error, ExtensionError, Outcome, ResolvedConnection, SessionId, Setups, limits,
    store::{
        carrying,
        rows::{SetupState, TicketRow},
    },
};

/// The outcome of a settings hand-off.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RetryOutcome {
    /// The connection is ready, and the extension continues with the command.
    Connected {
        /// The requirement with its current state.
        resolved: ResolvedConnection,
        /// The command that the extension runs again; `None` if the hand-off named none.
        command: Option<String>,
    },
    /// The connection exists, but no person has granted the extension every secret that it declares.
    NotGranted(ResolvedConnection),
    /// The setup that was begun ended without a connection.
    SetupFailed(SetupFailure),
    /// The person has not finished yet.
    StillMissing(ResolvedConnection),
}

impl ExtensionHandle {
    /// Returns the outcome of the settings hand-off for which the ticket was given, in any process. A ticket can be
    /// used repeatedly. It is deleted after thirty days, and with its extension.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::UnknownTicket`] for a ticket that this extension was not given, and the store's errors.
    pub fn retry(&self, ticket: RetryTicket) -> BoxFuture<'_, Result<RetryOutcome, Error>> {
        Box::pin(async move {
            let oldest = self.scope.system.ground.clock.now().seconds().saturating_sub(limits::TICKET_KEPT);
            let mut reader = self.scope.system.ground.reader().await?;
            let found = reader.ticket(&self.scope.owner, self.name(), ticket.as_uuid(), oldest).await?;
            drop(reader);
            let unknown = || ExtensionError::UnknownTicket { extension: self.label() };
            let (command, session) = found.ok_or_else(unknown)?;
            let resolved = self.requirement_view().await?;
            if resolved.status == ConnectionStatus::Connected {
                if !resolved.is_granted && self.requirement().auth.auth != AuthType::None {
                    return Ok(RetryOutcome::NotGranted(resolved));
                }
                let command = Some(command).filter(|command| !command.is_empty());
                return Ok(RetryOutcome::Connected { resolved, command });
            }
            let failure = match session {
                Some(session) => self.failure(session).await?,
                None => None,
            };
            Ok(failure.map_or_else(|| RetryOutcome::StillMissing(resolved), RetryOutcome::SetupFailed))
        })
    }

    /// Returns why the setup ended without a connection, if it did and still exists.
    async fn failure(&self, session: SessionId) -> Result<Option<SetupFailure>, Error> {
        let row = self.scope.system.ground.reader().await?.setup(session).await?;
        let now = self.scope.system.ground.clock.now().seconds();
        let Some(row) = row.filter(|row| *row.owner == *self.scope.owner && row.is_kept(now)) else { return Ok(None) };
        match row.state {
            SetupState::Cancelled => Ok(Some(SetupFailure::new("setup_cancelled", "the setup was cancelled"))),
            SetupState::Failed => match Setups::new(self.scope.as_scope().on(&self.scope.system.connection.setup))
                .get(session)
                .await?
                .terminal()
                .await?
            {
                Outcome::Failed(failure) => Ok(Some(failure)),
                _ => Ok(None),
            },
            SetupState::Done | SetupState::Running | SetupState::Waiting => Ok(None),
        }
    }

    /// Stores the ticket, then lets the host open its settings, then stores the setup that the host began. A process
    /// that ends in between leaves no opened settings without a ticket.
    pub(super) async fn ticket(
        &self,
        command: Option<&str>,
        open: impl Future<Output = Result<HandedOff, HandOffError>>,
    ) -> Result<RetryTicket, Error> {
        let system = &self.scope.system;
        let now = system.ground.clock.now().seconds();
        let row = TicketRow {
            id: system.ground.ids.next(),
            owner: self.scope.owner.to_string(),
            extension: self.name().to_owned(),
            command: command.unwrap_or_default().to_owned(),
            session_id: None,
            created_at: now,
        };
        let id = row.id;
        let written = system.ground.store.write(move |tx| {
            Box::pin(async move {
                tx.insert_ticket(&row).await?;
                tx.made(&RetryTicket::from(id).to_string()).await
            })
        });
        written.await?;
        // Nothing that the host makes meanwhile belongs to the request.
        match carrying(None, open).await {
            Ok(HandedOff { session: None }) => {}
            Ok(HandedOff { session: Some(session) }) => {
                system
                    .ground
                    .store
                    .write(move |tx| Box::pin(async move { tx.set_ticket_session(id, session).await }))
                    .await?;
            }
            Err(error) => {
                // Nobody has this ticket. If it cannot be deleted here, it is deleted by its age.
                let gone = system.ground.store.write(move |tx| {
                    Box::pin(async move {
                        tx.delete_ticket(id).await?;
                        tx.unmade().await
                    })
                });
                if let Err(gone) = gone.await {
                    tracing::debug!(
                        code = Error::from(gone).code(),
                        "an unused ticket cannot be deleted now and stays until it expires"
                    );
                }
                let why = error.to_string().into();
                return Err(ExtensionError::HandOff { extension: self.label(), why }.into());
            }
        }
        Ok(RetryTicket::from(id))
    }
}
