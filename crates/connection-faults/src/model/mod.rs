//! The refresh of a connection as a model of its states, and a checker that visits them all.
//!
//! A model forgets what does not matter: there is one row, a token is a number, and time is what it lets happen. A
//! lease and a window end when they may; a quarantine ends when what was sent before it began is processed or lost.
//! Faults are a budget, so that all there is can be visited. What must hold is in [`Invariant`]; the tables are in
//! `docs/design/refresh.md`, and a test compares them.

mod cases;
mod checker;
mod designs;
mod label;
mod protocol;
mod refresh;
mod state;
mod table;
mod world;

pub use cases::{Case, Expected, compared, protocol, rejected};
pub use refresh::{Ends, Invariant};
pub use table::{Outcome, ended, failed, held};
