//! An MCP client in Rust that uses a connection of a host, and never holds its credential.
//!
//! [`ConnectionClient`] is an HTTP client of [`rmcp`]: the client of MCP sends each message through it, and the connection
//! attaches the credential, refreshes it and keeps the record of use. With [`ConnectionClient::for_agent`], the rules of
//! an agent's grant decide about each message.
//!
//! ```
//! use connection_core::{ConnectionId, ConnectionRegistry};
//! use connection_rmcp::ConnectionClient;
//! use rmcp::ServiceExt as _;
//!
//! #   // region: readme
//! async fn tools(registry: &ConnectionRegistry, id: ConnectionId) -> Result<Vec<String>, Box<dyn std::error::Error>> {
//!     let client = ConnectionClient::new(registry.connection(id).await?);
//!     let client = ().serve(client.transport().await?).await?;
//!     let tools = client.list_all_tools().await?;
//!     Ok(tools.iter().map(|tool| tool.name.to_string()).collect())
//! }
//! #   // end: readme
//! # let _ = tools;
//! ```
//!
//! # What this crate is not
//!
//! It registers no client at an authorization server and refreshes nothing by itself: a connection of the kind `mcp`, or of
//! any other kind whose base address is that of an MCP server, is set up as each connection is.
//!
//! # Stability
//!
//! The API follows that of `rmcp`, and changes with it.
#![forbid(unsafe_code)]

mod answer;
mod asked;
mod client;

pub use client::ConnectionClient;
