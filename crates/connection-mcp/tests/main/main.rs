//! The messages of MCP that the crate passes on.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod proxy;
