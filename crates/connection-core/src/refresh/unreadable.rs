//! Answers with a successful status that the plugin could not read. The provider has used up the token, and the new one
//! may be in the answer, so the answer is kept, and the former token is not sent again unless a person forces it.

use connection_contract::{Liveness, NotLive, Reason, Timestamp, reason};

use crate::{
    exchange::{AnsweredExchange, ExchangeKey, Uncertain, unknown},
    plan,
    store::{
        Reopened, StoreError, Tx,
        rows::{BootTime, UNREADABLE_KEPT},
    },
};

/// The pause, in seconds, until the plugin is given a kept answer again. No request is sent then.
pub(super) const READ_AGAIN_AFTER: i64 = 86_400;

const READ_AGAIN: &str =
    "after an update of this program or of the kind, refresh this connection, which reads the answer again";
const FORCE: &str =
    "forcing the refresh sends the former token once more, which may end the authorization, and keeps the answer";

/// An answer with a successful status that the plugin could not read.
#[derive(Clone, Copy)]
pub(super) struct UnreadableAnswer {
    pub(super) key: ExchangeKey,
    may_hold_token: bool,
    /// The time from which a forced refresh sends the token again, if not now.
    pub(super) sends_from: Option<Timestamp>,
}

impl UnreadableAnswer {
    pub(super) fn of(why: &NotLive, answered: AnsweredExchange) -> Self {
        Self { key: answered.key, may_hold_token: may_be_lost(why, answered), sends_from: None }
    }

    /// Keeps the answer and returns what the connection says. Returns `None` if the answer holds no token, so that the
    /// former one is sent again instead.
    pub(super) async fn keep(&self, tx: &mut Tx, why: &Reason, seen: &BootTime) -> Result<Option<NotLive>, StoreError> {
        if !self.may_hold_token {
            return Ok(None);
        }
        let Some(sent) = tx.set_answer_aside(self.key, seen).await? else { return Ok(None) };
        let since = sent.concluded_at.unwrap_or(sent.at);
        let until = Timestamp::from_seconds(since.saturating_add(UNREADABLE_KEPT)).to_rfc3339();
        let why = why.message.as_str();
        let message =
            format!("the provider answered, and the answer could not be read: {why}; it is kept until {until}");
        let remedy = format!("{READ_AGAIN}; {FORCE}; or {}", reason::AUTHORIZE_AGAIN);
        Ok(Some(NotLive::offline(Reason::new(reason::REFRESH_OUTCOME_UNKNOWN, message).remedy(remedy))))
    }
}

/// Returns `true` if the plugin could not read an answer that may hold the new token. A plugin that read a limit says so.
pub(super) fn may_be_lost(why: &NotLive, answered: AnsweredExchange) -> bool {
    let is_limit = why.reason.code == reason::RATE_LIMITED || why.recheck_after.is_some();
    why.liveness == Liveness::Offline && !is_limit && answered.may_hold_token
}

/// Returns what a connection says after the provider has refused a token that an earlier attempt may have spent, whose answer
/// was lost or is kept.
pub(super) fn refused_again(end: Option<&str>, is_kept: bool) -> NotLive {
    let (earlier, remedy) = match is_kept {
        true => {
            ("an earlier answer could not be read and is kept", format!("{READ_AGAIN}; or {}", reason::AUTHORIZE_AGAIN))
        }
        false => ("an earlier answer was lost", reason::AUTHORIZE_AGAIN.to_owned()),
    };
    let end = end.map(|end| format!("{earlier}, and {end}"));
    NotLive::failing(unknown(end.as_deref()).remedy(remedy))
}

/// Returns the state of an exchange whose answer held no token.
pub(super) fn reopened(now: i64, Reopened { replays, unclear_for }: Reopened) -> Uncertain {
    let attempts = replays.saturating_add(1);
    let sent_at = Timestamp::from_seconds(now);
    let replay_at = Some(Timestamp::from_seconds(now.saturating_add(plan::after_unclear(1))));
    Uncertain {
        sent_at,
        replay_at,
        awaited: None,
        attempts,
        over_for: 0,
        unclear_for,
        retry_after: 0,
        is_left: false,
        is_silent: false,
        held: None,
    }
}
