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
    keys: Vec<ExchangeKey>,
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

    /// What the transaction that stores the outcome gives to [`Tx::settle_exchanges`](crate::store::Tx::settle_exchanges).
    pub(crate) fn keys(&self) -> Vec<ExchangeKey> {
        self.seen().keys.clone()
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
                    match &ended {
                        Ended::Answered(_) => seen.keys.push(key),
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
