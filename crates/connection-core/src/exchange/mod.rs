//! Requests that spend something: the same thing is never sent twice, and no answer is lost.
//!
//! An intent is committed before a byte leaves, and the answer before a plugin sees it. The request and its recording run
//! on a task of their own, so that whoever waits may leave. What was sent and not answered stays noted; whether it may be
//! sent again is decided by the rule in `replay`. See `docs/design/refresh.md`.

mod abandoned;
mod answer;
mod flight;
mod key;
mod look;
mod places;
mod recording;
mod replay;
mod rescue;
pub(crate) mod rescued_entry;
mod sign;
mod spends;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod unanswered;

pub(crate) use abandoned::{conclude_abandoned, recover, unknown};
pub(crate) use flight::{Ended, Exchange, LONGEST_REFRESH, Rule, Uncertain, send};
pub(crate) use key::{ExchangeKey, Scope};
pub(crate) use look::boot_time;
pub(crate) use replay::SEND_WITHIN;
pub(crate) use rescue::{PATIENCE, beside};
pub(crate) use spends::{ConnectionSpends, Spender};
pub(crate) use state::StateDirectory;
pub(crate) use table::Exchanges;
