//! Requests of agents about which a rule says that a person is asked.
//!
//! A request is stored whole before a credential is attached to it, sealed, in a row with a mark. What a person
//! approves is bound to the row by a digest over a random number and the whole request. The row goes through its states
//! once: it waits, it is approved or refused, it is executed at most once, and it ends with an answer, or without one.
//!
//! A grant may also be widened for a while: the rule then lets requests with one method and one path pass.

mod equal;
mod facts;
mod lapse;
mod marks;
mod stored;
mod visible;
mod widening;

pub(crate) use equal::{found, same};
pub(crate) use facts::{Answerer, Facts};
pub(crate) use lapse::{lapse, lapse_of_connection, lapse_of_grant, state_at};
pub(crate) use marks::{delete, insert, put};
pub(crate) use stored::{StoredAnswer, StoredRequest, digest};
pub use visible::visible;
pub use widening::Widening;
pub(crate) use widening::{NewWidening, Scope, end_widenings, widen, widening_of};
