//! Tests of the sections `# Repetition` and `# Cancellation` of the contract. Each run of
//! a setup tests its own.

use std::fmt::Debug;

use connection_contract::{
    Connection, ConnectionDefinition, ConnectionError, Liveness, Teardown, TeardownContext, VerifyContext,
};

use super::Suite;
use crate::{Expected, FakeHost, Reply, fault::fail, poll::poll_and_drop};

/// The maximum number of awaits that a probe may have.
const MAX_AWAITS: usize = 1000;

impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    #[track_caller]
    pub(super) fn repeated(&self) {
        self.verified_again();
        self.ended_again(End::Teardown);
        self.ended_again(End::Revoke);
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
    fn ended_again(&self, end: End) {
        let script = match end {
            End::Teardown => &self.teardown,
            End::Revoke => &self.revoke,
        };
        let what = end.name();
        let made = self.made();
        for polls in 0..MAX_AWAITS {
            let host = self.connected(script);
            let connection = host.connection(&made);
            let context = TeardownContext::new(host.world.services(), &connection);
            let ended = match (end, host.definition.revoker()) {
                (End::Teardown, _) => poll_and_drop(host.definition.teardown(&made.credential, &context), polls),
                (End::Revoke, Some(revoker)) => poll_and_drop(revoker.revoke(&made.credential, &context), polls),
                // The kind revokes no credential that was entered.
                (End::Revoke, None) => return,
            };
            host.world.script.seek(0);
            match end.of(&host, &made.credential, &connection) {
                Ok(Teardown::Revoked) if script.is_empty() => {
                    fail(&format!("the {what} sends nothing and says that the credential was revoked"));
                }
                Ok(_) => {}
                Err(error) => fail(&format!("the scripted {what} fails: {error}")),
            }
            // After the first call, the provider answers that nothing is left.
            let gone = |expected: &Expected| expected.duplicate().answer(Reply::status(404));
            let again = self.connected(&script.iter().map(gone).collect::<Vec<_>>());
            if let Err(error) = end.of(&again, &made.credential, &connection) {
                fail(&format!("a {what} after a {what} fails: {error}"));
            }
            if ended {
                return;
            }
        }
        fail(&format!("the {what} does not finish"));
    }
}

/// The two ways in which a credential ends.
#[derive(Clone, Copy)]
enum End {
    Teardown,
    Revoke,
}

impl End {
    fn name(self) -> &'static str {
        match self {
            Self::Teardown => "teardown",
            Self::Revoke => "revocation",
        }
    }

    #[track_caller]
    fn of<D: ConnectionDefinition>(
        self,
        host: &FakeHost<D>,
        credential: &D::Credential,
        connection: &Connection,
    ) -> Result<Teardown, ConnectionError>
    where
        D::Credential: Debug,
    {
        match self {
            Self::Teardown => host.teardown(credential, connection),
            Self::Revoke => host.revoke(credential, connection),
        }
    }
}
