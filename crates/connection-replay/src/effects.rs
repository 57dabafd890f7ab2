//! Turn taking: one effect at a time, recorded before the plugin sees its result.

use alloc::string::String;
use core::{
    fmt,
    future::{Future, pending, poll_fn},
    mem,
    task::Poll,
};

use crate::{
    Beside, Effect, Entry, Fault, Host, Question,
    run::{LONGEST_ENTRY, Turn as Begun},
};

/// The services of one run of a setup. They are what a [`SetupContext`](connection_contract::SetupContext) is made of,
/// together with the host's cryptography.
pub struct Effects<H> {
    host: H,
}

impl<H> fmt::Debug for Effects<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Effects")
    }
}

/// What an effect does first.
pub(crate) enum Turn<'a, H: Host> {
    Live(Busy<'a, H>),
    Replay(Effect),
}

/// An effect that is under way. Dropped without a result by the plugin, it is a fault.
pub(crate) struct Busy<'a, H: Host>(&'a H);

impl<H: Host> Drop for Busy<'_, H> {
    fn drop(&mut self) {
        self.0.with_run(|run| run.dropped());
    }
}

impl<H> Effects<H> {
    /// The services of a run of that host.
    pub fn new(host: H) -> Self {
        Self { host }
    }

    /// The host.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// The host, after the run.
    pub fn into_host(self) -> H {
        self.host
    }
}

impl<H: Host> Effects<H> {
    /// Returns `true` if the run stops: the plugin's future is to be dropped.
    pub fn stopped(&self) -> bool {
        self.host.with_run(|run| run.stop.is_some())
    }

    /// Stops the run for a fault, and never returns.
    pub(crate) async fn fail<T>(&self, fault: Fault) -> T {
        self.host.with_run(|run| run.fail(fault));
        pending().await
    }

    /// Tells the host what is asked, and returns its fingerprint.
    pub(crate) fn asks(&self, question: &Question<'_>) -> String {
        let what = question.fingerprint(&self.host);
        self.host.asks(question, &what);
        what
    }

    /// Takes the turn of an effect; never returns when the run stops.
    pub(crate) async fn begin(&self, what: &str) -> Turn<'_, H> {
        match self.host.with_run(|run| run.begin(what)) {
            // Even a service that answers at once must let a second effect of a `join!` show itself.
            Some(Begun::Live) => {
                let busy = Busy(&self.host);
                yield_once().await;
                Turn::Live(busy)
            }
            Some(Begun::Replay(effect)) => Turn::Replay(effect),
            None => pending().await,
        }
    }

    /// Makes the result durable and returns it; never returns when that fails.
    pub(crate) async fn record(&self, busy: Busy<'_, H>, what: &str, effect: Effect, beside: Beside<'_>) -> Effect {
        let entry = Entry::new(what, self.host.now(), effect);
        let bytes = entry.encode();
        let size = bytes.expose().len();
        if size > LONGEST_ENTRY {
            // Asked again it would be as long.
            return self.fail(Fault::too_long("the result of one effect is more than 16 MiB")).await;
        }
        let seq = self.host.with_run(|run| run.next);
        if let Err(halt) = self.host.record(seq, &bytes, beside).await {
            return self.halt(halt).await;
        }
        self.host.with_run(|run| run.recorded(&entry, size));
        drop(busy);
        entry.effect
    }

    async fn halt<T>(&self, halt: H::Halt) -> T {
        self.host.with_run(|run| run.halt(halt));
        pending().await
    }

    /// An effect that asks the world: the recorded result, or the live one once it is durable. `read` takes the result
    /// apart; a recorded result that it does not know is a fault.
    pub(crate) async fn ask<T>(
        &self,
        question: &Question<'_>,
        live: impl Future<Output = Effect> + Send,
        read: impl FnOnce(Effect) -> Option<T> + Send,
    ) -> T {
        let what = self.asks(question);
        self.ask_beside(&what, Beside::Nothing, async move { Ok(live.await) }, read).await
    }

    /// As [`ask`](Self::ask), by the fingerprint of a question that the host was told, and with what is recorded together
    /// with the result. The `Err` of `live` stops the run.
    pub(crate) async fn ask_beside<T>(
        &self,
        what: &str,
        beside: Beside<'_>,
        live: impl Future<Output = Result<Effect, H::Halt>> + Send,
        read: impl FnOnce(Effect) -> Option<T> + Send,
    ) -> T {
        let effect = match self.begin(what).await {
            Turn::Replay(effect) => effect,
            Turn::Live(busy) => match self.host.lease(live).await.flatten() {
                Ok(effect) => self.record(busy, what, effect, beside).await,
                Err(halt) => {
                    // Held, so that dropping it is no fault.
                    let _busy = busy;
                    self.halt(halt).await
                }
            },
        };
        match read(effect) {
            Some(result) => result,
            None => self.fail(Fault::changed()).await,
        }
    }
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
