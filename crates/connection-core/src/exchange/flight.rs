//! One exchange, from its intent to its end.

use std::{sync::Arc, time::Duration};

use connection_contract::{HttpError, HttpRequest, HttpResponse, Kind, Timestamp};
use tokio::sync::watch;
use tracing::Instrument as _;

pub(crate) use super::replay::Rule;
use super::{
    ExchangeKey, Scope, StateDirectory, answer,
    recording::{keep, recorded},
    replay::{Age, Verdict, retry_after},
    rescue::{self, Rescue},
    sign::{Signs, given_during},
    table::{Landing, Progress},
    unanswered::{Look, conclude, concluded, decide, lost, moment, uncertain},
};
use crate::{
    Error, StoreError,
    registry::Shared,
    services::{
        Moment,
        http::{Egress, Once},
    },
    store::rows::{ExchangeRow, Sent, SetupState},
};

/// A request of a refresh is given up after so long, whatever the host's policy says: it ends within the lease.
pub(crate) const LONGEST_REFRESH: Duration = Duration::from_secs(20);
/// So often at most, a row is read again that changed under us.
const ATTEMPTS: usize = 5;

/// A request that spends something, without the request.
pub(crate) struct Exchange {
    pub(crate) key: ExchangeKey,
    pub(crate) scope: Scope,
    pub(crate) owner: String,
    pub(crate) kind: Kind,
    pub(crate) rule: Rule,
    /// Of the credential that is spent: another one must not have taken its place.
    pub(crate) generation: Option<i64>,
    pub(crate) egress: Egress,
    /// Nothing is sent from then on, by what the clock says has passed.
    pub(crate) deadline: Option<Duration>,
}

/// How an exchange ended.
#[derive(Clone, Debug)]
pub(crate) enum Ended {
    /// The answer is recorded.
    Answered(Arc<HttpResponse>),
    /// The provider did nothing; nothing is noted any more.
    Refused(Arc<HttpResponse>),
    /// Nothing was sent; nothing is noted any more.
    NotSent(HttpError),
    /// It may have been spent. It stays noted.
    Uncertain(Uncertain),
}

/// What is known of an exchange whose answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uncertain {
    /// When it was sent, by the database's clock.
    pub(crate) sent_at: Timestamp,
    /// When to ask again at the earliest, since it may be sent again or be answered by then; `None` when it never will be.
    pub(crate) replay_at: Option<Timestamp>,
    /// Whose answer may be recorded yet; `None` when there was one that nobody can read.
    pub(crate) awaited: Option<ExchangeKey>,
    /// The number of attempts so far.
    pub(crate) attempts: i64,
    /// For how many seconds the last of them is known to be over, and since the first one was begun.
    pub(crate) over_for: i64,
    pub(crate) unclear_for: i64,
    /// Seconds that the provider asked to be left alone after the last one.
    pub(crate) retry_after: i64,
    /// The sender gave a sign of life a moment ago, so that nothing is said of the attempt yet.
    pub(crate) is_left: bool,
}

impl Ended {
    /// An answer of its own for who asked.
    pub(crate) fn result(&self) -> Result<HttpResponse, HttpError> {
        match self {
            Self::Answered(answer) | Self::Refused(answer) => Ok(answer::duplicate(answer)),
            Self::NotSent(error) => Err(*error),
            Self::Uncertain(_) => Err(HttpError::Uncertain),
        }
    }
}

/// Sends, unless it was sent before: then what is recorded of it comes back. Dropped, it goes on.
///
/// # Errors
///
/// Nothing can be recorded just now: nothing was sent, or what was answered is kept until it can be.
pub(crate) async fn send(shared: &Arc<Shared>, exchange: Exchange, request: HttpRequest) -> Result<Ended, Error> {
    let mut progress = shared.exchanges.board(exchange.key, |sender, landing| {
        let (on, span) = (shared.clone(), tracing::info_span!("exchange", kind = %exchange.kind));
        let flight = fly(on, exchange, request, sender, landing).instrument(span);
        // The handle is let go: who asked may leave.
        drop(shared.runtimes.spawn(flight));
    })?;
    loop {
        match &*progress.borrow_and_update() {
            Progress::UnderWay => {}
            Progress::Kept(error) => return Err(error.clone()),
            Progress::Ended(ended) => return ended.clone(),
        }
        if progress.changed().await.is_err() {
            return Err(StoreError::Panicked.into());
        }
    }
}

async fn fly(
    shared: Arc<Shared>,
    exchange: Exchange,
    request: HttpRequest,
    progress: watch::Sender<Progress>,
    landing: Landing,
) {
    // It lets the registry go before anybody hears of the end.
    let Some(ended) = to_end(shared, &exchange, request, &progress).await else { return };
    // First off the table: who asks from now on reads the row.
    drop(landing);
    progress.send_replace(Progress::Ended(ended));
}

