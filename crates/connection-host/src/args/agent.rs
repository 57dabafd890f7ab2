//! The arguments of the command `agents`.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Subcommand};

use super::ExplainedRequest;

#[derive(Debug, Subcommand)]
pub(crate) enum AgentsCommand {
    /// List agents, and what each may use
    List,
    /// Show what an agent may do, and its tokens
    Show {
        /// The agent's name
        name: String,
    },
    /// Create an agent, and print a token for it once
    Create(CreateAgent),
    /// Let an agent use a connection within rules
    Grant(GrantAgent),
    /// Say which rule of an agent's grant decides about a request, and why
    Explain(ExplainAgent),
    /// Propose the narrowest rules that cover what an agent did
    #[command(after_help = LEARN)]
    Learn(LearnAgent),
    /// Take a connection away from an agent
    Revoke {
        /// The agent's name
        name: String,
        /// KIND, KIND:LABEL, an id, or the end of an id
        connection: String,
    },
    /// Remove an agent with its grants and tokens
    Remove {
        /// The agent's name
        name: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Run a program in a container whose doors are a socket
    #[command(hide = true)]
    Forward(Forward),
    /// Run a program with the agent's connections
    #[command(after_help = RUN)]
    Run(RunAgent),
    /// Make another token for an agent, or revoke one
    Token(AgentToken),
}

const LEARN: &str = "\
Each rule of the grant is narrowed to the methods and the paths that are on record. Ids, and names of which four were
seen, become a name in braces; the other conditions of a rule stay. You see the difference before anything changes.";

const RUN: &str = "\
The program gets a token of the agent, which is revoked when the program ends, and the variables that direct the usual
programs of each provider to the server: `connections serve` of the same database must run. AGENT_TOKEN and AGENT_DOOR
are for all others. A program with an address of its own gets to the connections through a proxy, which HTTPS_PROXY
names; it sends the token in place of the provider's. Everything else passes to public addresses, and to nothing else.
If this process is killed, the token ends by its lifetime. The exit status is the program's.";

#[derive(Args, Debug)]
pub(crate) struct RunAgent {
    /// The agent's name
    pub(crate) name: String,
    /// Set the variables of this connection alone; may be repeated [default: all that the agent may use]
    #[arg(long = "connection", value_name = "CONNECTION")]
    pub(crate) connections: Vec<String>,
    /// The time after which the token ends though the program runs
    #[arg(long, value_name = "TIME", default_value = "12h")]
    pub(crate) lifetime: String,
    /// Refuse addresses that are not of the agent's connections
    #[arg(long)]
    pub(crate) only_granted: bool,
    /// Let the program reach this address through the proxy, though it is not public; may be repeated
    #[arg(long = "tunnel", value_name = "HOST:PORT")]
    pub(crate) tunnels: Vec<String>,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) program: Vec<OsString>,
}

/// The arguments of the program that `run --sandbox --with` starts in the container.
#[derive(Args, Debug)]
pub(crate) struct Forward {
    /// The socket of the doors
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: PathBuf,
    /// Set a variable of the program, with `{doors}` and `{token}` in its value; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) program: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct CreateAgent {
    /// A name of the characters a-z, 0-9 and `-`
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) token: TokenArguments,
}

/// The properties of a token of an agent.
#[derive(Args, Debug)]
pub(crate) struct TokenArguments {
    /// Where the token is accepted: `doors` for requests, `mcp` for models
    #[arg(long, value_name = "AUDIENCE", default_value = "doors", value_parser = ["doors", "mcp"])]
    pub(crate) audience: String,
    /// The time after which the token ends, at most 366d
    #[arg(long, value_name = "TIME", default_value = "90d")]
    pub(crate) lifetime: String,
}

#[derive(Args, Debug)]
pub(crate) struct GrantAgent {
    /// The agent's name
    pub(crate) name: String,
    /// KIND, KIND:LABEL, an id, or the end of an id
    pub(crate) connection: String,
    /// A preset of the connection's kind, or a file: a name with a `/`, or one that ends in .toml or .json
    #[arg(long, value_name = "PRESET|FILE", default_value = "ask")]
    pub(crate) rules: String,
    /// The time after which the grant ends, such as 8h or 30d [default: as the rules say, or 24h]
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
    /// Let programs such as git get the secret itself, with `connections credential`
    #[arg(long)]
    pub(crate) release: bool,
    /// Do not ask before an existing grant is widened
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ExplainAgent {
    /// The agent's name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) request: ExplainedRequest,
    /// The connection [default: the only one that the agent may use]
    #[arg(long)]
    pub(crate) connection: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct LearnAgent {
    /// The agent's name
    pub(crate) name: String,
    /// KIND, KIND:LABEL, an id, or the end of an id [default: the only one that the agent may use]
    pub(crate) connection: Option<String>,
    /// Learn from uses since this time (RFC 3339), or this duration before now, such as 8h
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Also cover requests that no rule is about: allow GET and HEAD, and ask about all else
    #[arg(long)]
    pub(crate) refused: bool,
    /// Do not ask before the grant is changed
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct AgentToken {
    /// The agent's name
    pub(crate) agent: String,
    /// A name by which you recognize the token [default: the agent's name]
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) token: TokenArguments,
    /// Revoke the token with this id, or this end of an id, and make none
    #[arg(long, value_name = "ID", conflicts_with_all = ["name", "audience", "lifetime"])]
    pub(crate) revoke: Option<String>,
}
