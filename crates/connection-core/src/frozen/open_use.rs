//! A use that has begun, which ends when this process learns that it is frozen.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll, Waker},
};

use connection_egress::{BrokenBody, Pieces, StreamedBody, Streaming};
use tokio::sync::{Notify, OwnedMutexGuard};

use super::{FrozenSet, KnownFreezes, Permitted, Stopped, Used};
use crate::{AgentId, ConnectionId, ConnectionInfo};

/// The program for which a connection is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    /// A person or a host, which have all rights.
    Host,
    /// An extension, by its grant.
    Extension,
    /// An agent, by its grant.
    Agent(AgentId),
}

impl User {
    pub(crate) fn agent(self) -> Option<AgentId> {
        match self {
            Self::Agent(id) => Some(id),
            Self::Host | Self::Extension => None,
        }
    }

    /// Returns `true` if the use depends on a grant, and stops if it is not known what is frozen.
    pub(crate) fn is_grantee(self) -> bool {
        self != Self::Host
    }
}

/// A use that has begun.
pub(crate) struct OpenUse {
    info: Arc<ConnectionInfo>,
    user: User,
    permitted: Option<Arc<Permitted>>,
    cut: OnceLock<Stopped>,
    ended: Notify,
    /// The task that sends the body of the request.
    sender: Mutex<Option<Waker>>,
    /// The answer. Whoever reads it holds the lock.
    answer: Arc<tokio::sync::Mutex<Option<Streaming>>>,
}

impl fmt::Debug for OpenUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenUse").field("connection", &self.info.id).field("user", &self.user).finish_non_exhaustive()
    }
}

impl OpenUse {
    pub(super) fn new(info: Arc<ConnectionInfo>, user: User, permitted: Option<Arc<Permitted>>) -> Self {
        Self {
            info,
            user,
            permitted,
            cut: OnceLock::new(),
            ended: Notify::new(),
            sender: Mutex::default(),
            answer: Arc::default(),
        }
    }

    pub(super) fn connection(&self) -> ConnectionId {
        self.info.id
    }

    pub(super) fn is_of_grantee(&self) -> bool {
        self.user.is_grantee()
    }

    /// Returns what the use depends on, if it is one of an agent.
    pub(super) fn permitted(&self) -> Option<&Permitted> {
        self.permitted.as_deref()
    }

    /// Returns the reason why the use is stopped.
    pub(super) fn stopped_by(&self, set: &FrozenSet) -> Option<Stopped> {
        set.stops(Used::of(&self.info, self.user))
    }

    /// Ends the use: nothing more is sent, and nothing more of the answer is read.
    pub(super) fn cut(&self, why: Stopped) {
        if self.cut.set(why).is_err() {
            return;
        }
        self.ended.notify_waiters();
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            sender.wake();
        }
        self.drop_answer();
    }

    /// Drops the answer, unless it is being read. Whoever reads it drops it when the use is cut.
    fn drop_answer(&self) {
        let answer = self.answer.try_lock().ok().and_then(|mut answer| answer.take());
        drop(answer);
    }

    /// Returns the reason why the use was cut.
    pub(crate) fn reason(&self) -> Option<Stopped> {
        self.cut.get().cloned()
    }

    async fn until_cut(&self) -> Stopped {
        loop {
            let ended = self.ended.notified();
            if let Some(why) = self.cut.get() {
                return why.clone();
            }
            ended.await;
        }
    }

    /// Returns the result of `work`, which is dropped if the use is cut before.
    pub(crate) async fn unless_cut<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        tokio::select! {
            biased;
            why = self.until_cut() => Err(why),
            result = work => Ok(result),
        }
    }

    /// Keeps the answer, from which the pieces are read.
    pub(crate) async fn answered(&self, answer: Streaming) {
        *self.answer.lock().await = Some(answer);
        if self.cut.get().is_some() {
            *self.answer.lock().await = None;
        }
    }

    /// Returns the answer for reading its next piece; it holds `None` after the use was cut.
    pub(crate) async fn answer(&self) -> OwnedMutexGuard<Option<Streaming>> {
        self.answer.clone().lock_owned().await
    }

    /// Returns the body of a request of this use, of which nothing more is sent after the use was cut.
    pub(crate) fn guarded(self: &Arc<Self>, body: StreamedBody) -> StreamedBody {
        let StreamedBody { length, pieces } = body;
        StreamedBody { length, pieces: Box::new(Guarded { pieces, of: self.clone() }) }
    }
}

/// The pieces of a body that ends with its use.
struct Guarded {
    pieces: Box<dyn Pieces>,
    of: Arc<OpenUse>,
}

impl Pieces for Guarded {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<u8>, BrokenBody>>> {
        let next = self.pieces.poll_piece(cx);
        if next.is_pending() {
            *self.of.sender.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        }
        // Checked last, so that neither a piece nor the wake of a sender that waits is missed.
        if self.of.cut.get().is_some() { Poll::Ready(Some(Err(BrokenBody))) } else { next }
    }
}

/// The registration of a use, which ends when this value is dropped.
pub(crate) struct UseGuard {
    freezes: Arc<KnownFreezes>,
    number: u64,
    pub(crate) open: Arc<OpenUse>,
}

impl UseGuard {
    pub(super) fn new(freezes: Arc<KnownFreezes>, number: u64, open: Arc<OpenUse>) -> Self {
        Self { freezes, number, open }
    }
}

impl Drop for UseGuard {
    fn drop(&mut self) {
        self.freezes.ended(self.number);
        // The body of the request, which may still wait for its next piece, knows the use.
        self.open.drop_answer();
    }
}
