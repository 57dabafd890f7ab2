//! The errors of requests to a server, as errors of commands.

use connection_client::{Error as ClientError, Problem};
use connection_contract::{DisplayText, ProviderText};
use connection_server::agents::AgentRefusal;

use crate::{Error, Exit, extensions::UNKNOWN_EXTENSION, output::tls_remedy, words::ERROR_CODES};

/// The remedy for a token that the server does not accept.
const ANOTHER_TOKEN: &str = "make another token with `connections tokens create NAME --role manage` on the machine of \
                             the server, and put it into CONNECTIONS_HOST_TOKEN or the file of --host-token-file";

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        // The cause may be a text of the server.
        let message = clean(&error.to_string());
        let own = match &error {
            ClientError::Refused { problem, .. } => return refused(problem),
            ClientError::Address(_) | ClientError::Unencrypted { .. } | ClientError::Certificates(_) => {
                Self::new(Exit::Usage, "host_invalid", message)
            }
            ClientError::Name => Self::new(Exit::NotFound, "not_found", message),
            ClientError::Token => Self::new(Exit::Usage, "host_token_missing", message),
            ClientError::Unreachable { remedy: Some(remedy), .. } => {
                let own = Self::new(Exit::Unexpected, "host_unreachable", message);
                return own.remedy(tls_remedy(Some(remedy.as_str())));
            }
            ClientError::Unreachable { .. } => Self::new(Exit::Unexpected, "host_unreachable", message),
            _ => Self::new(Exit::Unexpected, "host_unexpected", message),
        };
        error.remedy().map(str::to_owned).into_iter().fold(own, Self::remedy)
    }
}

impl From<AgentRefusal> for Error {
    fn from(refusal: AgentRefusal) -> Self {
        match refusal {
            AgentRefusal::Core(error) => error.into(),
            AgentRefusal::Member { code, message, remedy, .. } => {
                Self::new(exit_of(code).unwrap_or(Exit::Usage), code, message).remedy(remedy)
            }
            _ => Self::new(Exit::Unexpected, "crashed", "the request was refused for an unknown reason"),
        }
    }
}

/// Returns the exit status of a code that commands have.
fn exit_of(code: &str) -> Option<Exit> {
    ERROR_CODES.iter().find(|(known, _)| *known == code).map(|(_, exit)| *exit)
}

/// Converts a refusal by the server. Codes that commands do not have themselves are those of the API.
fn refused(problem: &Problem) -> Error {
    let message = clean(&problem.detail);
    let remedy = problem.remedy.as_deref().map(clean);
    match &*problem.code {
        "unauthenticated" => Error::new(Exit::Refused, "unauthenticated", message).remedy(ANOTHER_TOKEN),
        "not_allowed" => {
            let remedy = remedy.map_or_else(|| ANOTHER_TOKEN.to_owned(), |remedy| format!("{remedy}; {ANOTHER_TOKEN}"));
            Error::new(Exit::Refused, "not_allowed", message).remedy(remedy)
        }
        "unknown_extension" => Error::new(Exit::NotFound, "unknown_extension", message).remedy(UNKNOWN_EXTENSION),
        code => {
            let exit = exit_of(code).unwrap_or(if problem.status < 500 { Exit::Refused } else { Exit::Unexpected });
            let words = problem.provider_text.as_deref().and_then(ProviderText::new);
            remedy.into_iter().fold(Error::new(exit, clean(code), message), Error::remedy).provider_text(words)
        }
    }
}

/// Returns a text of the server without characters that a terminal would obey.
fn clean(text: &str) -> String {
    DisplayText::from(text.to_owned()).to_string()
}
