//! Tests of the sections `# Repetition` and `# Cancellation` of the contract. Each run of
//! a setup tests its own.

use std::fmt::Debug;

use connection_contract::{ConnectionDefinition, Liveness, TeardownContext, VerifyContext};

use super::Suite;
use crate::{Expected, Reply, fault::fail, poll::poll_and_drop};

/// The maximum number of awaits that a probe may have.
const MAX_AWAITS: usize = 1000;

impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    #[track_caller]
    pub(super) fn repeated(&self) {
        self.verified_again();
        self.torn_down_again();
    }

    /// "May run at any time and any number of times", and "The future is dropped at its deadline, or when the
    /// connection is removed".
    #[track_caller]
    fn verified_again(&self) {
        let made = self.made();
        for polls in 0..MAX_AWAITS {
            let host = self.connected(&self.verify);
            let connection = host.connection(&made);
            let context = VerifyContext::new(host.world.services(), &connection);
            let ended = poll_and_drop(host.definition.verify(&made.credential, &context), polls);
            host.world.script.seek(0);
            match host.verify(&made.credential, &connection) {
                Ok(found) if found.liveness == Liveness::Live => {
                    let same = |id: &connection_contract::Identity| id.account_id == made.identity.account_id;
                    if !found.identity.as_ref().is_none_or(same) {
                        fail("verify reaches another account than setup did");
                    }
                }
                // A kind may have nothing to ask, but then it must say so.
                Ok(found)
                    if self.verify.is_empty() && found.liveness == Liveness::Unknown && found.reason.is_some() => {}
                Ok(found) => fail(&format!("the scripted verify finds {:?} ({:?})", found.liveness, found.reason)),
                Err(error) => fail(&format!("the scripted verify fails: {error}")),
            }
            if ended {
                return;
            }
        }
        fail("verify does not finish");
    }

    /// "A crash between teardown and removal runs it again, so a second call must have the same effect as one call."
    #[track_caller]
    fn torn_down_again(&self) {
        let made = self.made();
        for polls in 0..MAX_AWAITS {
            let host = self.connected(&self.teardown);
            let connection = host.connection(&made);
            let context = TeardownContext::new(host.world.services(), &connection);
            let ended = poll_and_drop(host.definition.teardown(&made.credential, &context), polls);
            host.world.script.seek(0);
            if let Err(error) = host.teardown(&made.credential, &connection) {
                fail(&format!("the scripted teardown fails: {error}"));
            }
            // After a teardown, the provider answers that nothing is left.
            let gone = |expected: &Expected| expected.duplicate().answer(Reply::status(404));
            let again = self.connected(&self.teardown.iter().map(gone).collect::<Vec<_>>());
            if let Err(error) = again.teardown(&made.credential, &connection) {
                fail(&format!("a teardown after a teardown fails: {error}"));
            }
            if ended {
                return;
            }
        }
        fail("teardown does not finish");
    }
}
