//! The messages of MCP that the crate passes on, and the configurations of clients, each format with realistic files.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod adoption_kills;
mod adoption_record;
mod client_files;
mod client_find;
mod client_fixtures;
mod client_layouts;
mod client_replace;
mod client_undo;
mod proxy;
