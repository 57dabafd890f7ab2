//! Notices, and the wait, which is the only effect that suspends a run.

use alloc::boxed::Box;
use core::future::pending;

use connection_contract::{
    AddressPurpose, BaseUrl, BoxFuture, DiscoveredOrigins, InboundHttpService, Notice, Origin, SetupService, Wait,
    WaitOutcome, host,
};

use crate::{Effect, EffectRequest, Effects, Host, discovery, effects::Turn, wait};

impl<H: Host> DiscoveredOrigins for Effects<H> {
    fn has(&self, origin: &Origin) -> bool {
        self.host().with_run(|run| run.discovered.iter().any(|(_, found)| found == origin))
    }
}

impl<H: Host> SetupService for Effects<H> {
    fn wait<'a>(&'a self, wait: Wait<'a>) -> BoxFuture<'a, WaitOutcome> {
        Box::pin(async move {
            let plan = match wait::plan(&wait, self.host().descriptor()) {
                Ok(plan) => plan,
                Err(fault) => return self.fail(fault).await,
            };
            let what = self.asks(&EffectRequest::Wait { ways: plan.ways, fields: &plan.fields, look: &plan.look });
            match self.begin(&what).await {
                Turn::Replay(effect) => {
                    let is_opened = wait.open.is_some();
                    match self.host().with_run(|run| run.outcome(effect, &plan, is_opened)) {
                        Some(woken) => woken,
                        None => pending().await,
                    }
                }
                Turn::Live(busy) => {
                    self.host().with_run(|run| run.suspend(what, plan, wait));
                    // The wait stays in progress, so that a second effect, or dropping the wait, is detected.
                    let _busy = busy;
                    pending().await
                }
            }
        })
    }

    fn show(&self, notice: Notice) {
        let shown = self.host().with_run(|run| Some((run.step, run.show(notice)?)));
        if let Some((step, notices)) = shown {
            self.host().show(step, notices);
        }
    }

    fn inbound_http(&self) -> Option<&dyn InboundHttpService> {
        self.host().takes_callbacks().then_some(self)
    }

    fn discovered<'a>(&'a self, url: &'a str, purpose: AddressPurpose) -> BoxFuture<'a, Option<BaseUrl>> {
        Box::pin(async move {
            if !self.host().descriptor().discovers {
                return None;
            }
            let live = async {
                let typed = self.host().with_run(|run| run.origins.clone());
                let origin = discovery::admitted(url, &typed);
                let origin = origin.filter(|origin| self.host().allows_discovered(origin, purpose));
                Effect::Discovered(origin.map(|origin| (purpose, origin)))
            };
            let read = |effect| if let Effect::Discovered(found) = effect { Some(found) } else { None };
            let found = self.perform(&EffectRequest::Discover(url, purpose), live, read).await;
            found.and_then(|(_, origin)| host::base_url(origin.as_str()))
        })
    }
}
