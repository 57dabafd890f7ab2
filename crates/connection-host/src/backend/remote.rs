//! The server that `--host` names. Commands work there in place of the local store, which is neither opened nor created.

use connection_api::Kind as ApiKind;
use connection_client::Client;
use connection_core::SecretFile;
use secrecy::SecretString;

use super::{Backend, Lookup};
use crate::{
    Error, Exit,
    config::{Environment, Global, Settings, named_path},
    name,
    output::quoted,
    spelling::misspelled,
};

/// The commands that act on this machine alone, with or without the words below them. `docs/spec/api.md` has the reasons.
const HERE_ALONE: [&str; 26] = [
    "backup",
    "completions",
    "config",
    "credential",
    "exec",
    "failover",
    "help",
    "key",
    "kinds add",
    "kinds check",
    "kinds import",
    "kinds new",
    "kinds remove",
    "kinds schema",
    "kinds test",
    "man",
    "mcp",
    "move",
    "open-settings",
    "resolve",
    "restore",
    "rules",
    "run",
    "sandbox",
    "serve",
    "upgrade",
];

/// Returns `true` if a command works on a server. `words` begins with the words of the command, and may go on.
pub(crate) fn has_command(words: &str) -> bool {
    let is_here = |path: &&&str| {
        let rest = words.strip_prefix(**path);
        rest.is_some_and(|rest| rest.is_empty() || !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-'))
    };
    // The hint for a token that is not enough names a command of the server's machine.
    if words.starts_with("tokens create NAME") {
        return false;
    }
    !HERE_ALONE.iter().any(|path| is_here(&path))
}

/// The remedy for a command or an option that works on the machine of the server alone.
pub(crate) const AT_THE_SERVER: &str = "run this command on the machine of the server, without --host";
/// The number of kinds up to which an error lists all of them.
const FEW_KINDS: usize = 20;

/// The server that `--host` names.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) client: Client,
    /// The owner that `--owner` or the configuration names.
    owner: Option<String>,
}

impl Remote {
    /// Returns the server at this address. Nothing is requested.
    pub(crate) fn new(
        address: &str,
        global: &Global,
        settings: &Settings,
        environment: &Environment,
    ) -> Result<Self, Error> {
        let mut hint = format!(" --host {}", quoted(address));
        if let Some(path) = &global.host_token_file {
            hint.push_str(&format!(" --host-token-file {}", quoted(&path.display().to_string())));
        }
        let mut client = Client::builder(address, token(global, environment)?);
        if let Some(owner) = &settings.owner {
            client = client.owner(owner.as_str());
        }
        if let Some(certificates) = settings.root_certificate()? {
            client = client.root_certificate_pem(certificates);
        }
        let client = client.build()?;
        name::set_host(hint);
        Ok(Self { client, owner: settings.owner.clone() })
    }

    /// Returns the owner for whom the command acts: the one of the token, or of `--owner`.
    pub(super) async fn acting_owner(&self) -> Result<String, Error> {
        let own = self.client.me().await?.owner;
        Ok(own.or_else(|| self.owner.clone()).unwrap_or_else(|| "local".to_owned()))
    }

    /// Returns a kind of the server.
    pub(crate) async fn kind(&self, name: &str) -> Result<ApiKind, Error> {
        match self.client.kind(name).await {
            Err(error) if error.code() == "unknown_kind" => Err(self.unknown_kind(name).await?),
            kind => Ok(kind?),
        }
    }

    /// Returns the error for a kind that the server does not have.
    async fn unknown_kind(&self, name: &str) -> Result<Error, Error> {
        let kinds = self.client.kinds().await?;
        let known: Vec<&str> = kinds.iter().map(|kind| kind.summary.kind.as_str()).collect();
        let suggestion = misspelled(name, known.iter().copied());
        let suggestion = suggestion.map(|suggestion| format!(". Did you mean '{suggestion}'?")).unwrap_or_default();
        let error = Error::new(Exit::NotFound, "unknown_kind", format!("the server has no kind '{name}'{suggestion}"));
        Ok(match known.len() {
            0..=FEW_KINDS => error.remedy(format!("its kinds are {}", known.join(", "))),
            _ => error.remedy("`connections kinds` lists those of the server"),
        })
    }
}

#[async_trait::async_trait(?Send)]
impl Backend for Remote {
    fn lookup(&self) -> &dyn Lookup {
        self
    }

    async fn close(&self) {
        // Each request has ended.
    }
}

/// Returns the error for a part of an answer that no server of this version sends.
pub(crate) fn unreadable(what: &str) -> Error {
    Error::new(Exit::Unexpected, "host_unexpected", format!("the server sent {what} that this program cannot read"))
        .remedy("use the version of the program that the server has")
}

/// Refuses a command that works on this machine alone. `path` has its words, such as `connections kinds add`.
pub(crate) fn check_command(path: &str) -> Result<(), Error> {
    if path.split_once(' ').is_none_or(|(_, words)| has_command(words)) {
        return Ok(());
    }
    Err(Error::usage(format!("`{path}` does not work with --host")).remedy(AT_THE_SERVER))
}

/// Returns the token, from the file of `--host-token-file` or from the environment.
fn token(global: &Global, environment: &Environment) -> Result<SecretString, Error> {
    let missing = |message: String| {
        Error::new(Exit::Usage, "host_token_missing", message).remedy(
            "put a token into the variable CONNECTIONS_HOST_TOKEN, or into a file that --host-token-file names; \
             `connections tokens create NAME --role manage` on the machine of the server makes one",
        )
    };
    let Some(path) = &global.host_token_file else {
        return environment.host_token().ok_or_else(|| missing("--host needs a token".to_owned()));
    };
    let path = named_path("--host-token-file", path)?;
    let secret = SecretFile::at(&path).read_blocking().map_err(|error| {
        let remedy = error.remedy();
        Error::new(Exit::Usage, "host_token_missing", format!("--host-token-file: {error}")).remedy(remedy)
    })?;
    let text = secret.expose_str().map(str::trim).filter(|text| !text.is_empty());
    text.map(SecretString::from).ok_or_else(|| missing(format!("--host-token-file: {} holds no text", path.display())))
}

#[cfg(test)]
#[cfg(feature = "workspace-tests")]
mod tests {
    use super::*;

    /// The commands that have a route and do not work on a server, as the specification says.
    const WITHOUT_HOST: [&str; 2] = ["open-settings", "resolve"];

    #[test]
    fn a_command_works_on_a_server_if_the_specification_of_the_api_names_its_route() {
        let api = include_str!("../../../../docs/spec/api.md");
        let table = api.split("## Commands, routes and methods").nth(1).unwrap().split("\n#").next().unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let mut counted = 0;
        for (command, rest) in rows {
            let expected = !rest.starts_with('–') && !WITHOUT_HOST.contains(&command);
            assert_eq!(has_command(command), expected, "{command}");
            assert_eq!(has_command(&format!("{command} x")), expected, "{command}");
            counted += usize::from(expected);
        }
        assert_eq!(counted, 77, "the number that the changelog names");
    }
}
