//! The door for models: tools of the Model Context Protocol (MCP) through which an agent uses its connections.
//!
//! The tools decide nothing by themselves: a request goes down the same way as one at the reverse door. The protocol and
//! its transports are those of `rmcp`. Nothing is remembered between two requests except long answers: a request that
//! waits for a person is found by its connection, method, address, media type and body.

mod access;
mod arguments;
mod check;
mod delivery;
mod http;
mod list;
mod more;
mod reply;
mod request;
mod rests;
mod send;
mod server;
mod session;
mod stdio;
mod tools;

pub(super) use http::routes;
pub(super) use rests::Rests;
pub use stdio::serve_mcp;
