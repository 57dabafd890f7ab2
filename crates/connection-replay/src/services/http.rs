//! Requests, the clock, the log, and callbacks.

use alloc::{boxed::Box, format};

use connection_contract::{
    BoxFuture, CallbackHandle, Clock, HttpError, HttpRequest, HttpResponse, HttpService, InboundHttpService, LogEvent,
    LogService, Spend, SpendService, Timestamp, encode, host,
};

use crate::{Effect, EffectRequest, Effects, Fault, Host, StoreChange, effects::Turn};

fn answer(effect: Effect) -> Option<Result<HttpResponse, HttpError>> {
    if let Effect::Http(result) = effect { Some(result) } else { None }
}

impl<H: Host> HttpService for Effects<H> {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let what = self.asks(&EffectRequest::Send(&request));
            let live = async move { Ok(Effect::Http(self.host().send(request).await)) };
            self.perform_with_change(&what, StoreChange::None, live, answer).await
        })
    }
}

impl<H: Host> SpendService for Effects<H> {
    /// Before the request is sent, the host records what it spends.
    ///
    /// A request that a lost run has sent is not sent again: the host returns the answer that it kept, or the error
    /// that no answer is known.
    fn send_once<'a>(
        &'a self,
        spend: Spend<'a>,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let seq = self.host().with_run(|run| run.next);
            let key = self.host().spend_key(seq, &spend);
            let what = self.asks(&EffectRequest::SendOnce(&request, &key));
            let live = async move { self.host().send_once(key, request).await.map(Effect::Http) };
            self.perform_with_change(&what, StoreChange::Spent(&key), live, answer).await
        })
    }
}

impl<H: Host> Clock for Effects<H> {
    fn now(&self) -> Timestamp {
        self.host().with_run(|run| run.now)
    }
}

impl<H: Host> LogService for Effects<H> {
    fn log(&self, event: LogEvent) {
        if !self.host().with_run(|run| run.is_replaying()) {
            self.host().log(event);
        }
    }
}

impl<H: Host> InboundHttpService for Effects<H> {
    /// The `state` is derived rather than random, because a host keeps only its hash, and a replay must give the plugin
    /// the same `state`.
    fn allocate_callback(&self) -> BoxFuture<'_, Option<CallbackHandle>> {
        self.allocate(None)
    }

    fn allocate_callback_at<'a>(&'a self, part: &'a str) -> BoxFuture<'a, Option<CallbackHandle>> {
        match is_part(part) {
            true => self.allocate(Some(part)),
            false => Box::pin(async { None }),
        }
    }
}

impl<H: Host> Effects<H> {
    /// The `state` of a callback at an address with a part begins with that part, so that a host can compare both without
    /// a record of its own.
    fn allocate<'a>(&'a self, part: Option<&'a str>) -> BoxFuture<'a, Option<CallbackHandle>> {
        Box::pin(async move {
            let what = self.asks(&part.map_or(EffectRequest::Allocate, EffectRequest::AllocateAt));
            let number = self.host().with_run(|run| run.next_handle());
            let random = encode::base64url(&self.host().state(number));
            let state = part.map_or_else(|| random.clone(), |part| format!("{part}.{random}"));
            let effect = match self.begin(&what).await {
                Turn::Replay(effect) => {
                    // The process that allocated the address may be gone. The browser must still reach this host there.
                    if let Effect::Allocated(Some(address)) = &effect {
                        self.host().rebind(address).await;
                    }
                    effect
                }
                Turn::Live(busy) => {
                    let address = self.host().redirect_uri(part).await;
                    let beside = if address.is_some() { StoreChange::Address(&state) } else { StoreChange::None };
                    self.record(busy, &what, Effect::Allocated(address), beside).await
                }
            };
            let Effect::Allocated(address) = effect else { return self.fail(Fault::changed()).await };
            address.map(|address| host::callback_handle(address, state))
        })
    }
}

/// Returns `true` for the part of an address of a callback: 1 to 64 small letters and digits.
fn is_part(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
