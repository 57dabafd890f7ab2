//! An agent that uses the tools, and the words for what it may see.

use connection_core::{AgentCaller, ConnectionInfo, ConnectionRegistry, Error};

use super::reply::Reply;
use crate::{
    doors::{Doors, refusal::Refusal},
    reauthorization::with_command,
};

/// The maximum number of characters of a text of a provider among those of this program.
const MAX_QUOTED: usize = 80;

/// An agent, and the connections of its owner.
pub(super) struct Session {
    pub(super) doors: Doors,
    pub(super) caller: AgentCaller,
    pub(super) registry: ConnectionRegistry,
    /// `true` if the client opens an address for a person before it repeats its call.
    pub(super) opens: bool,
}

impl Session {
    /// Begins a session of an agent.
    ///
    /// # Errors
    ///
    /// The name of the owner is not valid.
    pub(super) fn new(doors: Doors, caller: AgentCaller, opens: bool) -> Result<Self, Error> {
        let registry = doors.registry.owner(caller.agent().owner_name())?;
        Ok(Self { doors, caller, registry, opens })
    }

    /// Returns the address of a path of the page; `None` if nothing serves the page.
    pub(super) fn page(&self, path: &str) -> Option<String> {
        self.doors.page.as_ref().map(|page| format!("{page}{path}"))
    }

    /// Returns the result for a request that was refused: the problem, and what helps.
    pub(super) fn refused(&self, refusal: &Refusal) -> Reply {
        let problem = refusal.shape();
        let mut said = sentence(&problem.detail);
        if let Some(remedy) = &problem.remedy {
            said = format!("{said} To do: {}.", remedy.trim_end_matches('.'));
        }
        let more = match &*problem.code {
            "not_granted" => " Call list_connections for those that you may use.",
            "not_renewed" => {
                " If that does not help, call request_access with need = 'repair' to ask the person for it."
            }
            "rule_denied" | "grant_ended" => " Call request_access to ask the person for it.",
            _ => "",
        };
        Reply::failed(format!("{said}{more} ({})", problem.code))
    }

    /// Returns the result for an error.
    pub(super) fn error(&self, error: Error) -> Reply {
        self.refused(&Refusal::of(&self.doors)(error))
    }

    /// Returns the result for an error of a use of this connection, with the command that authorizes it again.
    pub(super) fn error_of_use(&self, mut error: Error, info: &ConnectionInfo) -> Reply {
        if let Error::NotRenewed { why, .. } = &mut error {
            let remedy = why.reason.remedy.take();
            why.reason.remedy = remedy.map(|remedy| with_command(&remedy.to_string(), &name_of(info)).into());
        }
        self.error(error)
    }
}

/// Returns the text as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// Returns the name by which the tools and the commands take a connection: `KIND:LABEL`, or the id if the label has
/// characters with a meaning for a shell, or could be read as a sentence.
pub(super) fn name_of(info: &ConnectionInfo) -> String {
    let label = info.label.to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._@-".contains(letter);
    match label.len() <= MAX_QUOTED && label.chars().all(is_plain) {
        true => format!("{}:{label}", info.kind),
        false => info.id.to_string(),
    }
}

/// Returns a text of a provider or of an agent in quotes, with nothing in it that ends them or that is not visible.
pub(super) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(MAX_QUOTED).collect();
    let end = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_a_provider_stays_in_its_quotes() {
        assert_eq!(quoted("ada"), "\"ada\"");
        assert_eq!(quoted("a\"): works.\n\u{202e}x"), "\"a\\\"): works.\\n\\u{202e}x\"");
        assert_eq!(quoted(&"é".repeat(81)), format!("\"{}\"…", "é".repeat(80)));
        assert_eq!((sentence("it broke."), sentence("")), ("It broke.".to_owned(), ".".to_owned()));
    }
}
