//! Tests of `Refresher`: nothing is spent twice, and a bad network is not reported as a lost authorization.

use std::fmt::Debug;

use connection_contract::{ConnectionDefinition, ConnectionError, Liveness, RefreshContext};

use super::{Suite, classification::transient};
use crate::{fault::fail, poll::poll_and_drop};

/// The maximum number of awaits that a refresh may have.
const MAX_AWAITS: usize = 1000;

impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    #[track_caller]
    pub(super) fn renewed(&self) {
        let made = self.made();
        let host = self.fake(&[]);
        let Some(refresher) = host.definition.refresher() else { return };
        // "Must return the same value each time: it may depend on nothing but `self`."
        if refresher.semantics() != refresher.semantics() {
            fail("the semantics of a refresh differ each time");
        }
        // The credential replaces itself here, so it already has every part that could be taken over.
        if let Some(kept) = host.inherit(&made.credential, &made.credential) {
            self.silent(&format!("{kept:?}"), "what a re-authorization takes over");
        }
        if self.refresh.is_empty() {
            return;
        }
        let whole = self.connected(&self.refresh);
        match whole.refresh(&made.credential, &whole.connection(&made)) {
            Ok(fresh) => self.silent(&format!("{fresh:?}"), "the result of a refresh"),
            Err(error) => fail(&format!("the scripted refresh fails: {error}")),
        }
        self.dropped();
        for at in 0..self.refresh.len() {
            // "After an offline result, the host changes nothing and tries again later."
            for (what, reply) in transient() {
                let host = self.connected(&self.refresh);
                host.world.script.fault(at, reply);
                match host.refresh_once(&made.credential, &host.connection(&made)) {
                    Err(ConnectionError::NotLive(found)) if found.liveness == Liveness::Offline => {
                        self.silent(&format!("{found:?}"), "the result of a refresh");
                    }
                    // A later request may be for additional data, and may fail without failing the refresh.
                    Ok(_) if at > 0 => {}
                    other => {
                        fail(&format!("request {at} of a refresh meets {what}: it must be offline, and is {other:?}"))
                    }
                }
            }
        }
    }

    /// "The future is dropped at its deadline", and "a run that follows a crash gets the recorded answer, and nothing
    /// is spent twice".
    #[track_caller]
    fn dropped(&self) {
        let made = self.made();
        for polls in 0..MAX_AWAITS {
            let host = self.connected(&self.refresh);
            let connection = host.connection(&made);
            let context = RefreshContext::new(host.world.services(), &connection);
            let Some(refresher) = host.definition.refresher() else { return };
            let ended = poll_and_drop(refresher.refresh(&made.credential, &context), polls);
            if host.world.kept.is_empty() {
                // Nothing was spent, so the requests are sent again.
                host.world.script.seek(0);
            }
            if let Err(error) = host.refresh(&made.credential, &connection) {
                fail(&format!("a refresh after one that was dropped fails: {error}"));
            }
            if ended {
                return;
            }
        }
        fail("refresh does not finish");
    }
}
