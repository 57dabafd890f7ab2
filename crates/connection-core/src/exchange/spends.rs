//! The spending requests of one refresh.

use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::{
    BoxFuture, HttpError, HttpRequest, HttpResponse, Kind, RefreshSemantics, Spend, SpendService,
};
use connection_egress::Egress;

use super::{Exchange, ExchangeKey, ExchangeOutcome, ExchangeScope, Rule, Uncertain, send};
use crate::{ConnectionId, Error, exchange::System};

/// The credential whose token is spent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spender<'a> {
    pub(crate) id: ConnectionId,
    pub(crate) owner: &'a str,
    pub(crate) kind: &'a Kind,
    /// The generation of the credential. Nothing is spent if another credential is current.
    pub(crate) generation: i64,
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
    rule: Rule,
    egress: Egress,
    deadline: Duration,
    seen: Mutex<SpendState>,
}

#[derive(Default)]
struct SpendState {
    /// The exchanges whose answers are recorded, in the order of the answers, with `true` for a successful status.
    answered: Vec<(ExchangeKey, bool)>,
    /// `true` if the plugin made another request after the last of these exchanges.
    elsewhere: bool,
    uncertain: Option<Uncertain>,
    stopped: Option<Error>,
}

impl ConnectionSpends {
    /// Returns the service. Requests are bounded by `egress`, and none is sent after `deadline` has
    /// [passed](crate::Clock::passed).
    pub(crate) fn new(
        system: &Arc<System>,
        spender: Spender<'_>,
        semantics: RefreshSemantics,
        egress: Egress,
        deadline: Duration,
    ) -> Self {
        let Spender { id, owner, kind, generation } = spender;
        Self {
            system: system.clone(),
            id,
            owner: owner.to_owned(),
            kind: kind.clone(),
            generation,
            rule: Rule::BySemantics(semantics),
            egress,
            deadline,
            seen: Mutex::default(),
        }
    }

    /// Returns the exchanges that the transaction which stores the refreshed credential passes to
    /// [`Tx::settle_exchanges`](crate::store::Tx::settle_exchanges).
    pub(crate) fn keys(&self) -> Vec<ExchangeKey> {
        self.seen().answered.iter().map(|(key, _)| *key).collect()
    }

    /// Returns the exchanges to settle if the plugin failed: those with refusals, and the one on whose answer the
    /// plugin based its result. An earlier success may hold the only token that works, so the next attempt receives it
    /// again.
    pub(crate) fn keys_to_settle(&self) -> Vec<ExchangeKey> {
        let seen = self.seen();
        let last = seen.answered.len().checked_sub(1).filter(|_| !seen.elsewhere);
        let judged = |(index, (key, yes)): (usize, &(ExchangeKey, bool))| (!yes || Some(index) == last).then_some(*key);
        seen.answered.iter().enumerate().filter_map(judged).collect()
    }

    /// Returns the exchange on whose answer the plugin based its result, if its status was a success. The token is
    /// spent even if the plugin cannot read the answer.
    pub(crate) fn accepted_key(&self) -> Option<ExchangeKey> {
        let seen = self.seen();
        seen.answered.last().filter(|(_, yes)| *yes && !seen.elsewhere).map(|(key, _)| *key)
    }

    /// Records that another request begins, on whose answer the plugin may also base its result.
    pub(crate) fn record_other_request(&self) {
        self.seen().elsewhere = true;
    }

    /// Returns the state of an exchange without a clear answer, if there was one.
    pub(crate) fn uncertain(&self) -> Option<Uncertain> {
        self.seen().uncertain
    }

    /// Returns `true` if the plugin waits for a request that stays pending.
    pub(crate) fn is_stopped(&self) -> bool {
        self.seen().stopped.is_some()
    }

    /// Returns why nothing can be recorded. Nothing more was sent.
    pub(crate) fn stopped(&self) -> Option<Error> {
        self.seen().stopped.clone()
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
        let key = ExchangeKey::of_connection(&self.system.ground.sealer, self.id, &spend);
        let exchange = Exchange {
            key,
            scope: ExchangeScope::Connection(self.id),
            owner: self.owner.clone(),
            kind: self.kind.clone(),
            rule: self.rule,
            generation: Some(self.generation),
            egress: self.egress.clone(),
            deadline: Some(self.deadline),
        };
        Box::pin(async move {
            if self.is_stopped() {
                return pending().await;
            }
            match send(&self.system, exchange, request).await {
                Ok(ended) => {
                    let mut seen = self.seen();
                    seen.elsewhere = !matches!(&ended, ExchangeOutcome::Answered(_));
                    match &ended {
                        ExchangeOutcome::Answered(answer) => {
                            seen.answered.push((key, (200..300).contains(&answer.status())))
                        }
                        ExchangeOutcome::Uncertain(uncertain) => seen.uncertain = Some(*uncertain),
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
