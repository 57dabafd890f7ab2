//! The spending requests of one refresh.

use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use connection_contract::{
    BoxFuture, HttpError, HttpRequest, HttpResponse, Kind, RefreshSemantics, Spend, SpendService,
};
use connection_egress::Egress;
use connection_replay::may_hold_token;

use super::{Deadline, Exchange, ExchangeKey, ExchangeOutcome, ExchangeScope, Rule, Uncertain, send};
use crate::{ConnectionId, Error, exchange::System};

/// The credential whose token is spent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spender<'a> {
    pub(crate) id: ConnectionId,
    pub(crate) owner: &'a str,
    pub(crate) kind: &'a Kind,
    /// The generation of the credential. Nothing is spent if another credential is current.
    pub(crate) generation: i64,
    /// `true` for the attempt that a person forces. Any other one spends nothing of a credential that is marked as restored,
    /// also if it was marked after the attempt had begun.
    pub(crate) spends_restored: bool,
    /// The exchanges whose kept answers are passed over. A request for one of them is an exchange of its own.
    pub(crate) passed: &'a [ExchangeKey],
}

/// An exchange whose answer is recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnsweredExchange {
    pub(crate) key: ExchangeKey,
    /// `true` if the status of the answer is a success.
    pub(crate) is_success: bool,
    /// `true` if the answer may hold a token, whether or not the plugin can read it.
    pub(crate) may_hold_token: bool,
}

/// The spending requests of one refresh of one connection.
///
/// If nothing can be recorded, a request stays pending and [`is_stopped`](Self::is_stopped) returns `true`. The caller
/// then drops the plugin, and the refresh ends with the error of [`stopped`](Self::stopped).
pub(crate) struct ConnectionSpends {
    system: Arc<System>,
    id: ConnectionId,
    owner: String,
    kind: Kind,
    generation: i64,
    spends_restored: bool,
    passed: Vec<ExchangeKey>,
    rule: Rule,
    egress: Egress,
    deadline: Deadline,
    seen: Mutex<SpendState>,
}

#[derive(Default)]
struct SpendState {
    /// The exchanges whose answers are recorded, in the order of the answers.
    answered: Vec<AnsweredExchange>,
    /// `true` if the plugin made another request after the last of these exchanges.
    elsewhere: bool,
    uncertain: Option<Uncertain>,
    /// `true` while an exchange has no end.
    is_out: bool,
    /// The exchange whose answer is lost.
    lost: Option<ExchangeKey>,
    stopped: Option<Error>,
}

impl ConnectionSpends {
    /// Returns the service. Requests are bounded by `egress`, and none is sent after `deadline`.
    pub(crate) fn new(
        system: &Arc<System>,
        spender: Spender<'_>,
        semantics: RefreshSemantics,
        egress: Egress,
        deadline: Deadline,
    ) -> Self {
        let Spender { id, owner, kind, generation, spends_restored, passed } = spender;
        Self {
            system: system.clone(),
            id,
            owner: owner.to_owned(),
            kind: kind.clone(),
            generation,
            spends_restored,
            passed: passed.to_vec(),
            rule: Rule::BySemantics(semantics),
            egress,
            deadline,
            seen: Mutex::default(),
        }
    }

    /// Returns the exchanges that the transaction which stores the refreshed credential passes to
    /// [`Tx::settle_exchanges`](crate::store::Tx::settle_exchanges).
    pub(crate) fn keys(&self) -> Vec<ExchangeKey> {
        self.seen().answered.iter().map(|answered| answered.key).collect()
    }

    /// Returns the exchanges to settle if the plugin failed: those with refusals, and the one on whose answer the
    /// plugin based its result. An earlier success may hold the only token that works, so the next attempt receives it
    /// again.
    pub(crate) fn keys_to_settle(&self) -> Vec<ExchangeKey> {
        let seen = self.seen();
        let last = seen.answered.len().checked_sub(1).filter(|_| !seen.elsewhere);
        let judged = |(index, answered): (usize, &AnsweredExchange)| {
            (!answered.is_success || Some(index) == last).then_some(answered.key)
        };
        seen.answered.iter().enumerate().filter_map(judged).collect()
    }

    /// Returns the exchange on whose answer the plugin based its result, if its status was a success. The token is
    /// spent even if the plugin cannot read the answer.
    pub(crate) fn accepted(&self) -> Option<AnsweredExchange> {
        let seen = self.seen();
        seen.answered.last().filter(|answered| answered.is_success && !seen.elsewhere).copied()
    }

    /// Records that another request begins, on whose answer the plugin may also base its result.
    pub(crate) fn record_other_request(&self) {
        self.seen().elsewhere = true;
    }

    /// Returns the state of an exchange without a clear answer, if there was one.
    pub(crate) fn uncertain(&self) -> Option<Uncertain> {
        self.seen().uncertain
    }

    /// Returns the exchange whose answer came and is lost, such as one that is kept no longer, if there was one.
    pub(crate) fn lost(&self) -> Option<ExchangeKey> {
        self.seen().lost
    }

    /// Returns `true` if a request may have been sent, and its exchange has not ended.
    pub(crate) fn is_out(&self) -> bool {
        self.seen().is_out
    }

    /// Returns `true` if the plugin waits for a request that stays pending.
    pub(crate) fn is_stopped(&self) -> bool {
        self.seen().stopped.is_some()
    }

    /// Returns why nothing can be recorded. Nothing more was sent.
    pub(crate) fn stopped(&self) -> Option<Error> {
        self.seen().stopped.clone()
    }

    /// Returns the exchange of a request that spends something.
    pub(super) fn exchange(&self, key: ExchangeKey) -> Exchange {
        Exchange {
            key,
            scope: ExchangeScope::Connection(self.id),
            owner: self.owner.clone(),
            kind: self.kind.clone(),
            rule: self.rule,
            generation: Some(self.generation),
            spends_restored: self.spends_restored,
            former: None,
            egress: self.egress.clone(),
            deadline: self.deadline.clone(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, SpendState> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpendService for ConnectionSpends {
    fn send_once<'a>(
        &'a self,
        spend: Spend<'a>,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        let sealer = &self.system.ground.sealer;
        let mut key = ExchangeKey::of_connection(sealer, self.id, &spend);
        let mut former = None;
        while self.passed.contains(&key) {
            former = Some(key);
            key = key.next(sealer);
        }
        let exchange = Exchange { former, ..self.exchange(key) };
        Box::pin(async move {
            if self.is_stopped() {
                return pending().await;
            }
            self.seen().is_out = true;
            let ended = send(&self.system, exchange, request).await;
            self.seen().is_out = false;
            match ended {
                Ok(ended) => {
                    let mut seen = self.seen();
                    seen.elsewhere = !matches!(&ended, ExchangeOutcome::Answered(_));
                    match &ended {
                        ExchangeOutcome::Answered(answer) => {
                            let is_success = (200..300).contains(&answer.status());
                            let may_hold_token = may_hold_token(answer);
                            seen.answered.push(AnsweredExchange { key, is_success, may_hold_token });
                        }
                        ExchangeOutcome::Uncertain(uncertain) => {
                            seen.uncertain = Some(*uncertain);
                            seen.lost = uncertain.awaited.is_none().then_some(key);
                        }
                        ExchangeOutcome::NotSent(_) | ExchangeOutcome::Refused(_) => {}
                    }
                    drop(seen);
                    ended.result()
                }
                Err(error) => {
                    self.seen().stopped.get_or_insert(error);
                    pending().await
                }
            }
        })
    }
}
