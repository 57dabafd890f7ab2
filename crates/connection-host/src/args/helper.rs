//! The arguments of the command `credential`.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// Answer the AWS SDKs, as `credential_process` in the configuration of a profile
    Aws(Helper),
    /// Answer cargo, as `credential-provider` of a registry
    Cargo(CargoHelper),
    /// Answer docker, from a program called docker-credential-NAME
    Docker {
        #[command(flatten)]
        helper: Helper,
        /// What docker asks for
        action: DockerAction,
    },
    /// Answer git, as `credential.https://HOST.helper`
    Git {
        #[command(flatten)]
        helper: Helper,
        /// What git asks for
        action: GitAction,
    },
    /// Print the headers with the credential for an address, as JSON
    Headers {
        #[command(flatten)]
        helper: Helper,
        /// The address [default: that in CLAUDE_CODE_MCP_SERVER_URL, which Claude Code sets for a headersHelper]
        address: Option<String>,
    },
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Helper {
    /// The agent whose connections are used
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: String,
    /// Use this connection of the agent, if several answer
    #[arg(long)]
    pub(crate) connection: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct CargoHelper {
    /// The agent whose connections are used [default: as the arguments in the request say]
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Use this connection of the agent, if several answer
    #[arg(long)]
    pub(crate) connection: Option<String>,
    /// Cargo adds this argument
    #[arg(long, hide = true)]
    pub(crate) cargo_plugin: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GitAction {
    /// Print the credential
    Get,
    /// Do nothing: the credential comes from the connection
    Store,
    /// Check the connection, because the provider refused a credential
    Erase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DockerAction {
    /// Print the credential
    Get,
    /// Refuse: the credential comes from the connection
    Store,
    /// Refuse: nothing is stored for docker
    Erase,
    /// Print an empty list
    List,
}
