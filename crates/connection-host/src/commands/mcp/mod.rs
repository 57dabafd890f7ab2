//! `mcp`: commands for programs that speak MCP.

pub(super) mod adopt;
pub(super) mod proxy;
pub(super) mod serve;
mod upstream;
