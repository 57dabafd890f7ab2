//! Whether a withdrawal is in force in every process.

use std::time::Duration;

use connection_contract::DisplayText;
use connection_egress::Moment;

use super::KnownFreezes;
use crate::{
    Clock as _,
    store::{Changes, StoreError},
};

/// The longest wait for other processes, from the commit on.
const LONGEST: Duration = Duration::from_secs(1);

/// Whether what was taken back, narrowed or frozen is in force in every process that has the store open.
///
/// In such a process, no use begins that depends on what was taken back. A use of an agent that had begun was cut: no
/// further byte of its request is given to the network.
///
/// ```
/// use connection_core::{Agent, ConnectionId, Error};
///
/// async fn revoke(agent: &Agent, connection: ConnectionId) -> Result<String, Error> {
///     let in_force = agent.revoke(connection).await?.in_force;
///     Ok(match in_force.remaining() {
///         [] => "no process uses the connection for the agent".to_owned(),
///         processes => format!("these may still use it, until they look at the store: {processes:?}"),
///     })
/// }
/// # let _ = revoke;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    remaining: Vec<DisplayText>,
}

impl InForce {
    /// Returns `true` if it is in force in every process.
    pub fn is_everywhere(&self) -> bool {
        self.remaining.is_empty()
    }

    /// Returns the names of the processes that used connections in the last seconds and have not confirmed the change
    /// within a second. A process that was killed is among them for a few seconds. One that hangs or was stopped
    /// may still send a request that it had begun; it decides no other one before it has read the change.
    pub fn remaining(&self) -> &[DisplayText] {
        &self.remaining
    }
}

/// The result of taking something back.
///
/// ```
/// use connection_core::{ConnectionRegistry, Error};
///
/// async fn remove(registry: &ConnectionRegistry, agent: &str) -> Result<(), Error> {
///     let removed = registry.agents().remove(agent).await?;
///     println!("{} {}", removed.was_there, removed.in_force.is_everywhere());
///     Ok(())
/// }
/// # let _ = remove;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Withdrawal {
    /// `true` if there was something to take back; `false` if there was nothing, or if it was taken back before.
    pub was_there: bool,
    /// Whether it is taken back in every process.
    pub in_force: InForce,
}

impl KnownFreezes {
    /// Waits until each process that is present has taken in all that was withdrawn before this call, for at most a
    /// second. If no other process is present, this returns at once.
    pub(crate) async fn in_force(&self) -> InForce {
        let remaining = self.unconfirmed().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "it could not be read which processes have taken in a withdrawal");
            vec!["the other processes of the store, which could not be asked".to_owned()]
        });
        InForce { remaining: remaining.into_iter().map(DisplayText::from).collect() }
    }

    /// Returns the result of taking something back by a transaction that was committed.
    pub(crate) async fn withdrawn(&self, was_there: bool) -> Withdrawal {
        Withdrawal { was_there, in_force: self.in_force().await }
    }

    async fn unconfirmed(&self) -> Result<Vec<String>, StoreError> {
        let presence = &self.presence;
        let began = Moment::of(&presence.clock);
        // The uses of this process end before the caller is answered.
        let number = self.take_in_all().await?;
        loop {
            let remaining = self.store.reader().await?.unconfirmed(&presence.process.id, number).await?;
            if remaining.is_empty() || began.age(Moment::of(&presence.clock)) >= LONGEST {
                return Ok(remaining);
            }
            presence.clock.sleep(Changes::FOR_CONFIRMATIONS).await;
        }
    }
}
