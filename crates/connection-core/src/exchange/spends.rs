//! The spending requests of one refresh.

use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::{
    BoxFuture, HttpError, HttpRequest, HttpResponse, Kind, RefreshSemantics, Spend, SpendService,
};

use super::{Ended, Exchange, ExchangeKey, Rule, Scope, Uncertain, send};
use crate::{ConnectionId, Error, registry::Shared, services::http::Egress};

/// Whose credential is spent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spender<'a> {
    pub(crate) id: ConnectionId,
    pub(crate) owner: &'a str,
    pub(crate) kind: &'a Kind,
    /// Of the credential: nothing is spent when another one has taken its place.
    pub(crate) generation: i64,
}

/// The spending requests of one refresh of one connection.
///
/// When nothing can be recorded, a request stays pending and [`is_stopped`](Self::is_stopped) says so: the plugin is to be
/// dropped, and the refresh ends with [`stopped`](Self::stopped).
pub(crate) struct ConnectionSpends {
    shared: Arc<Shared>,
    id: ConnectionId,
    owner: String,
    kind: Kind,
    generation: i64,
    rule: Rule,
    egress: Egress,
    deadline: Duration,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Whose answers are recorded, in the order of their coming, and whether each said yes.
    answered: Vec<(ExchangeKey, bool)>,
    /// Whether the plugin asked for something else behind the last of these.
    elsewhere: bool,
    uncertain: Option<Uncertain>,
    stopped: Option<Error>,
}

impl ConnectionSpends {
    /// Requests go where `egress` lets them; none is sent once the clock says that `deadline` has
    /// [passed](crate::Clock::passed).
    pub(crate) fn new(
        shared: &Arc<Shared>,
        spender: Spender<'_>,
        semantics: RefreshSemantics,
        egress: Egress,
        deadline: Duration,
    ) -> Self {
        let Spender { id, owner, kind, generation } = spender;
        let (owner, kind, rule) = (owner.to_owned(), kind.clone(), Rule::Of(semantics));
        Self { shared: shared.clone(), id, owner, kind, generation, rule, egress, deadline, seen: Mutex::default() }
    }

    /// What the transaction that stores what was made of all of it gives to
    /// [`Tx::settle_exchanges`](crate::store::Tx::settle_exchanges).
    pub(crate) fn keys(&self) -> Vec<ExchangeKey> {
        self.seen().answered.iter().map(|(key, _)| *key).collect()
    }

    /// As [`keys`](Self::keys), when the plugin failed: refusals, and the answer by which it judges. A yes before that may be
    /// the only token that works, so the next run gets it again.
    pub(crate) fn judged(&self) -> Vec<ExchangeKey> {
        let seen = self.seen();
        let last = seen.answered.len().checked_sub(1).filter(|_| !seen.elsewhere);
        let judged = |(index, (key, yes)): (usize, &(ExchangeKey, bool))| (!yes || Some(index) == last).then_some(*key);
        seen.answered.iter().enumerate().filter_map(judged).collect()
    }

    /// The answer by which the plugin judged, where the provider said yes by its status: when the plugin cannot read it,
    /// what was spent is used up all the same.
    pub(crate) fn judged_yes(&self) -> Option<ExchangeKey> {
        let seen = self.seen();
        seen.answered.last().filter(|(_, yes)| *yes && !seen.elsewhere).map(|(key, _)| *key)
    }

    /// Another request begins, by which the plugin may judge as well.
    pub(crate) fn asked_elsewhere(&self) {
        self.seen().elsewhere = true;
    }

    /// What is known of one that ended uncertain, if one did.
    pub(crate) fn uncertain(&self) -> Option<Uncertain> {
        self.seen().uncertain
    }

    /// Whether the plugin waits for something that does not come.
    pub(crate) fn is_stopped(&self) -> bool {
        self.seen().stopped.is_some()
    }

    /// Why nothing can be recorded; nothing more was sent.
    pub(crate) fn stopped(&self) -> Option<Error> {
        self.seen().stopped.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpendService for ConnectionSpends {
    fn send_once<'a>(
        &'a self,
        spend: Spend<'a>,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        let key = ExchangeKey::of_connection(&self.shared.sealer, self.id, &spend);
        let exchange = Exchange {
            key,
            scope: Scope::Connection(self.id),
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
            match send(&self.shared, exchange, request).await {
                Ok(ended) => {
                    let mut seen = self.seen();
                    seen.elsewhere = !matches!(&ended, Ended::Answered(_));
                    match &ended {
                        Ended::Answered(answer) => seen.answered.push((key, (200..300).contains(&answer.status()))),
                        Ended::Uncertain(uncertain) => seen.uncertain = Some(*uncertain),
                        Ended::NotSent(_) | Ended::Refused(_) => {}
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
