//! Runs the setup of a connection plugin by replay.
//!
//! A setup is an asynchronous function that a host never keeps alive: every wait drops its future, and the next input runs
//! it again from its start over the recorded results of its effects. This crate is the engine of that. It takes turns (one
//! effect at a time), numbers effects and steps, compares questions by their fingerprints, plans waits, and holds a plugin
//! to its limits. A host brings the rest through the trait [`Host`]: where entries are recorded, the network, files, time.
//!
//! `connection-core` runs the engine over sealed rows, `connection-testkit` in memory. So whatever a real host refuses in
//! a setup, the suite of the testkit refuses with the same words.
//!
//! # One run
//!
//! 1. Make a [`Run`] of the journal and put it into the host.
//! 2. Wrap the host in [`Effects`], which has every service of a setup, and make a
//!    [`SetupContext`](connection_contract::SetupContext) of it.
//! 3. Poll the plugin's setup until it ends or [`Effects::stopped`] says so; then call [`Run::end`] and drop the future.
//! 4. Look at [`Run::stop`] before the result: a plugin at fault cannot hide it by ending. At a wait, record what ended it
//!    under the number and fingerprint of [`Suspended`], and run again.
//!
//! `examples/memory.rs` is a complete host in memory, with a plugin that it runs.
//!
//! # What this crate is not
//!
//! It has no `std`, does no I/O and depends on `connection-contract` alone. It knows no store, no network, no provider, no
//! cryptography but the digests that the host computes, and no session: leases, expiry, cancellation and what becomes of a
//! result are the host's.
//!
//! # Stability
//!
//! May change without notice, but for two things: what [`Entry::encode`] once wrote is read for ever, and the fingerprint
//! of a question does not change.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod effects;
mod fault;
mod host;
mod journal;
pub mod limits;
mod question;
mod run;
mod services;
mod wait;

pub use effects::Effects;
pub use fault::Fault;
pub use host::{Beside, Host};
pub use journal::{Effect, Entry, to_response, with_response};
pub use question::{Part, Question, Ways};
pub use run::{LONGEST_ENTRY, Run, Stop};
pub use wait::Suspended;
