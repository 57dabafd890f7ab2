//! The server that `--host` names. Commands work there in place of the local store, which is neither opened nor created.

mod convert;
mod error;
mod lookup;

use connection_client::Client;
use connection_contract::Kind;
use connection_core::SecretFile;
use secrecy::SecretString;

pub(crate) use convert::{SetupProgress, connection, event, failure, removal, setup_state, shown};
pub(crate) use error::clean;
pub(crate) use lookup::{RemotePages, converted};

use crate::{
    Error, Exit, args::Global, common::Common, config::Environment, kind_entry::KindEntry, name, output::quoted,
    spelling::misspelled,
};

/// The commands that work on a server.
pub(crate) const COMMANDS: [&str; 12] =
    ["add", "default", "events", "link", "list", "reauthorize", "remove", "rename", "send", "show", "tag", "verify"];
/// The remedy for a command or an option that works on the machine of the server alone.
pub(crate) const AT_THE_SERVER: &str = "run this command on the machine of the server, without --host";
/// The number of kinds up to which an error lists all of them.
const FEW_KINDS: usize = 20;

/// A server, and the state that all commands share.
pub(crate) struct Remote {
    pub(crate) common: Common,
    pub(crate) client: Client,
}

pub(crate) struct RemoteKind {
    pub(crate) entry: KindEntry,
    /// The capabilities of its connections, in words.
    pub(crate) capabilities: Vec<String>,
    /// The address to register at the provider, if browsers return to the server.
    pub(crate) redirect_uri: Option<String>,
}

impl Remote {
    /// Returns the server at this address. Nothing is requested.
    pub(crate) fn new(address: &str, global: &Global, common: Common) -> Result<Self, Error> {
        let mut hint = format!(" --host {}", quoted(address));
        if let Some(path) = &global.host_token_file {
            hint.push_str(&format!(" --host-token-file {}", quoted(&path.display().to_string())));
        }
        let mut client = Client::builder(address, token(global, &common.environment)?);
        if let Some(owner) = &common.settings.owner {
            client = client.owner(owner.as_str());
        }
        if let Some(certificates) = common.settings.root_certificate()? {
            client = client.root_certificate_pem(certificates);
        }
        let client = client.build()?;
        name::set_host(hint);
        common.output.waits_for("the server");
        Ok(Self { common, client })
    }

    /// Asks the server for a kind, and remembers it.
    pub(crate) async fn learn_kind(&mut self, name: &str) -> Result<RemoteKind, Error> {
        let kind = match self.client.kind(name).await {
            Err(error) if error.code() == "unknown_kind" => return Err(self.unknown_kind(name).await?),
            kind => kind?,
        };
        let entry = convert::kind(&kind)?;
        self.common.learn([entry.clone()]);
        let capabilities = kind.capabilities.iter().map(|word| clean(word)).collect();
        Ok(RemoteKind { entry, capabilities, redirect_uri: kind.redirect_uri.as_deref().map(clean) })
    }

    /// As [`learn_kind`](Self::learn_kind), for what the output shows about a connection whose kind may be gone.
    pub(crate) async fn look_at_kind(&mut self, kind: &Kind) -> Result<Option<RemoteKind>, Error> {
        match self.learn_kind(kind.as_str()).await {
            Ok(kind) => Ok(Some(kind)),
            Err(error) if error.code == "unknown_kind" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the error for a kind that the server does not have.
    async fn unknown_kind(&self, name: &str) -> Result<Error, Error> {
        let kinds = self.client.kinds().await?;
        let known: Vec<&str> = kinds.iter().map(|kind| kind.kind.as_str()).collect();
        let suggestion = misspelled(name, known.iter().copied());
        let suggestion = suggestion.map(|suggestion| format!(". Did you mean '{suggestion}'?")).unwrap_or_default();
        let error = Error::new(Exit::NotFound, "unknown_kind", format!("the server has no kind '{name}'{suggestion}"));
        Ok(match known.len() {
            0..=FEW_KINDS => error.remedy(format!("its kinds are {}", known.join(", "))),
            _ => error.remedy("`connections add` without a kind shows those of the server to choose from"),
        })
    }
}

/// Refuses a command that works on this machine alone. `path` has its words, such as `connections setup resume`.
pub(crate) fn check_command(path: &str) -> Result<(), Error> {
    if path.split(' ').nth(1).is_some_and(|word| COMMANDS.contains(&word)) {
        return Ok(());
    }
    Err(Error::usage(format!("`{path}` does not work with --host"))
        .remedy(format!("{AT_THE_SERVER}; with --host work {}", COMMANDS.join(", "))))
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
    let secret = SecretFile::at(path).read_blocking().map_err(|error| {
        let remedy = error.remedy();
        Error::new(Exit::Usage, "host_token_missing", format!("--host-token-file: {error}")).remedy(remedy)
    })?;
    let text = secret.expose_str().map(str::trim).filter(|text| !text.is_empty());
    text.map(SecretString::from).ok_or_else(|| missing(format!("--host-token-file: {} holds no text", path.display())))
}
