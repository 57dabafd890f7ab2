//! `open-settings EXTENSION`: the settings to which an extension hands a person off whose connection is missing.
//!
//! Where somebody can be asked, or brings the answers, it connects, grants, and says how things stand then. What is begun
//! outlives this process: the ticket tells what came of it.

mod hand_off;
mod view;

use std::sync::Arc;

use connection_contract::Kind;
use connection_core::{
    ConnectionRegistry, ConnectionRequired, ExtensionHandle, RequiredAction, RetryOutcome, RetryTicket,
};
use hand_off::WordsOfSettings;

use super::{
    confirm,
    dialogue::{Begun, Dialogue},
    finish::Finish,
    made::{self, Made},
};
use crate::{
    Error, Exit,
    args::OpenSettings,
    cli::Program,
    extensions::{explained, handle},
    inbound::Endpoint,
    input::Inputs,
    output::account,
};

pub(super) async fn run(mut program: Program, arguments: OpenSettings) -> Result<Exit, Error> {
    let finish = Finish::new(&arguments.finish, &program);
    let inputs = Inputs::read(&arguments.input, &program.environment, program.person)?;
    let retry = arguments.retry.as_deref().map(ticket).transpose()?;
    let settings = Arc::new(WordsOfSettings::default());
    let endpoint = Arc::new(Endpoint::of(&program.settings, finish.is_paste()));
    let lent = (endpoint.clone(), settings.clone());
    let registry = program.open_with(|builder| builder.inbound(lent.0).settings(lent.1)).await?;
    let handle = handle(&registry, &arguments.extension).await?;
    let command = arguments.command.as_deref();
    let on = On {
        program: &program,
        registry: &registry,
        endpoint: &endpoint,
        settings: &settings,
        finish,
        handle,
        command,
    };
    let ended = match retry {
        Some(ticket) => on.retry(ticket).await,
        None => on.open(inputs, arguments.kind.as_deref()).await,
    };
    registry.close().await;
    ended
}

fn ticket(text: &str) -> Result<RetryTicket, Error> {
    text.parse().map_err(|_| Error::usage("--retry takes a ticket, as `open-settings --json` prints it"))
}

/// What is opened, and with what.
struct On<'a> {
    program: &'a Program,
    registry: &'a ConnectionRegistry,
    endpoint: &'a Endpoint,
    settings: &'a WordsOfSettings,
    finish: Finish,
    handle: ExtensionHandle,
    command: Option<&'a str>,
}

