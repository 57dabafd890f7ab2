//! Requests that spend something, such as a refresh token.
//!
//! The intent is committed before a byte leaves, and the answer before a plugin sees it, so that no answer is lost. The
//! request and its recording run on a task of their own, so that a caller may leave. An attempt without an answer stays
//! recorded; the rule in `replay` decides whether it may be sent again. See `docs/design/refresh.md`.

mod abandoned;
mod answer;
mod answer_slots;
mod courier;
mod key;
mod life_signs;
#[cfg(feature = "sqlite")]
mod look;
mod quarantine;
mod recording;
mod replay;
mod request;
mod rescue;
pub(crate) mod rescued_entry;
mod send;
mod spends;
mod state;
mod system;
mod table;
#[cfg(test)]
mod tests;
mod unanswered;

#[cfg(all(feature = "postgres", feature = "sqlite"))]
pub(crate) use abandoned::settle;
pub(crate) use abandoned::{conclude_abandoned, end_of_unknown, recover, silent, unknown};
pub(crate) use courier::check as check_courier;
pub use courier::{CourierStream, Couriers, run_courier};
#[cfg(feature = "sqlite")]
pub(crate) use look::NodeLook;
pub(crate) use quarantine::boot_time;
pub(crate) use replay::{Rule, SEND_WITHIN};
pub(crate) use request::{Deadline, Exchange, ExchangeOutcome, HeldHere, Uncertain};
pub(crate) use rescue::{COMMIT_PATIENCE, commit_or_keep, has_ended};
pub(crate) use send::{MAX_REFRESH, send};
pub(crate) use spends::{AnsweredExchange, ConnectionSpends, Spender};
pub(crate) use state::{StateDirectory, Users};
pub(crate) use system::System;
pub(crate) use table::Exchanges;

pub(crate) use crate::store::{ExchangeKey, ExchangeScope};
