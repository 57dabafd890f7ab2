//! What a plugin may say in a setup, and the journal in which a setup is recorded.
//!
//! # What this crate is not
//!
//! It has no `std`, does no I/O and depends on `connection-contract` alone. It knows no store, no network and no provider.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod journal;
pub mod limits;

pub use journal::{Effect, Entry, to_response, with_response};