impl On<'_> {
    async fn open(&self, inputs: Inputs, kind: Option<&str>) -> Result<Exit, Error> {
        let Some(required) = self.handle.connection_required().await? else {
            // A command that it did not declare is refused all the same.
            let ticket = self.hand_off().await?;
            return self.show(Some(ticket)).await.map(|()| Exit::Fine);
        };
        // Where a program reads, nobody is asked whether, only for what.
        let asks = inputs.person() && !self.program.output.json;
        let brings = inputs.given() || self.finish.is_chosen();
        match required.action {
            RequiredAction::Connect if brings || (asks && self.wants_to_connect(&required).await?) => {
                self.connect(inputs, kind, &required).await
            }
            RequiredAction::Reauthorize if brings => self.reauthorize(inputs).await,
            RequiredAction::Grant if asks && self.wants_to_grant().await? => self.grant().await,
            _ => {
                let ticket = self.hand_off().await?;
                self.show(Some(ticket)).await.map(|()| Exit::Fine)
            }
        }
    }

    /// What came of what was opened before.
    async fn retry(&self, ticket: RetryTicket) -> Result<Exit, Error> {
        let outcome = match self.handle.retry(ticket).await {
            Ok(outcome) => outcome,
            Err(error) => return Err(explained(self.registry, error).await),
        };
        match outcome {
            RetryOutcome::SetupFailed(failure) => Err(made::failed(&failure)),
            RetryOutcome::Connected { .. } => self.show(Some(ticket)).await.map(|()| Exit::Fine),
            _ => self.show(Some(ticket)).await.map(|()| Exit::NotFound),
        }
    }

    async fn hand_off(&self) -> Result<RetryTicket, Error> {
        match self.handle.open_native_extension_settings(self.command).await {
            Ok(ticket) => Ok(ticket),
            Err(error) => Err(explained(self.registry, error).await),
        }
    }

    async fn connect(
        &self,
        mut inputs: Inputs,
        named: Option<&str>,
        required: &ConnectionRequired,
    ) -> Result<Exit, Error> {
        let kind = self.kind(named, required)?;
        let descriptor = self.program.kind(kind.as_str())?.descriptor.clone();
        self.finish.check(&descriptor, &self.program.settings)?;
        self.finish.choose(&mut inputs, &descriptor);
        inputs.check(kind.as_str(), &descriptor.fields)?;
        let kept = self.program.may_have_kept(&kind).await?;
        inputs.check_any(kind.as_str(), &descriptor.fields, kept)?;
        // Who connects for the extension lets it use what is connected.
        let session = match self.registry.begin_setup(&kind).extension(&self.handle).await {
            Ok(session) => session,
            Err(error) => return Err(explained(self.registry, error).await),
        };
        self.talk(session, Made::ConnectedFor, inputs).await
    }

    async fn reauthorize(&self, mut inputs: Inputs) -> Result<Exit, Error> {
        let resolved = self.handle.resolve(self.handle.requirement()).await?;
        let Some(id) = resolved.connection() else { return self.show(None).await.map(|()| Exit::NotLive) };
        let connection = self.registry.connection(id).await?;
        let kind = connection.info().kind.clone();
        let descriptor = self.program.kind(kind.as_str())?.descriptor.clone();
        self.finish.check(&descriptor, &self.program.settings)?;
        self.finish.choose(&mut inputs, &descriptor);
        inputs.check(kind.as_str(), &descriptor.fields)?;
        let session = connection.reauthorize().await?;
        self.talk(session, Made::ReauthorizedFor, inputs).await
    }

    /// Talks the setup to its end, with a ticket for who goes on when this process cannot.
    async fn talk(&self, session: connection_core::SetupSession, made: Made, inputs: Inputs) -> Result<Exit, Error> {
        self.settings.begun(session.id());
        let ticket = match self.hand_off().await {
            Ok(ticket) => ticket,
            Err(error) => {
                // The error that ended it matters more than one of the clean-up.
                session.cancel().await.unwrap_or_default();
                return Err(error);
            }
        };
        let (program, registry, endpoint, finish) = (self.program, self.registry, self.endpoint, self.finish);
        let session = &session;
        let dialogue = Dialogue { program, registry, endpoint, session, finish, begun: Begun::Now, made };
        let exit = dialogue.run(inputs).await?;
        self.show(Some(ticket)).await?;
        Ok(exit)
    }

    /// The kind that was named, or the one that fits best.
    fn kind(&self, named: Option<&str>, required: &ConnectionRequired) -> Result<Kind, Error> {
        let known = || required.kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match named {
            None => required.kinds.first().cloned(),
            Some(named) => required.kinds.iter().find(|kind| kind.as_str() == named).cloned(),
        }
        .ok_or_else(|| {
            let message = format!("'{}' cannot be connected with that kind", self.handle.name());
            Error::new(Exit::Refused, "other_provider", message).remedy(format!("--kind takes {}", known()))
        })
    }

    async fn wants_to_connect(&self, required: &ConnectionRequired) -> Result<bool, Error> {
        let guide = required.guide.as_ref().map(|guide| format!("\n{guide}")).unwrap_or_default();
        self.program.output.note(format!("Connection required: {}{guide}", required.title));
        confirm::agreed(format!("Connect {} for {}?", required.title, self.handle.name())).await
    }

    async fn wants_to_grant(&self) -> Result<bool, Error> {
        let resolved = self.handle.resolve(self.handle.requirement()).await?;
        let Some(id) = resolved.connection() else { return Ok(false) };
        let connection = self.registry.connection(id).await?;
        let names: Vec<_> =
            self.handle.requirement().auth.secret_names.iter().map(|name| name.as_str().to_owned()).collect();
        let with = if names.is_empty() { String::new() } else { format!(", with {}", names.join(", ")) };
        confirm::agreed(format!("Let {} use {}{with}?", self.handle.name(), account(connection.info()))).await
    }

    async fn grant(&self) -> Result<Exit, Error> {
        let ticket = self.hand_off().await?;
        let resolved = self.handle.resolve(self.handle.requirement()).await?;
        if let Some(id) = resolved.connection() {
            let names = &self.handle.requirement().auth.secret_names;
            self.registry.grant(self.handle.name(), id, names).await?;
        }
        self.show(Some(ticket)).await.map(|()| Exit::Fine)
    }
}
