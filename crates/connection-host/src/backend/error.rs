//! The errors of requests to a server, as errors of commands.

use connection_client::{Error as ClientError, Problem};
use connection_contract::{DisplayText, ProviderText};
use connection_server::agents::AgentRefusal;

use crate::{Error, Exit, extensions::UNKNOWN_EXTENSION, output::tls_remedy, words::ERROR_CODES};

/// Returns the remedy for a token that the server does not accept.
fn another_token(role: &str) -> String {
    format!(
        "make another token with `connections tokens create NAME --role {role}` on the machine of the server, and put it \
         into CONNECTIONS_HOST_TOKEN or the file of --host-token-file"
    )
}

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
        "unauthenticated" => Error::new(Exit::Refused, "unauthenticated", message).remedy(another_token("manage")),
        "not_allowed" => {
            // The remedy of the server says which token is enough.
            let remedy = match remedy {
                Some(remedy) => format!("{remedy}; {}", another_token("ROLE")),
                None => another_token("manage"),
            };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of_server(code: &str, remedy: Option<&str>) -> Error {
        refused(&Problem {
            r#type: "about:blank".to_owned(),
            title: "Forbidden".to_owned(),
            status: 403,
            detail: "the token does not allow this".to_owned(),
            code: code.to_owned(),
            remedy: remedy.map(str::to_owned),
            provider_text: None,
            field: None,
            problems: Vec::new(),
            made: None,
        })
    }

    #[test]
    fn the_remedy_for_a_role_names_no_other_role() {
        let remedy = |given| of_server("not_allowed", given).remedy.unwrap();
        let given = "use a token with the role 'admin'";
        let told = remedy(Some(given));
        assert!(told.starts_with(given) && told.contains("tokens create NAME --role ROLE`"), "{told}");
        assert!(!told.contains("manage"), "{told}");
        assert!(remedy(None).contains("--role manage`"), "{}", remedy(None));
        let given = "run this there: `GRANT USAGE, CREATE ON SCHEMA public TO app`";
        assert_eq!(of_server("store_unprepared", Some(given)).remedy.as_deref(), Some(given));
    }
}
