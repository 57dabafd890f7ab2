//! The "connection required" view, and what is shown when nothing is required any more.

use connection_contract::{Descriptor, Field, Way};
use connection_core::{
    ConnectionRegistry, ConnectionRequired, Error as CoreError, ExtensionError, RequiredAction, RetryTicket,
};

use super::On;
use crate::{
    Error,
    commands::{resolve, show::fact},
    extensions::named,
    output::{json, quoted},
};

impl On<'_> {
    /// What is required still, or how it stands; with the ticket by which that is asked again.
    pub(super) async fn show(&self, ticket: Option<RetryTicket>) -> Result<(), Error> {
        let required = self.handle.connection_required().await?;
        let (resolved, several) = match self.handle.resolve(self.handle.requirement()).await {
            Ok(resolved) => (Some(resolved), None),
            Err(error @ CoreError::Extension(ExtensionError::Ambiguous { .. })) => (None, Some(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        let way = match &required {
            Some(required) => self.way(required).await?,
            None => None,
        };
        let output = &self.program.output;
        if output.json {
            return output.shape(&json::OpenSettingsBody {
                extension: self.handle.name().to_owned(),
                command: self.command.map(str::to_owned),
                required: required.as_ref().map(|required| json::RequiredBody::of(required, way)),
                resolved: resolved.as_ref().map(connection_core::ResolvedConnection::to_json),
                ticket: ticket.map(|ticket| ticket.to_string()),
            });
        }
        let Some(required) = required else {
            if let Some(resolved) = resolved {
                resolve::print(output, self.registry, &self.handle, &resolved).await?;
            }
            return Ok(());
        };
        output.line(format!("Connection required: {}", required.title))?;
        fact(output, "extension", self.handle.name())?;
        let unavailable = || {
            let provider = &self.handle.requirement().provider;
            let known = required.action == RequiredAction::Unavailable;
            known.then(|| format!("no kind here connects '{provider}' with what it declares"))
        };
        let failed = resolved.and_then(|resolved| resolved.error).map(|reason| reason.message.to_string());
        if let Some(because) = failed.or(several).or_else(unavailable) {
            fact(output, "because", &because)?;
        }
        if let Some(guide) = &required.guide {
            fact(output, "guide", guide.as_str())?;
        }
        if let Some(way) = way {
            fact(output, "mend with", &way)?;
        }
        if let Some(ticket) = ticket {
            fact(output, "then", &format!("{} --retry {ticket}", self.again()))?;
        }
        Ok(())
    }

    /// The command that does what is required.
    async fn way(&self, required: &ConnectionRequired) -> Result<Option<String>, Error> {
        let own = quoted(self.handle.name());
        Ok(match required.action {
            RequiredAction::Connect => {
                let kind = required.kinds.first().and_then(|kind| self.program.kind(kind.as_str()).ok());
                let fields = kind.map(|kind| asked(&kind.descriptor)).unwrap_or_default();
                Some(format!("{}{fields}", self.again()))
            }
            RequiredAction::Choose => Some("connections default C".to_owned()),
            RequiredAction::Grant => {
                self.meant(self.registry).await?.map(|meant| format!("connections extensions grant {own} {meant}"))
            }
            RequiredAction::Reauthorize => {
                self.meant(self.registry).await?.map(|meant| format!("connections reauthorize {meant}"))
            }
            _ => None,
        })
    }

    /// This command.
    fn again(&self) -> String {
        let command = self.command.map(|command| format!(" --command {}", quoted(command))).unwrap_or_default();
        format!("connections open-settings {}{command}", quoted(self.handle.name()))
    }

    /// The connection that is meant, as a command names it.
    async fn meant(&self, registry: &ConnectionRegistry) -> Result<Option<String>, Error> {
        let resolved = self.handle.resolve(self.handle.requirement()).await?;
        Ok(match resolved.connection() {
            Some(id) => Some(named(registry, id).await),
            None => None,
        })
    }
}

/// How a setup is begun where nobody can be asked: with what it asks for, or else by the way that needs no browser here.
fn asked(descriptor: &Descriptor) -> String {
    let needed =
        |field: &&Field| field.required && field.default.is_none() && field.way.is_none() && field.kept.is_none();
    let fields: Vec<_> = descriptor.fields.iter().filter(needed).collect();
    let way = [(Way::Device, " --device"), (Way::Paste, " --paste")];
    match way.iter().find(|(way, _)| fields.is_empty() && descriptor.ways.contains(way)) {
        Some((_, option)) => (*option).to_owned(),
        None => fields.iter().map(|field| format!(" --from-env {}=VARIABLE", field.name)).collect(),
    }
}
