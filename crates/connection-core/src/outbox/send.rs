//! Sends the messages that are due, each on its own task.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use connection_contract::{HttpError, HttpResponse};
use connection_egress::asked_pause;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;

use super::EventReceiver;
use crate::{
    Error,
    ground::Ground,
    lease::Lease,
    store::{OutboxLease, rows::OutboxRow},
};

/// The pauses after failed attempts, in seconds, as Standard Webhooks recommends. There is one attempt more than pauses.
///
/// This is a published schedule that ends, and not a backoff: its pauses grow by no common factor.
const SCHEDULE: [i64; 7] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600];
/// The time in which the receiver must answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The longest wait of a message, in seconds: twice the longest pause, so that clocks that differ by less than a day
/// make no pause shorter.
const MAX_WAIT: i64 = 2 * 86_400;
/// Maximum number of attempts that are shorter than [`SLOW`].
const MAX_QUICK: usize = 16;
/// The time after which an attempt no longer takes the place of another one.
const SLOW: Duration = Duration::from_secs(1);
/// Maximum number of attempts at the same time.
const MAX_ATTEMPTS: usize = 128;
/// Maximum number of messages that are read at once. It is larger than `MAX_ATTEMPTS`, so that a full page has messages
/// without an attempt.
const PAGE: i64 = 256;
/// The status of a receiver that wants no more messages.
const GONE: u16 = 410;

/// The messages that are sent to a receiver. If this value is dropped, attempts that have begun continue.
#[derive(Debug)]
pub(super) struct Sending {
    receiver: Arc<EventReceiver>,
    /// Due messages that were read and whose attempts have not begun.
    waiting: VecDeque<OutboxRow>,
    /// `true` if all due messages were read.
    is_exhausted: bool,
    /// The attempts in progress.
    begun: BTreeSet<Uuid>,
    /// The attempts in progress that are slow.
    slow: BTreeSet<Uuid>,
    reports: UnboundedReceiver<Report>,
    reporter: UnboundedSender<Report>,
}

/// The report of a task about its attempt.
#[derive(Debug)]
enum Report {
    /// The attempt ended. The result is `None` after a panic, and `true` if the receiver wants no more messages.
    Ended(Uuid, Option<Result<bool, Error>>),
    Slow(Uuid),
}

/// Reports the end of an attempt when it is dropped.
struct Attempt {
    id: Uuid,
    result: Option<Result<bool, Error>>,
    reporter: UnboundedSender<Report>,
}

impl Attempt {
    fn is_slow(&self) {
        // Without a receiver of reports, nobody waits for a place.
        drop(self.reporter.send(Report::Slow(self.id)));
    }

    fn ends_with(mut self, result: Result<bool, Error>) {
        self.result = Some(result);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        drop(self.reporter.send(Report::Ended(self.id, self.result.take())));
    }
}

impl Sending {
    pub(super) fn new(receiver: Arc<EventReceiver>) -> Self {
        let (reporter, reports) = unbounded_channel();
        let (begun, slow) = (BTreeSet::new(), BTreeSet::new());
        Self { receiver, waiting: VecDeque::new(), is_exhausted: false, begun, slow, reports, reporter }
    }

    /// Lets the next call of [`begin`](Self::begin) look for due messages again.
    pub(super) fn look_again(&mut self) {
        self.is_exhausted = false;
    }

    /// Begins attempts of due messages until all places are taken.
    pub(super) async fn begin(&mut self, ground: &Arc<Ground>) -> Result<(), Error> {
        while self.begun.len() < MAX_ATTEMPTS && self.begun.len() - self.slow.len() < MAX_QUICK {
            let Some(row) = self.next(ground).await? else { return Ok(()) };
            self.begun.insert(row.id);
            let ended = Attempt { id: row.id, result: None, reporter: self.reporter.clone() };
            let working = ground.clone();
            let receiver = self.receiver.clone();
            let task = ground.runtimes.spawn(async move {
                let mut attempt = Box::pin(attempt(&working, &receiver, row));
                let result = tokio::select! {
                    biased;
                    result = &mut attempt => result,
                    () = working.clock.sleep(SLOW) => {
                        ended.is_slow();
                        attempt.await
                    }
                };
                ended.ends_with(result);
            });
            // The task reports its end.
            drop(task);
        }
        Ok(())
    }

    /// Returns a due message without an attempt in progress; `None` if there is no other.
    async fn next(&mut self, ground: &Ground) -> Result<Option<OutboxRow>, Error> {
        if self.waiting.is_empty() && !self.is_exhausted {
            let due = ground.reader().await?.due_outbox(ground.clock.now().seconds(), PAGE).await?;
            let count = due.len();
            self.waiting = due.into_iter().filter(|row| !self.begun.contains(&row.id)).collect();
            // The attempt of a message that is due again may be about to end.
            self.is_exhausted = count == self.waiting.len() && i64::try_from(count).is_ok_and(|count| count < PAGE);
        }
        Ok(self.waiting.pop_front())
    }

