//! The approved requests that this process sends now. A host that is asked to stop waits for them, because a request whose
//! process dies may have happened.

use std::sync::Arc;

use tokio::sync::watch;

/// The number of requests in progress, and whether no more of them begin. A clone counts the same requests.
#[derive(Clone, Debug)]
pub(crate) struct Executions(Arc<watch::Sender<Count>>);

#[derive(Debug, Default)]
struct Count {
    running: usize,
    is_draining: bool,
}

/// A request in progress, until it is dropped.
#[derive(Debug)]
pub(crate) struct Execution(Executions);

impl Drop for Execution {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| count.running = count.running.saturating_sub(1));
    }
}

impl Default for Executions {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Count::default())))
    }
}

impl Executions {
    /// Begins a request; `None` after [`settled`](Self::settled) was called.
    pub(crate) fn begin(&self) -> Option<Execution> {
        let mut may_begin = false;
        self.0.send_modify(|count| {
            may_begin = !count.is_draining;
            count.running += usize::from(may_begin);
        });
        may_begin.then(|| Execution(self.clone()))
    }

    /// Prevents new requests, and waits until those in progress have ended.
    pub(crate) async fn settled(&self) {
        self.0.send_modify(|count| count.is_draining = true);
        // The sender is this value, so the receiver is never without one.
        drop(self.0.subscribe().wait_for(|count| count.running == 0).await);
    }
}
