//! Tests of `activate` and of `UsageSource`.

use std::fmt::Debug;

use connection_contract::{ConnectionDefinition, ConnectionError, UsageContext};

use super::{Suite, classification::transient};
use crate::{fault::fail, poll::poll_and_drop};

/// The maximum number of awaits that a fetch may have.
const MAX_AWAITS: usize = 1000;

impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    /// "A second call with the services of the same host must have the same effect as one call."
    ///
    /// The values in the key-value store are compared. An activation sends no requests, because none of the services
    /// that it receives can.
    #[track_caller]
    pub(super) fn activated(&self) {
        let host = self.fake(&[]);
        for time in ["the first", "the second"] {
            let before = host.world.kv.as_ref().map(crate::kv::FakeKv::state);
            if let Err(error) = host.activate() {
                fail(&format!("{time} activation fails: {error}"));
            }
            if time == "the second" && before != host.world.kv.as_ref().map(crate::kv::FakeKv::state) {
                fail("a second activation stores something that the first one did not");
            }
        }
    }

    /// "May run at any time and any number of times", and a provider that does not answer is not a fault of the plugin.
    #[track_caller]
    pub(super) fn metered(&self) {
        let made = self.made();
        if self.usage.is_empty() || self.fake(&[]).definition.usage().is_none() {
            return;
        }
        for polls in 0..=MAX_AWAITS {
            if polls == MAX_AWAITS {
                fail("a fetch of usage does not finish");
            }
            let host = self.connected(&self.usage);
            let connection = host.connection(&made);
            let context = UsageContext::new(host.world.services(), &connection, host.world.directory.as_ref());
            let Some(usage) = host.definition.usage() else { return };
            let ended = poll_and_drop(usage.fetch(&made.credential, &context), polls);
            host.world.script.seek(0);
            match host.fetch_usage(&made.credential, &connection) {
                Ok(snapshot) => {
                    self.silent(&format!("{snapshot:?}"), "a snapshot of usage");
                    let raw = snapshot.raw.as_ref().map(ToString::to_string).unwrap_or_default();
                    self.silent(&raw, "the raw part of a snapshot of usage");
                }
                Err(error) => fail(&format!("the scripted fetch of usage fails: {error}")),
            }
            if ended {
                break;
            }
        }
        for at in 0..self.usage.len() {
            for (what, reply) in transient() {
                let host = self.connected(&self.usage);
                host.world.script.fault(at, reply);
                match host.fetch_usage(&made.credential, &host.connection(&made)) {
                    Err(ConnectionError::NotLive(found)) => {
                        self.silent(&format!("{found:?}"), "the reason for missing usage")
                    }
                    // A request for additional data may fail without failing the fetch.
                    Ok(_) => {}
                    Err(error) => fail(&format!("request {at} of a fetch of usage meets {what}: {error}")),
                }
            }
        }
    }
}
