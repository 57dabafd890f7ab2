//! The suite of `tests/main` on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

include!("../main/both.rs");
