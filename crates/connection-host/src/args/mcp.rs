//! Commands for programs that speak MCP.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum McpCommand {
    /// Pass MCP messages of standard streams to a connection
    Proxy {
        /// LABEL, mcp:LABEL, an id, or the end of an id
        connection: String,
    },
}
