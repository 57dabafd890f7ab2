//! A model of the refresh of a connection, and a checker that visits every state of it.
//!
//! The model is an abstraction: there is one row, a token is a number, and there is no clock. Instead, the lease of a
//! process that is killed or paused and a window may end at any time, a quarantine ends when every request sent before it began is processed or lost, and a
//! day passes while a node is silent. The number of sends is not bounded, but the faults have a budget, so that the
//! number of states is finite.
//!
//! [`Invariant`] lists the properties that must hold. A test compares the results with the tables in
//! `docs/design/refresh.md`.

mod attempt;
mod cases;
mod checker;
mod designs;
mod environment;
mod label;
mod protocol;
mod refresh;
mod state;
mod table;

pub use cases::{Case, Expected, compared, protocol, rejected};
pub use refresh::{Ends, Invariant};
pub use table::{Outcome, ended, failed, held};
