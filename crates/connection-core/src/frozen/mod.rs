//! What is frozen, as this process knows it: nothing frozen is used, and none of its secrets is handed out.
//!
//! One row of the store names all that is frozen. Its sign is read beside every row of a connection, so a use that has
//! its rows in memory decides from memory, with knowledge that is less than half a second old. Each use is registered
//! until its answer ends, and is cut as soon as this process learns that it is frozen. While a use lasts longer than
//! that, one task looks at the store for all of them. A use of an agent is also cut when its grant or its token ends.
//!
//! What a person withdraws is in force everywhere when the call returns, or the call says where it is not
//! (`presence.rs`, `in_force.rs`).

mod in_force;
mod known;
mod open_use;
mod permitted;
mod presence;
mod row;
mod set;
mod stopped;
mod watch;
mod what;

pub use in_force::{InForce, Withdrawal};
pub(crate) use known::KnownFreezes;
pub(crate) use open_use::{OpenUse, UseGuard, User};
pub(crate) use permitted::Permitted;
pub(crate) use presence::Process;
pub(crate) use row::{FreezeNote, Freezing, row_error, write};
pub(crate) use set::{FrozenSet, Used};
pub(crate) use stopped::Stopped;
pub use what::Frozen;
