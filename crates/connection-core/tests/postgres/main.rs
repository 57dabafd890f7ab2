//! The suite of `tests/main` on PostgreSQL, and the tests that only PostgreSQL needs.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

include!("../main/both.rs");

// Only PostgreSQL: roles, TLS, and what may be in between.
mod commit_lost;
mod exchange_commits;
mod left_open;
mod places;
mod pooler;
mod schema;
mod server_faults;
mod servers;
mod signals;
