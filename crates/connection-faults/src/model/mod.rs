//! The refresh of a connection as a model of its states, and a checker that visits them all.
//!
//! The model leaves out what does not matter: there is one row, a token is a number, and time is what it lets happen. A
//! lease and a window end when they may; a quarantine ends when what was sent before it began is processed or lost; a
//! day passes when a node is silent. The number of sends has no bound, but faults are a budget, so that every state can
//! be visited. [`Invariant`] says what must hold; the tables are in `docs/design/refresh.md`, and a test compares them.

mod attempt;
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