/// `None` when the registry went away before the answer could be recorded.
async fn to_end(
    shared: Arc<Shared>,
    exchange: &Exchange,
    request: HttpRequest,
    progress: &watch::Sender<Progress>,
) -> Option<Result<Ended, Error>> {
    match begin(&shared, exchange).await {
        Err(error) => Some(Err(error)),
        Ok(Begun::Known(ended)) => Some(Ok(ended)),
        Ok(Begun::Noted(noted)) => {
            let signs = Signs::of(&shared, exchange.key, &noted.sent);
            given_during(signs, noted_to_end(shared, exchange, noted, request, progress)).await
        }
    }
}

/// Sends what is noted, and records what became of it.
async fn noted_to_end(
    shared: Arc<Shared>,
    exchange: &Exchange,
    noted: Noted,
    request: HttpRequest,
    progress: &watch::Sender<Progress>,
) -> Option<Result<Ended, Error>> {
    match exchange_now(&shared, exchange, &noted, request).await {
        Once::Answered(answer) if answer.status() == 429 => {
            take_back(&shared, exchange, noted).await;
            Some(Ok(Ended::Refused(Arc::new(answer))))
        }
        // A gateway answers 5xx for a request that arrived.
        Once::Answered(answer) if answer.status() != 408 && answer.status() < 500 => {
            // Without a result the registry is gone; what it was told is in a rescue file.
            keep(shared, exchange, &noted, answer, progress).await.map(Ok)
        }
        Once::NotSent(error) => {
            take_back(&shared, exchange, noted).await;
            Some(Ok(Ended::NotSent(error)))
        }
        once @ (Once::Answered(_) | Once::Lost) => {
            let asked = match once {
                Once::Answered(answer) => retry_after(answer.retry_after()),
                _ => 0,
            };
            tracing::warn!(scope = ?exchange.scope, "it is not known whether what was sent was spent");
            let now = noted.now.reckoned(&*shared.clock);
            let sent = conclude(&shared, exchange, noted.sent, asked).await;
            // The answer to that told the time, too.
            let now = sent.concluded_at.map_or(now, |at| Moment::told(at, shared.clock.passed()));
            let verdict = decide(&shared, exchange, &sent, now).await;
            Some(verdict.map(|verdict| Ended::Uncertain(uncertain(&shared, exchange, &sent, verdict, now))))
        }
    }
}

/// Sends, if there is time: what is sent later could meet what somebody else sends.
async fn exchange_now(shared: &Arc<Shared>, exchange: &Exchange, noted: &Noted, request: HttpRequest) -> Once {
    let mut until = exchange.deadline;
    if let (Some(grace), Some(before)) = (noted.within, &noted.before) {
        let now = noted.now.reckoned(&*shared.clock);
        let age = Age::of(before.begun_at, shared.exchanges.first(now), now);
        if !age.is_within(grace) {
            return Once::NotSent(HttpError::Timeout);
        }
        let left = Duration::from_secs(age.left_of(grace).unsigned_abs());
        let closes = shared.clock.passed().saturating_add(left);
        until = Some(until.map_or(closes, |until| until.min(closes)));
    }
    if until.is_some_and(|until| shared.clock.passed() >= until) {
        return Once::NotSent(HttpError::Timeout);
    }
    let unsent = shared.exchanges.forget_unsent(exchange.key);
    let longest = exchange.deadline.map(|_| LONGEST_REFRESH);
    let once = shared.http.send_once(&exchange.egress, request, until, longest).await;
    let is_nothing_done = match &once {
        Once::Answered(answer) => answer.status() == 429,
        Once::NotSent(_) => true,
        Once::Lost => false,
    };
    if let Some(unsent) = unsent.filter(|_| is_nothing_done) {
        // The row is as it was before.
        shared.exchanges.remember_unsent(exchange.key, unsent);
    }
    once
}

/// An intent that is committed, and what it took the place of.
pub(super) struct Noted {
    pub(super) sent: Sent,
    pub(super) before: Option<Sent>,
    /// For so long after the first attempt began, that may be.
    pub(super) within: Option<Duration>,
    /// The database's time when that was decided.
    now: Moment,
}

enum Begun {
    Known(Ended),
    Noted(Noted),
}

