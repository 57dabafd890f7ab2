//! What reaches a host from outside, as a browser or a program sends it. On SQLite.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

include!("both.rs");

// Addresses alone, without a store.
mod addresses;
#[cfg(unix)]
mod browser;
mod configured;
mod examples;
mod server;
