//! `mcp`: commands for programs that speak MCP.

mod adopt;
mod proxy;
mod serve;
mod upstream;

use crate::{
    Error, Exit,
    args::{Mcp, McpCommand},
    program::Program,
};

pub(super) async fn run(program: Program, arguments: Mcp) -> Result<Exit, Error> {
    match arguments.command {
        None => serve::run(program, arguments.agent.as_deref()).await,
        Some(McpCommand::Proxy { connection }) => proxy::run(program, &connection).await,
        Some(McpCommand::Adopt(arguments)) => adopt::run(program, arguments).await,
    }
}