    /// Waits until an attempt gives up its place. Returns `true` if the receiver wants no more messages.
    ///
    /// # Errors
    ///
    /// The error of an attempt whose lease could not be taken or whose result could not be recorded.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the next call returns for the same attempt.
    pub(super) async fn freed(&mut self) -> Result<bool, Error> {
        // This value holds a sender, so the channel is open.
        match self.reports.recv().await {
            Some(Report::Ended(id, result)) => {
                self.begun.remove(&id);
                self.slow.remove(&id);
                // The lease of an attempt that panicked expires.
                result.unwrap_or(Ok(false))
            }
            Some(Report::Slow(id)) => {
                self.slow.insert(id);
                Ok(false)
            }
            None => Ok(false),
        }
    }
}

/// Makes the messages due that would wait longer than any pause: a process whose clock was fast attempted them last.
pub(super) async fn hasten(ground: &Ground) -> Result<(), Error> {
    let now = ground.clock.now().seconds();
    let latest = now.saturating_add(MAX_WAIT);
    ground.store.write(move |tx| Box::pin(async move { tx.hasten_outbox(now, latest).await })).await?;
    Ok(())
}

/// Sends one message, unless another process does. Returns `true` if the receiver wants no more messages.
async fn attempt(ground: &Arc<Ground>, receiver: &EventReceiver, row: OutboxRow) -> Result<bool, Error> {
    let OutboxRow { id, attempts, .. } = row;
    let Some(lease) = Lease::take(ground, OutboxLease { id, attempts }).await? else { return Ok(false) };
    if lease.left() < TIMEOUT {
        // The lease of a process that was paused expires, and another attempt follows.
        return Ok(false);
    }
    let answer = match receiver.request(&id.to_string(), ground.clock.now().seconds(), &row.body) {
        None => Err(HttpError::Protocol),
        Some(request) => {
            let egress = receiver.egress();
            tokio::select! {
                biased;
                answer = ground.http.send(&egress, request) => answer,
                () = ground.clock.sleep(TIMEOUT) => Err(HttpError::Timeout),
            }
        }
    };
    let Some(failure) = failure(answer.as_ref()) else {
        ground.store.write(move |tx| Box::pin(async move { tx.deliver_outbox(id).await })).await?;
        return Ok(false);
    };
    let attempt = attempts.saturating_add(1);
    let asked = answer.as_ref().map(asked_pause).unwrap_or_default().as_secs();
    let asked = i64::try_from(asked).unwrap_or(i64::MAX);
    let pause = usize::try_from(attempts).ok().and_then(|before| SCHEDULE.get(before)).copied();
    let next_at = pause.map(|pause| ground.clock.now().seconds().saturating_add(pause.max(asked)));
    match next_at {
        Some(_) => tracing::debug!(event = %id, attempt, failure, "an event was not delivered and is sent again"),
        None => tracing::warn!(event = %id, attempt, failure, "an event was not delivered, and is not sent again"),
    }
    let is_gone = answer.is_ok_and(|answer| answer.status() == GONE);
    let fail =
        ground.store.write(move |tx| Box::pin(async move { tx.fail_outbox(id, attempt, next_at, &failure).await }));
    fail.await?;
    Ok(is_gone)
}

/// Returns why an attempt failed; `None` if the receiver accepted the message.
fn failure(answer: Result<&HttpResponse, &HttpError>) -> Option<String> {
    Some(match answer {
        Ok(answer) if (200..300).contains(&answer.status()) => return None,
        Ok(answer) => format!("the receiver answered {}", answer.status()),
        Err(HttpError::Connect) => "the receiver cannot be reached".to_owned(),
        Err(HttpError::Denied) => {
            "the address of the receiver is private, and the configuration does not allow it".to_owned()
        }
        Err(HttpError::Dns) => "the name of the receiver does not resolve".to_owned(),
        Err(HttpError::Timeout) => "the receiver did not answer in time".to_owned(),
        Err(error) if error.is_of_tls() => format!("the receiver cannot be reached: {error}"),
        Err(HttpError::TooLarge) => "the receiver answered with more than this host reads".to_owned(),
        Err(error) if matches!(error, HttpError::Closed | HttpError::Redirects(_)) => {
            format!("the receiver gave no answer: {error}")
        }
        Err(_) => "the receiver gave no answer that is valid HTTP".to_owned(),
    })
}
