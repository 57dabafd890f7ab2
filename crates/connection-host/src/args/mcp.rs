//! Commands for programs that speak MCP.

use clap::{Args, Subcommand};

use super::FinishArguments;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Mcp {
    /// Use the connections of this agent [default: the one whose token is in AGENT_TOKEN]
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Option<McpCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum McpCommand {
    /// Pass MCP messages of standard streams to a connection
    Proxy {
        /// LABEL, mcp:LABEL, an id, or the end of an id
        connection: String,
    },
    /// Let programs use the MCP servers of their configurations through connections
    Adopt(Adopt),
}

#[derive(Args, Debug)]
pub(crate) struct Adopt {
    /// Names or addresses of servers in the configurations [default: chosen from a list]
    #[arg(value_name = "SERVER")]
    pub(crate) servers: Vec<String>,
    /// Show the servers, and change nothing
    #[arg(long, conflicts_with_all = ["servers", "undo"])]
    pub(crate) list: bool,
    /// Restore the configurations as they were
    #[arg(long, conflicts_with = "servers")]
    pub(crate) undo: bool,
    /// Read the configurations of the project in this directory, too
    #[arg(long)]
    pub(crate) project: bool,
    #[command(flatten)]
    pub(crate) finish: FinishArguments,
}
