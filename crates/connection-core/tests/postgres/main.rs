//! The suite of `tests/main` on PostgreSQL, and what is PostgreSQL's alone.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

include!("../main/both.rs");

// PostgreSQL alone: roles, TLS, and what may be between.
mod commit_lost;
mod exchange_commits;
mod left_open;
mod pooler;
mod schema;
mod server_faults;
mod servers;
mod signals;
