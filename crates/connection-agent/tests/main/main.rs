//! Tools in containers and usage as a host sees them: a real database, real HTTP on loopback, and a clock
//! that tests move.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

include!("both.rs");
