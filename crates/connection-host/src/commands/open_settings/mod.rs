//! `open-settings EXTENSION`: the settings to which an extension hands off a person whose connection is missing.
//!
//! If a person can be asked or has given the answers, it connects, grants, and prints the new state. A setup outlives
//! this process: its ticket leads to the result.

mod hand_off;
mod view;

use std::{future::IntoFuture, sync::Arc};

use connection_api::Connection;
use connection_contract::{BoxFuture, Kind};
use connection_core::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, ConnectionRequired, ConnectionStatus, Error as CoreError,
    ExtensionError, ExtensionHandle, RequiredAction, RetryOutcome, RetryTicket, SetupSession,
};
use connection_server::convert;
use hand_off::HandOffRecorder;

use super::{
    confirm,
    dialogue::Dialogue,
    finish::FinishMethod,
    setup_place::changed,
    setup_port::LocalSetup,
    setup_report::{self, ReportedAction},
};
use crate::{
    Error, Exit,
    args::OpenSettings,
    extensions::{explained, handle},
    inbound::Endpoint,
    input::Inputs,
    output::{account, quoted},
    program::Program,
};

pub(super) async fn run(mut program: Program, arguments: OpenSettings) -> Result<Exit, Error> {
    let finish = FinishMethod::new(&arguments.finish, &program);
    let inputs = Inputs::read(&arguments.input, &program.environment, program.person)?;
    let retry = arguments.retry.as_deref().map(ticket).transpose()?;
    let settings = Arc::new(HandOffRecorder::default());
    let endpoint = Arc::new(Endpoint::of(&program.settings, finish.is_paste()));
    let services = (endpoint.clone(), settings.clone());
    let registry = program.open_with(|builder| builder.inbound(services.0).settings(services.1)).await?;
    let handle = handle(&registry, &arguments.extension).await?;
    let command = arguments.command.as_deref();
    let on = OpenExtension {
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

/// Returns the exit status for an extension's connection, as `exec` would end with it.
fn exit_of(status: ConnectionStatus) -> Exit {
    match status {
        ConnectionStatus::Connected => Exit::Fine,
        ConnectionStatus::Failed => Exit::NotLive,
        ConnectionStatus::Missing => Exit::NotFound,
        ConnectionStatus::Unsupported => Exit::Refused,
    }
}

/// Returns `true` for the codes of a setup that a person ended.
fn is_given_up(code: &str) -> bool {
    matches!(code, "account_refused" | "declaration_declined" | "setup_cancelled")
}

/// The extension whose settings are open, and everything needed to act on them.
struct OpenExtension<'a> {
    program: &'a Program,
    registry: &'a ConnectionRegistry,
    endpoint: &'a Endpoint,
    settings: &'a HandOffRecorder,
    finish: FinishMethod,
    handle: ExtensionHandle,
    command: Option<&'a str>,
}

impl OpenExtension<'_> {
    async fn open(&self, inputs: Inputs, kind: Option<&str>) -> Result<Exit, Error> {
        let Some(required) = self.handle.connection_required().await? else {
            self.check_kind(kind, None).await?;
            // Only preferences are left to set. A command that the extension does not declare is refused all the same.
            let opened = match self.command {
                Some(command) => self.handle.open_command_preferences(command).await,
                None => self.handle.open_extension_preferences().await,
            };
            let ticket = self.opened(opened).await?;
            return self.show(Some(ticket)).await.map(|()| Exit::Fine);
        };
        if matches!(required.action, RequiredAction::Connect | RequiredAction::Reauthorize) {
            self.check_kind(kind, required.connection).await?;
        }
        // With JSON output, the user is asked for values, but not whether to act.
        let asks = inputs.person() && !self.program.output.json;
        let brings = inputs.given() || self.finish.is_chosen();
        match required.action {
            RequiredAction::Connect if brings || (asks && self.wants_to_connect(&required).await?) => {
                return self.connect(inputs, kind, &required).await;
            }
            RequiredAction::Reauthorize if brings || (asks && self.wants_to_reauthorize(&required).await?) => {
                return self.reauthorize(inputs, kind, &required).await;
            }
            RequiredAction::Connect | RequiredAction::Reauthorize => {}
            // The given answers would connect nothing, and a script relies on their use.
            _ if brings || kind.is_some() => return Err(self.nothing_to_connect(&required).await),
            RequiredAction::Grant if asks => {
                if let Some(agreed) = self.wants_to_grant(&required).await? {
                    return self.grant(&agreed).await;
                }
            }
            _ => {}
        }
        let ticket = self.hand_off().await?;
        self.show(Some(ticket)).await.map(|()| Exit::Fine)
    }

    /// Returns the error that says why the given answers are useless.
    async fn nothing_to_connect(&self, required: &ConnectionRequired) -> Error {
        let requirement = self.handle.requirement();
        let error = match (required.action, required.connection, self.resolved().await) {
            (RequiredAction::Grant, Some(connection), _) => ExtensionError::NotGranted {
                extension: self.handle.name().to_owned().into(),
                connection,
                names: requirement.auth.secret_names.clone(),
            }
            .into(),
            (_, _, Err(error)) => error,
            (RequiredAction::Choose, _, Ok(resolved)) => {
                let message = resolved.error.map(|reason| reason.message.to_string()).unwrap_or_default();
                let own = quoted(self.handle.name());
                let way = format!("choose one with `connections extensions use {own} CONNECTION`");
                return Error::new(Exit::Usage, "ambiguous", message).remedy(way);
            }
            (_, _, Ok(resolved)) => {
                let (message, remedy) =
                    resolved.error.map(|reason| (reason.message, reason.remedy)).unwrap_or_default();
                let error = Error::new(Exit::Refused, "connection_unsupported", message.to_string());
                return match remedy {
                    Some(remedy) => error.remedy(remedy.to_string()),
                    None => error,
                };
            }
        };
        explained(self.registry, error).await
    }

    /// Prints the result of an earlier hand-off.
    async fn retry(&self, ticket: RetryTicket) -> Result<Exit, Error> {
        let outcome = match self.handle.retry(ticket).await {
            Ok(outcome) => outcome,
            Err(error) => return Err(explained(self.registry, error).await),
        };
        let exit = match outcome {
            RetryOutcome::SetupFailed(failure) => {
                return Err(setup_report::failed(&failure, ReportedAction::ConnectedFor));
            }
            RetryOutcome::Connected { .. } => Exit::Fine,
            RetryOutcome::NotGranted(_) => Exit::Refused,
            RetryOutcome::StillMissing(resolved) => exit_of(resolved.status),
            // An outcome that only a later core knows counts as not done.
            _ => Exit::NotFound,
        };
        self.show(Some(ticket)).await.map(|()| exit)
    }

    async fn hand_off(&self) -> Result<RetryTicket, Error> {
        let opened = self.handle.open_native_extension_settings(self.command).await;
        self.opened(opened).await
    }

    async fn opened(&self, opened: Result<RetryTicket, CoreError>) -> Result<RetryTicket, Error> {
        match opened {
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
        // A person who connects for the extension grants it the connection.
        let begin = self.registry.setups().begin(&kind).extension(&self.handle);
        let begin = if self.finish.leads() { begin.use_start_address() } else { begin };
        let begin = if self.finish.confirms(&inputs) { begin.confirm_account() } else { begin };
        self.talk(begin.into_future(), ReportedAction::ConnectedFor, inputs).await
    }

    /// Re-authorizes the connection in place, because its account is already connected.
    async fn reauthorize(
        &self,
        mut inputs: Inputs,
        named: Option<&str>,
        required: &ConnectionRequired,
    ) -> Result<Exit, Error> {
        let Some(id) = required.connection else { return self.show(None).await.map(|()| Exit::NotLive) };
        let connection = self.registry.connection(id).await?;
        let kind = connection.info().kind.clone();
        if named.is_some_and(|named| named != kind.as_str()) {
            return self.connect(inputs, named, required).await;
        }
        let descriptor = self.program.kind(kind.as_str())?.descriptor.clone();
        self.finish.check(&descriptor, &self.program.settings)?;
        self.finish.choose(&mut inputs, &descriptor);
        inputs.check(kind.as_str(), &descriptor.fields)?;
        let kept = self.program.may_have_kept(&kind).await?;
        inputs.check_any(kind.as_str(), &descriptor.fields, kept)?;
        inputs.want(changed(&descriptor.fields, &self.body(connection.info()).config));
        // A person who re-authorizes for the extension grants it the connection.
        let begin = connection.reauthorize().extension(&self.handle);
        let begin = if self.finish.leads() { begin.use_start_address() } else { begin };
        let begin = if self.finish.confirms(&inputs) { begin.confirm_account() } else { begin };
        self.talk(begin.into_future(), ReportedAction::ReauthorizedFor, inputs).await
    }

    /// Begins the setup with a ticket, with which another process can continue it, and conducts it to its end.
    async fn talk(
        &self,
        begin: BoxFuture<'static, Result<SetupSession, CoreError>>,
        made: ReportedAction,
        inputs: Inputs,
    ) -> Result<Exit, Error> {
        self.settings.begins(begin);
        let handed = self.hand_off().await;
        let (ticket, session) = match (handed, self.settings.begun()) {
            (Ok(ticket), Some(Ok(session))) => (ticket, session),
            (Ok(ticket), None) => return self.show(Some(ticket)).await.map(|()| Exit::Fine),
            // Report why the setup was not begun, because that says more than the error of the hand-off.
            (_, Some(Err(error))) => return Err(explained(self.registry, error).await),
            (Err(error), begun) => {
                if let Some(Ok(session)) = begun {
                    // The error that ended it matters more than an error of the cleanup.
                    session.cancel().await.unwrap_or_default();
                }
                return Err(error);
            }
        };
        let setup = LocalSetup::new(self.program, self.registry, self.endpoint, session);
        let dialogue = Dialogue::new(self.program, &setup, self.finish, made);
        match dialogue.run(inputs).await {
            Ok(exit) => self.show(Some(ticket)).await.map(|()| exit),
            // A person who gave up, or gave too few answers, begins again.
            Err(error) if error.exit == Exit::Usage || is_given_up(&error.code) => Err(error),
            Err(mut error) => {
                let then = format!("`{} --retry {ticket}` shows the result", self.again());
                let remedy = error.remedy.take().map(|remedy| format!("{remedy}; then {then}")).unwrap_or(then);
                Err(error.remedy(remedy))
            }
        }
    }

    /// Returns the named kind, or the one that fits best.
    fn kind(&self, named: Option<&str>, required: &ConnectionRequired) -> Result<Kind, Error> {
        let kinds = &required.kinds;
        let kind = match named {
            None => kinds.first(),
            Some(named) => kinds.iter().find(|kind| kind.as_str() == named),
        };
        kind.cloned().ok_or_else(|| self.other_kind(kinds))
    }

    /// Refuses a kind that cannot connect the extension, before any question.
    ///
    /// A re-authorization may also use the kind of its connection.
    async fn check_kind(&self, named: Option<&str>, connection: Option<ConnectionId>) -> Result<(), Error> {
        let Some(named) = named else { return Ok(()) };
        let kinds = self.handle.kinds_for_setup();
        if kinds.iter().any(|kind| kind.as_str() == named) {
            return Ok(());
        }
        match connection {
            Some(id) if self.registry.connection(id).await?.info().kind.as_str() == named => Ok(()),
            _ => Err(self.other_kind(&kinds)),
        }
    }

    fn other_kind(&self, kinds: &[Kind]) -> Error {
        let message = format!("'{}' cannot be connected with that kind", self.handle.name());
        let error = Error::new(Exit::Refused, "other_provider", message);
        let known: Vec<_> = kinds.iter().map(ToString::to_string).collect();
        if known.is_empty() { error } else { error.remedy(format!("--kind takes {}", known.join(", "))) }
    }

    async fn wants_to_connect(&self, required: &ConnectionRequired) -> Result<bool, Error> {
        let guide = required.guide.as_ref().map(|guide| format!("\n{guide}")).unwrap_or_default();
        self.program.output.note(format!("Connection required: {}{guide}", required.title));
        confirm::agreed(format!("Connect {} for {}?", required.title, self.handle.name())).await
    }

    async fn wants_to_reauthorize(&self, required: &ConnectionRequired) -> Result<bool, Error> {
        let Some(id) = required.connection else { return Ok(false) };
        if let Some(because) = self.because(required).await? {
            self.program.output.note(format!("Connection required: {because}"));
        }
        let connection = self.registry.connection(id).await?;
        confirm::agreed(format!(
            "Authorize {} again for {}?",
            account(&self.body(connection.info())),
            self.handle.name()
        ))
        .await
    }

    fn body(&self, info: &ConnectionInfo) -> Connection {
        convert::connection(info, self.program.output.now)
    }

    /// Asks a person for the grant; returns the connection as it was shown if the person agreed.
    async fn wants_to_grant(&self, required: &ConnectionRequired) -> Result<Option<ConnectionInfo>, Error> {
        let Some(id) = required.connection else { return Ok(None) };
        let connection = self.registry.connection(id).await?;
        let names: Vec<_> =
            self.handle.requirement().auth.secret_names.iter().map(|name| name.as_str().to_owned()).collect();
        let with = if names.is_empty() { String::new() } else { format!(", with {}", names.join(", ")) };
        let question = format!("Let {} use {}{with}?", self.handle.name(), account(&self.body(connection.info())));
        Ok(confirm::agreed(question).await?.then(|| connection.info().clone()))
    }

    /// Grants exactly the connection that was shown, whatever the extension would use by now.
    async fn grant(&self, agreed: &ConnectionInfo) -> Result<Exit, Error> {
        let ticket = self.hand_off().await?;
        let names = &self.handle.requirement().auth.secret_names;
        if let Err(error) = self.registry.extensions().grant_shown(self.handle.name(), agreed, names).await {
            return Err(explained(self.registry, error).await);
        }
        self.show(Some(ticket)).await.map(|()| Exit::Fine)
    }
}