/// Commits the intent, or finds what became of it before.
async fn begin(shared: &Arc<Shared>, exchange: &Exchange) -> Result<Begun, Error> {
    for _ in 0..ATTEMPTS {
        let now = moment(shared).await?;
        let row = shared.reader().await?.exchange(exchange.key).await?;
        let before = match row {
            Some(ExchangeRow { sealed: Some(sealed), sent, .. }) => {
                return recorded(shared, exchange, &sealed, &sent).await.map(Begun::Known);
            }
            Some(ExchangeRow { sent, .. }) => {
                let sent = match concluded(shared, exchange, sent, now).await? {
                    Look::Answered => continue,
                    Look::Lost(uncertain) => return Ok(Begun::Known(Ended::Uncertain(uncertain))),
                    Look::Sent(sent) => sent,
                };
                // What was written down just now is no older than that.
                let now = sent.concluded_at.map_or(now, |at| now.not_before(at));
                match decide(shared, exchange, &sent, now).await? {
                    Verdict::Send { replays, within } => Some((sent, replays, within)),
                    verdict @ (Verdict::Wait { .. } | Verdict::Leave { .. }) => {
                        return Ok(Begun::Known(Ended::Uncertain(uncertain(shared, exchange, &sent, verdict, now))));
                    }
                }
            }
            // What was noted may be lost where a database lost what it had committed.
            None => match rescue::ingest(shared, exchange.key, true).await? {
                Rescue::Nothing => None,
                Rescue::Ingested => continue,
                Rescue::Damaged => return Ok(Begun::Known(Ended::Uncertain(lost(now.seconds())))),
            },
        };
        let noted = match before {
            Some((before, replays, within)) => {
                let sent = Sent { begun_at: before.begun_at, ..mine(shared, now, replays) };
                Noted { sent, before: Some(before), within, now }
            }
            None => Noted { sent: mine(shared, now, 0), before: None, within: None, now },
        };
        match note(shared, exchange, &noted).await {
            Ok(true) => return Ok(Begun::Noted(noted)),
            // Another process noted it first.
            Ok(false) => {}
            Err(error) => {
                // It may have been committed all the same.
                take_back(shared, exchange, noted).await;
                return Err(error);
            }
        }
    }
    Err(StoreError::Conflict { what: "exchange".into() }.into())
}

fn mine(shared: &Shared, now: Moment, replays: i64) -> Sent {
    let (process_id, at) = (shared.process.clone(), now.seconds());
    let node_id = shared.state.as_deref().map(StateDirectory::node).map(str::to_owned);
    Sent { replays, ..Sent::first(node_id, process_id, at) }
}

async fn note(shared: &Arc<Shared>, exchange: &Exchange, noted: &Noted) -> Result<bool, Error> {
    let (key, scope, sent, before) = (exchange.key, exchange.scope, noted.sent.clone(), noted.before.clone());
    let generation = exchange.generation;
    let written = shared.store.write(move |tx| {
        Box::pin(async move {
            scope.lock(tx).await?;
            let is_there = match scope {
                Scope::Connection(id) => {
                    let account = tx.account(id).await?;
                    if let (Some(account), Some(generation)) = (&account, generation)
                        && account.generation != generation
                    {
                        return Err(StoreError::Conflict { what: "generation of a connection".into() });
                    }
                    account.is_some()
                }
                Scope::Session(id) => {
                    let row = tx.setup(id).await?;
                    row.is_some_and(|row| matches!(row.state, SetupState::Running | SetupState::Waiting))
                }
            };
            if !is_there {
                return Ok(None);
            }
            match before {
                Some(before) => tx.resend_exchange(key, &before, &sent).await.map(Some),
                None => tx.insert_exchange(&ExchangeRow { key, scope, sent, sealed: None }).await.map(Some),
            }
        })
    });
    written.await?.ok_or(match scope {
        Scope::Connection(id) => Error::NotFound(id),
        Scope::Session(id) => Error::SessionNotFound(id),
    })
}

/// What was not sent, or not processed, is noted no more. A replay leaves what was there before it: of that one nobody
/// knows more than before. What cannot be taken back now is remembered.
async fn take_back(shared: &Arc<Shared>, exchange: &Exchange, noted: Noted) {
    let (key, scope, sent, before) = (exchange.key, exchange.scope, noted.sent.clone(), noted.before.clone());
    let written = shared.store.write(move |tx| {
        Box::pin(async move {
            // A note whose commit was not told may be on its way still; behind the lock it is there, or never will be.
            scope.lock(tx).await?;
            match &before {
                Some(before) => tx.resend_exchange(key, &sent, before).await,
                None => tx.delete_intent(key, &sent).await,
            }
        })
    });
    if let Err(error) = written.await {
        tracing::debug!(%error, "the note of what was not sent stays for now");
        shared.exchanges.remember_unsent(exchange.key, noted.sent);
    }
}
