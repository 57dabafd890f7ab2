//! The "connection required" view, and the view if nothing is required.

use connection_contract::{Descriptor, Field, Input, SetupMethod, reason};
use connection_core::{ConnectionRequired, RequiredAction, ResolvedConnection, RetryTicket};
use connection_server::convert;

use super::OpenExtension;
use crate::{
    Error,
    commands::{kinds, resolve, show::fact},
    extensions::named,
    output::quoted,
};

impl OpenExtension<'_> {
    /// Prints what is required, or the current state, with the ticket for the next call.
    pub(super) async fn show(&self, ticket: Option<RetryTicket>) -> Result<(), Error> {
        let required = self.handle.connection_required().await?;
        let resolved = self.resolved().await?;
        let way = match &required {
            Some(required) => self.way(required).await?,
            None => None,
        };
        let output = &self.program.output;
        if output.json {
            let required = required.as_ref().map(|required| convert::required(required, way));
            return output.shape(&convert::hand_off(self.handle.name(), self.command, required, &resolved, ticket));
        }
        let Some(required) = required else {
            return resolve::print(output, self.registry, &self.handle, &resolved, None).await;
        };
        output.line(format!("Connection required: {}", required.title))?;
        fact(output, "extension", self.handle.name())?;
        if let Some(because) = self.because(&required).await? {
            fact(output, "because", &because)?;
        }
        if let Some(guide) = &required.guide {
            fact(output, "guide", guide.as_str())?;
        }
        if let Some(note) = self.note(&required) {
            fact(output, "note", &note)?;
        }
        if let Some(way) = way {
            fact(output, "fix with", &way)?;
        }
        if let Some(ticket) = ticket {
            fact(output, "then", &format!("{} --retry {ticket}", self.again()))?;
        }
        Ok(())
    }

    /// Returns what a person must know before connecting through the kind of the extension's declaration.
    fn note(&self, required: &ConnectionRequired) -> Option<String> {
        let kind = self.program.kind(required.kinds.first()?.as_str()).ok()?;
        let extension = kind.descriptor.extension.as_ref()?;
        let confirmation = kind.descriptor.fields.iter().find(|field| field.input == Input::Bool)?;
        let addresses = confirmation.help.as_ref().map(|help| format!(" {help}")).unwrap_or_default();
        let is_instruction = |line: &String| required.guide.as_ref().is_some_and(|guide| guide.as_str() == line);
        let mut requests = kinds::guide(&kind.descriptor.guide);
        requests.retain(|line| !is_instruction(line));
        let requests = match requests.as_slice() {
            [] => String::new(),
            lines => format!(" It describes these requests: {}", lines.join("; ")),
        };
        let receives = match &*kind.descriptor.secret_names {
            [] => "describes this connection, and does not receive the secret",
            _ => "itself receives the secret, and can send it anywhere",
        };
        Some(format!("{extension} {receives}.{addresses}{requests}"))
    }

    /// Resolves the requirement of the extension.
    pub(super) async fn resolved(&self) -> Result<ResolvedConnection, connection_core::Error> {
        self.handle.resolve(self.handle.requirement()).await
    }

    /// Returns the reason for the requirement, if one is known.
    pub(super) async fn because(&self, required: &ConnectionRequired) -> Result<Option<String>, Error> {
        let resolved = self.resolved().await?;
        if let Some(reason) = resolved.error {
            let is_unavailable = required.action == RequiredAction::Unavailable;
            let is_explained = is_unavailable || reason::is_mended_elsewhere(&reason.code);
            let remedy = reason.remedy.filter(|_| is_explained).map(|remedy| format!("; {remedy}"));
            return Ok(Some(format!("{}{}", reason.message, remedy.unwrap_or_default())));
        }
        Ok(match (required.action, required.connection) {
            (RequiredAction::Reauthorize, Some(id)) if !resolved.missing_secret_names.is_empty() => {
                let names: Vec<_> = resolved.missing_secret_names.iter().map(|name| format!("'{name}'")).collect();
                Some(format!("{} has no {}", named(self.registry, id).await, names.join(", ")))
            }
            _ => None,
        })
    }

    /// Returns the command that satisfies the requirement.
    async fn way(&self, required: &ConnectionRequired) -> Result<Option<String>, Error> {
        let own = quoted(self.handle.name());
        Ok(match required.action {
            RequiredAction::Connect => {
                let kind = required.kinds.first().and_then(|kind| self.program.kind(kind.as_str()).ok());
                let fields = kind.map(|kind| self.setup_options(&kind.descriptor)).unwrap_or_default();
                Some(format!("{}{fields}", self.again()))
            }
            RequiredAction::Choose => Some(format!("connections extensions use {own} CONNECTION")),
            RequiredAction::Grant => match required.connection {
                Some(id) => Some(format!("connections extensions grant {own} {}", named(self.registry, id).await)),
                None => None,
            },
            RequiredAction::Reauthorize => self.way_again(required).await?,
            _ => None,
        })
    }

    /// Returns the command that re-authorizes the connection.
    ///
    /// If secrets or the grant are missing, the command is `open-settings` itself, which provides both. There is none if
    /// something else than the connection is to be mended, because no command for the connection helps.
    async fn way_again(&self, required: &ConnectionRequired) -> Result<Option<String>, Error> {
        let Some(id) = required.connection else { return Ok(None) };
        let resolved = self.handle.resolve(self.handle.requirement()).await?;
        if resolved.error.as_ref().is_some_and(|why| reason::is_mended_elsewhere(&why.code)) {
            return Ok(None);
        }
        if resolved.missing_secret_names.is_empty() && resolved.is_granted() {
            return Ok(Some(format!("connections reauthorize {}", named(self.registry, id).await)));
        }
        let connection = self.registry.connection(id).await?;
        let kind = self.program.kind(connection.info().kind.as_str()).ok();
        let fields = kind.map(|kind| self.setup_options(&kind.descriptor)).unwrap_or_default();
        Ok(Some(format!("{}{fields}", self.again())))
    }

    /// Returns the command line that opens the same settings again.
    pub(super) fn again(&self) -> String {
        let command = self.command.map(|command| format!(" --command {}", quoted(command))).unwrap_or_default();
        format!("connections open-settings {}{command}", quoted(self.handle.name()))
    }

    /// Returns the options to begin a setup without a person: the fields to provide, including the secrets that the
    /// extension needs, or else a way that needs no browser here.
    fn setup_options(&self, descriptor: &Descriptor) -> String {
        let names = &self.handle.requirement().auth.secret_names;
        let needed = |field: &&Field| {
            let is_needed = field.required || names.iter().any(|name| field.name == name.as_str());
            is_needed && field.default.is_none() && field.way.is_none() && field.kept.is_none()
        };
        let fields: Vec<_> = descriptor.fields.iter().filter(needed).collect();
        let way = [(SetupMethod::Device, " --device"), (SetupMethod::Paste, " --paste")];
        match way.iter().find(|(way, _)| fields.is_empty() && descriptor.ways.contains(way)) {
            Some((_, option)) => (*option).to_owned(),
            None => fields.iter().map(|field| format!(" --from-env {}=VARIABLE", field.name)).collect(),
        }
    }
}
