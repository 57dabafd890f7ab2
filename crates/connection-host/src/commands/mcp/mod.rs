//! `mcp`: commands for programs that speak MCP.

pub(super) mod adopt;
pub(super) mod proxy;
mod upstream;
