//! Runs the setup of a connection plugin by replay.
//!
//! A setup is an asynchronous function. A host does not keep its future alive: every wait drops the future, and the
//! next input runs the function again from its start over the recorded results of its effects. This crate is the engine
//! of that replay. It runs one effect at a time, numbers effects and steps, compares requests by their fingerprints,
//! plans waits, and enforces the limits on plugins. The host provides the rest through the trait [`Host`]: the storage
//! of entries, the network, files and time.
//!
//! `connection-core` runs the engine over sealed rows, `connection-testkit` runs it in memory. Both therefore refuse
//! the same setups with the same messages.
//!
//! # One run
//!
//! 1. Create a [`Run`] from the journal and put it into the host.
//! 2. Wrap the host in [`Effects`], which implements every service of a setup, and create a
//!    [`SetupContext`](connection_contract::SetupContext) from it.
//! 3. Poll the plugin's setup until it ends or [`Effects::stopped`] returns `true`; then call [`Run::end`] and drop the
//!    future.
//! 4. Read [`Run::stop`] before the result, because a plugin cannot hide a fault by returning. At a wait, record the
//!    input that ended it under the number and fingerprint of [`Suspended`], and run the setup again.
//!
//! `examples/memory.rs` is a complete host in memory, with a plugin that it runs.
//!
//! # What this crate is not
//!
//! The crate does not use `std`, does no I/O and depends on `connection-contract` alone. It knows no store, network,
//! provider or session, and no cryptography except the digests that the host computes. Leases, expiry, cancellation and
//! the use of a result are left to the host.
//!
//! # Stability
//!
//! The API may change without notice. Two things do not change: every entry that [`Entry::encode`] has written stays
//! readable, and the fingerprint of a request stays the same.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod answer;
mod characters;
pub mod container;
pub mod descriptor;
pub mod discovery;
mod effect_request;
mod effects;
mod fault;
mod host;
mod journal;
mod key;
pub mod limits;
mod may_hold;
mod private_key;
mod run;
mod services;
pub mod usage;
mod wait;

pub use effect_request::{EffectRequest, Part, WaitEndings};
pub use effects::Effects;
pub use fault::Fault;
pub use host::{Host, StoreChange};
pub use journal::{Effect, Entry, to_response, with_response};
pub use may_hold::may_hold_token;
pub use run::{MAX_ENTRY_LENGTH, Run, Stop, Suspended};
