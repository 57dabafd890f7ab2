//! The core as a host sees it: a real database, real HTTP on loopback, and a clock that tests move. The tests in `both.rs`
//! run on SQLite, and with `CONNECTIONS_TEST_ENGINE=postgres` on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

include!("both.rs");

// Files, their modes and their damage.
mod backups;
mod displaced;
mod exchange_faults;
mod moves_to_postgres;
mod open_faults;
mod restore_faults;
mod restores;

// The options of a pool of SQLite connections.
mod sqlite_pools;
mod store_faults;

// What only PostgreSQL needs.
mod postgres;
