//! The core as a host sees it: a real database, real HTTP on loopback, time moved by hand. On SQLite.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

include!("both.rs");

// Files, their modes and their damage.
mod exchange_faults;
mod open_faults;
mod schema;

// What a pool of SQLite connections is set to.
mod sqlite_pools;
mod store_faults;
