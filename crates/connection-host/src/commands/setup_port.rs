//! The operations on a setup that a dialogue needs. The setup is in the local store or on a server.

use connection_api::Connection;
use connection_contract::{Kind, Secret, SetupFailure};
use connection_core::{AdvanceError, ConnectionId, ConnectionRegistry, Outcome, SetupSession, SetupStep, StepNo};
use connection_server::convert::{self, is_redirect_registered_by_person};

use super::own_kinds::KindsInForce;
use crate::{
    Error,
    inbound::{self, Endpoint, GivenAddress},
    kind_entry::KindEntry,
    program::Program,
};

/// A step and its number; `None` after the setup was cancelled.
pub(super) type NextStep = Option<(StepNo, SetupStep)>;

/// The result of handing the answers of a person to a setup.
pub(super) enum Advanced {
    /// The setup took the answers, and has a next step.
    Taken,
    /// Another way was faster; its result is the next step.
    Elsewhere,
    /// The answers to these fields are malformed.
    Invalid { fields: Vec<String>, error: Error },
}

pub(super) enum SetupEnd {
    Cancelled,
    Done(Box<Connection>),
    Failed(SetupFailure),
}

/// A setup that a dialogue conducts.
#[async_trait::async_trait(?Send)]
pub(super) trait SetupPort {
    fn id(&self) -> String;

    fn kind(&self) -> &Kind;

    /// Returns the next step that this handle has not returned yet.
    async fn next_step(&self) -> Result<NextStep, Error>;

    /// Answers a step, or confirms the account that it shows.
    async fn advance(&self, number: StepNo, answers: &[(String, Secret)]) -> Result<Advanced, Error>;

    /// Cancels the setup, unless it has ended.
    async fn cancel(&self) -> Result<(), Error>;

    /// Waits for the end of the setup.
    async fn end(&self) -> Result<SetupEnd, Error>;

    /// Returns the connection whose credential stays in use until this setup has replaced it.
    async fn reauthorized(&self) -> Result<Option<Connection>, Error>;

    /// Returns the redirect address that a person registers for an application, unless the plugin shows it.
    fn to_register(&self, kind: &KindEntry) -> Option<String>;

    /// Returns the redirect address that the setup received.
    fn given(&self) -> GivenAddress;

    /// Returns the address that leads any browser to the provider, if it is another one than that of the step.
    async fn start_address(&self) -> Result<Option<String>, Error>;

    /// Returns the address that leads a browser which this command opens to the provider, if it is another one than
    /// that of the step.
    async fn local_start_address(&self) -> Result<Option<String>, Error>;

    /// Waits until a browser that has returned has loaded the result.
    async fn settle(&self);
}

/// A setup in the local store.
pub(super) struct LocalSetup<'a> {
    program: &'a Program,
    registry: &'a ConnectionRegistry,
    endpoint: &'a Endpoint,
    session: SetupSession,
}

impl<'a> LocalSetup<'a> {
    pub(super) fn new(
        program: &'a Program,
        registry: &'a ConnectionRegistry,
        endpoint: &'a Endpoint,
        session: SetupSession,
    ) -> Self {
        Self { program, registry, endpoint, session }
    }

    pub(super) fn session(&self) -> &SetupSession {
        &self.session
    }

    async fn connection(&self, id: ConnectionId) -> Result<Connection, Error> {
        let connection = self.registry.connection(id).await?;
        Ok(convert::connection(connection.info(), self.program.output.now))
    }

    /// Puts the files of kinds in force as they are now, so that a setup whose kind has changed ends with that reason.
    async fn look_at_kinds(&self) {
        if let Some(mut kinds) = KindsInForce::new(self.program, self.registry) {
            kinds.look().await;
        }
    }
}

#[async_trait::async_trait(?Send)]
impl SetupPort for LocalSetup<'_> {
    fn id(&self) -> String {
        self.session.id().to_string()
    }

    fn kind(&self) -> &Kind {
        self.session.kind()
    }

    async fn next_step(&self) -> Result<NextStep, Error> {
        Ok(self.session.next_step().await?)
    }

    async fn advance(&self, number: StepNo, answers: &[(String, Secret)]) -> Result<Advanced, Error> {
        self.look_at_kinds().await;
        match self.session.advance(number, answers).await {
            Ok(()) => Ok(Advanced::Taken),
            Err(AdvanceError::Ended | AdvanceError::NoPrompt | AdvanceError::WrongStep { .. }) => {
                Ok(Advanced::Elsewhere)
            }
            Err(AdvanceError::Invalid(problems)) => {
                let fields = problems.iter().map(|problem| problem.field.to_string()).collect();
                Ok(Advanced::Invalid { fields, error: AdvanceError::Invalid(problems).into() })
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn cancel(&self) -> Result<(), Error> {
        Ok(self.session.cancel().await?)
    }

    async fn end(&self) -> Result<SetupEnd, Error> {
        Ok(match self.session.terminal().await? {
            Outcome::Cancelled => SetupEnd::Cancelled,
            Outcome::Done(done) => SetupEnd::Done(Box::new(self.connection(done.connection).await?)),
            Outcome::Failed(failure) => SetupEnd::Failed(failure),
        })
    }

    async fn reauthorized(&self) -> Result<Option<Connection>, Error> {
        match self.session.info().await?.and_then(|setup| setup.reauthorizes) {
            Some(id) => Ok(Some(self.connection(id).await?)),
            None => Ok(None),
        }
    }

    fn to_register(&self, kind: &KindEntry) -> Option<String> {
        let settings = &self.program.settings;
        // The plugin shows this only on a desktop: on other hosts, the person who registers the application does not
        // see these pages.
        let is_told = settings.inbound.public_url.is_some() && is_redirect_registered_by_person(&kind.descriptor);
        is_told.then(|| inbound::to_register(settings, self.kind()))
    }

    fn given(&self) -> GivenAddress {
        self.endpoint.given()
    }

    async fn start_address(&self) -> Result<Option<String>, Error> {
        Ok(self.session.start_address().await?)
    }

    async fn local_start_address(&self) -> Result<Option<String>, Error> {
        Ok(self.session.local_start_address().await?)
    }

    async fn settle(&self) {
        self.endpoint.settle().await;
    }
}
