//! The effects of one run: one at a time, each recorded before the plugin sees its result.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use core::{
    fmt,
    future::{Future, pending, poll_fn},
    mem,
    task::Poll,
};

use connection_contract::{GrantedDirectory, ToolSpec, encode};

use crate::{
    Effect, EffectRequest, Entry, Fault, Host, StoreChange, WaitEndings,
    run::{MAX_ENTRY_LENGTH, Turn as Begun},
};

/// The services of one run of a setup.
///
/// Together with the host's cryptography they make a [`SetupContext`](connection_contract::SetupContext).
pub struct Effects<H> {
    host: H,
}

impl<H> fmt::Debug for Effects<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Effects")
    }
}

/// The source of an effect's result: the effect runs now, or the journal holds the result.
pub(crate) enum Turn<'a, H: Host> {
    Live(Busy<'a, H>),
    Replay(Effect),
}

/// An effect in progress. A plugin that drops it before its result is recorded is at fault.
pub(crate) struct Busy<'a, H: Host>(&'a H);

impl<H: Host> Drop for Busy<'_, H> {
    fn drop(&mut self) {
        self.0.with_run(|run| run.dropped());
    }
}

impl<H> Effects<H> {
    /// Creates the services of the run that `host` holds.
    pub fn new(host: H) -> Self {
        Self { host }
    }

    /// Returns the host of the run.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// Returns the host after the run.
    pub fn into_host(self) -> H {
        self.host
    }
}

impl<H: Host> Effects<H> {
    /// Returns `true` if the run has stopped. The host must then drop the plugin's future.
    pub fn stopped(&self) -> bool {
        self.host.with_run(|run| run.stop.is_some())
    }

    /// Stops the run for a fault, and never returns.
    pub(crate) async fn fail<T>(&self, fault: Fault) -> T {
        self.host.with_run(|run| run.fail(fault));
        pending().await
    }

    /// Passes the request to the host and returns its fingerprint.
    pub(crate) fn asks(&self, question: &EffectRequest<'_>) -> String {
        let what = question.fingerprint(&self.host);
        self.host.asks(question, &what);
        what
    }

    /// Begins the effect with the fingerprint `what`. Never returns if the run stops.
    pub(crate) async fn begin(&self, what: &str) -> Turn<'_, H> {
        match self.host.with_run(|run| run.begin(what)) {
            // A service may answer without waiting. Yielding here lets a second effect of a `join!` begin, so that it
            // is detected.
            Some(Begun::Live) => {
                let busy = Busy(&self.host);
                yield_once().await;
                Turn::Live(busy)
            }
            Some(Begun::Replay(effect)) => {
                self.host.replays(&effect);
                Turn::Replay(effect)
            }
            None => pending().await,
        }
    }

    /// Makes the result durable and returns it. Never returns if that fails.
    pub(crate) async fn record(
        &self,
        busy: Busy<'_, H>,
        what: &str,
        effect: Effect,
        beside: StoreChange<'_>,
    ) -> Effect {
        let entry = Entry::new(what, self.host.now(), effect);
        let bytes = entry.encode();
        let size = bytes.expose().len();
        if size > MAX_ENTRY_LENGTH {
            // The result would have the same size if the effect ran again.
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

    /// Returns the recorded result of an effect, or awaits `live` and returns its result once it is durable.
    ///
    /// `read` extracts the value from the result. A recorded result that `read` does not accept is a fault.
    pub(crate) async fn perform<T>(
        &self,
        question: &EffectRequest<'_>,
        live: impl Future<Output = Effect> + Send,
        read: impl FnOnce(Effect) -> Option<T> + Send,
    ) -> T {
        let what = self.asks(question);
        self.perform_with_change(&what, StoreChange::None, async move { Ok(live.await) }, read).await
    }

    /// Like [`perform`](Self::perform), for the fingerprint of a request that was already passed to the host.
    ///
    /// `beside` is recorded in the same transaction as the result. An `Err` of `live` stops the run.
    pub(crate) async fn perform_with_change<T>(
        &self,
        what: &str,
        beside: StoreChange<'_>,
        live: impl Future<Output = Result<Effect, H::Halt>> + Send,
        read: impl FnOnce(Effect) -> Option<T> + Send,
    ) -> T {
        let effect = match self.begin(what).await {
            Turn::Replay(effect) => effect,
            Turn::Live(busy) => match self.host.lease(live).await.flatten() {
                Ok(effect) => self.record(busy, what, effect, beside).await,
                Err(halt) => {
                    // The effect stays in progress until the run has stopped: dropping it earlier would be a fault.
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

impl EffectRequest<'_> {
    /// Returns the fingerprint of the request. It holds no secret.
    pub fn fingerprint(&self, host: &impl Host) -> String {
        let hash = |text: &str| encode::hex(&host.digest(text.as_bytes()));
        // A stand-in replaces each signature, because a replay may sign the same text with another result.
        let settled = |bytes: &[u8]| encode::hex(&host.digest(host.settled(bytes).expose()));
        let at = |name: &str, root: &GrantedDirectory, path: &str| {
            format!("1 {name} {}", hash(&format!("{}\0{path}", root.as_str())))
        };
        let tool = |name: &str, tool: &ToolSpec| {
            format!("1 {name} {}", hash(&format!("{}\0{}", tool.binary, tool.version_form.argument())))
        };
        match *self {
            Self::Allocate => "1 allocate".to_owned(),
            Self::AllocateAt(part) => format!("1 allocate {part}"),
            Self::Cached { root, path, version } => format!("{} {version}", at("cached", root, path)),
            Self::Discover(url, purpose) => format!("1 discover {} {}", purpose.as_str(), hash(url)),
            Self::Find(spec) => tool("find", spec),
            Self::Get { verb, part, key } => format!("1 {} {} -", part.operation(verb), hash(key)),
            Self::List(root, path) => at("list", root, path),
            Self::Prune(root, live) => at("prune", root, &live.join("\0")),
            Self::Put { verb, part, key, value } => {
                let value = value.map_or_else(|| "-".to_owned(), |value| settled(value.expose()));
                format!("1 {} {} {value}", part.operation(verb), hash(key))
            }
            Self::Read(root, path) => at("read", root, path),
            Self::Send(request) => {
                let url = settled(request.url().as_bytes());
                let body = settled(request.body.expose());
                format!("1 send {} {url} {body}", request.method)
            }
            // The body is left out, because the key of what is spent identifies the request.
            Self::SendOnce(request, key) => {
                let url = settled(request.url().as_bytes());
                format!("1 send_once {} {url} {}", request.method, encode::hex(key))
            }
            Self::Stat(root, path) => at("stat", root, path),
            Self::Version(spec) => tool("version", spec),
            // Only names and ways count: a corrected label or interval must not end sessions in progress.
            Self::Wait { ways: WaitEndings { answer, callback, elapsed }, fields, .. } => {
                let names: Vec<_> = fields.iter().map(|field| &*field.name).collect();
                format!("1 wait {:?} {}", (answer, callback, elapsed), names.join(" "))
            }
            Self::Window(window) => {
                let parts = [window.link.as_str(), &*window.cookie_name, &*window.cookie_domain, &*window.partition];
                format!("1 window {} -", hash(&parts.join("\0")))
            }
        }
    }
}
