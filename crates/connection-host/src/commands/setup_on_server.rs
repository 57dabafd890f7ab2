//! A setup on a server, which its API shows state by state.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_api::Connection;
use connection_client::{Client, Error as ClientError, Setup, SetupState};
use connection_contract::{Kind, Secret};
use connection_core::{Backoff, Clock as _, StepNo, SystemClock};
use connection_server::convert::is_redirect_registered_by_person;
use secrecy::SecretString;

use super::{
    setup_port::{Advanced, NextStep, SetupEnd, SetupPort},
    setup_steps::{self, SetupProgress},
};
use crate::{Error, Exit, backend::unreadable, common::Common, inbound::GivenAddress, kind_entry::KindEntry};

/// The pauses after which a request is sent again while the server cannot be reached, such as during a restart.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(15));
/// The number of times that a request is sent again.
const MAX_REPETITIONS: u32 = 5;
/// The longest pause that the server may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// A setup on a server.
pub(super) struct RemoteSetup<'a> {
    client: &'a Client,
    kind: &'a KindEntry,
    id: String,
    last: Mutex<Last>,
}

/// The state that was read last.
struct Last {
    setup: Setup,
    /// `true` if the dialogue has seen it.
    is_seen: bool,
}

impl<'a> RemoteSetup<'a> {
    /// Returns a setup of a kind that the command has learned.
    pub(super) fn new(client: &'a Client, common: &'a Common, setup: Setup) -> Result<Self, Error> {
        let kind = common.kinds.iter().find(|known| known.descriptor.kind.as_str() == setup.kind);
        let kind = kind.ok_or_else(|| unreadable("a setup of another kind"))?;
        let id = setup.id.clone();
        Ok(Self { client, kind, id, last: Mutex::new(Last { setup, is_seen: false }) })
    }

    /// Locks the state. No code under the lock leaves it inconsistent.
    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a state that was read.
    fn read(&self, setup: Setup) {
        let mut last = self.last();
        let is_seen = last.is_seen && last.setup.cursor == setup.cursor;
        *last = Last { setup, is_seen };
    }

    /// Returns the state that was read last, and whether the dialogue has seen it.
    fn current(&self) -> (Setup, bool) {
        let last = self.last();
        (last.setup.clone(), last.is_seen)
    }
}

/// Sends a request that is safe to repeat, again while the server cannot be reached.
async fn patiently<T>(ask: impl AsyncFn() -> Result<T, ClientError>) -> Result<T, ClientError> {
    for failures in 1..=MAX_REPETITIONS {
        match ask().await {
            Err(error) if error.is_temporary() => {
                let pause = PAUSES.after(failures);
                let asked_pause = error.retry_after().map_or(pause, Duration::from_secs);
                SystemClock::new().sleep(asked_pause.clamp(pause, MAX_PAUSE)).await;
            }
            answer => return answer,
        }
    }
    ask().await
}

#[async_trait::async_trait(?Send)]
impl SetupPort for RemoteSetup<'_> {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn kind(&self) -> &Kind {
        &self.kind.descriptor.kind
    }

    async fn next_step(&self) -> Result<NextStep, Error> {
        loop {
            let (setup, is_seen) = self.current();
            if !is_seen {
                match setup_steps::setup_state(&setup.state, self.kind)? {
                    SetupProgress::Working => {}
                    SetupProgress::Cancelled => return Ok(None),
                    SetupProgress::Step(step) => {
                        self.last().is_seen = true;
                        return Ok(Some((setup.step.unwrap_or_default(), step)));
                    }
                }
            }
            self.read(patiently(async || self.client.next_setup(&setup).await).await?);
        }
    }

    async fn advance(&self, number: StepNo, answers: &[(String, Secret)]) -> Result<Advanced, Error> {
        let (setup, _) = self.current();
        let text = |(name, value): &(String, Secret)| match value.expose_str() {
            Some(text) => Ok((name.clone(), SecretString::from(text))),
            None => Err(Error::new(Exit::Usage, "invalid_input", format!("the value of '{name}' is not text"))),
        };
        let answered = match setup.state {
            SetupState::Confirm { .. } => patiently(async || self.client.confirm_setup(&self.id, number).await).await,
            _ => {
                let answers = answers.iter().map(text).collect::<Result<Vec<_>, _>>()?;
                patiently(async || self.client.answer_setup(&self.id, number, &answers).await).await
            }
        };
        match answered {
            Ok(setup) => {
                self.read(setup);
                Ok(Advanced::Taken)
            }
            Err(error) => match error.code() {
                "setup_ended" | "setup_no_prompt" | "setup_wrong_step" => Ok(Advanced::Elsewhere),
                "answers_invalid" => {
                    let problems = error.problem().map(|problem| problem.problems.as_slice()).unwrap_or_default();
                    let fields = problems.iter().map(|problem| problem.field.clone()).collect();
                    Ok(Advanced::Invalid { fields, error: error.into() })
                }
                _ => Err(error.into()),
            },
        }
    }

    async fn cancel(&self) -> Result<(), Error> {
        self.client.cancel_setup(&self.id).await?;
        self.read(self.client.setup(&self.id).await?);
        Ok(())
    }

    async fn end(&self) -> Result<SetupEnd, Error> {
        loop {
            let (setup, _) = self.current();
            match &setup.state {
                SetupState::Cancelled => return Ok(SetupEnd::Cancelled),
                SetupState::Done { connection, .. } => {
                    let id = connection.as_deref().unwrap_or_default();
                    let shown = patiently(async || self.client.connection(id).await).await?;
                    return Ok(SetupEnd::Done(Box::new(shown.listed.connection)));
                }
                SetupState::Failed { reason } => return Ok(SetupEnd::Failed(setup_steps::failure(reason))),
                _ => self.read(patiently(async || self.client.next_setup(&setup).await).await?),
            }
        }
    }

    async fn reauthorized(&self) -> Result<Option<Connection>, Error> {
        let (setup, _) = self.current();
        match &setup.reauthorizes {
            Some(id) => {
                let shown = patiently(async || self.client.connection(id).await).await?;
                Ok(Some(shown.listed.connection))
            }
            None => Ok(None),
        }
    }

    fn to_register(&self, _: &KindEntry) -> Option<String> {
        // The plugin shows an address of the server's own machine itself.
        let is_shown = is_redirect_registered_by_person(&self.kind.descriptor);
        self.kind.redirect_uri.clone().filter(|address| is_shown && address.starts_with("https:"))
    }

    fn given(&self) -> GivenAddress {
        GivenAddress::Server
    }

    async fn start_address(&self) -> Result<Option<String>, Error> {
        Ok(None)
    }

    async fn local_start_address(&self) -> Result<Option<String>, Error> {
        Ok(None)
    }

    async fn settle(&self) {}
}
