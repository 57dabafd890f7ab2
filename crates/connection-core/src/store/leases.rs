//! The leases of rows, which one holder at a time has: their durations, and one set of statements for all of them.
//!
//! A leased row has the columns `lease_owner` and `lease_until`. The end of a lease is written and compared with the
//! clock of the database alone, because the clocks of processes may disagree by hours.

use std::time::Duration;

use uuid::Uuid;

use super::{
    CarriedRequest, Lock, Reader, StoreError, Tx,
    clock::by_clock,
    engine::{Engine, execute, optional},
};
use crate::ids::{ApprovalId, ConnectionId, SessionId};

/// The number of seconds by which more may be left of a lease than it lasts, because the database's clock counts whole
/// seconds and is adjusted now and then. A lease with more time left was taken before the clock was set back, and counts
/// as expired.
pub(super) const SLACK: i64 = 5;

/// The value of the primary key of a leased row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    Id(Uuid),
    Mac([u8; 32]),
}

/// A row of which one holder at a time has the lease, and the state that it must have for that.
pub(crate) trait Leased: Clone + Send + Sync + 'static {
    /// `true` if a holder that is dropped releases the lease.
    const ENDS_WITH_HOLDER: bool = false;
    const RELEASE: &'static str;

    fn take_text(reader: &mut Reader) -> &'static str;
    fn extend_text(reader: &mut Reader) -> &'static str;
    fn holder_text(reader: &mut Reader) -> &'static str;

    fn key(&self) -> Key;

    /// Returns the duration of a lease, in seconds.
    fn seconds(&self) -> i64;

    /// Returns the maximum remaining time of a valid lease, in seconds.
    fn longest(&self) -> i64 {
        self.seconds() + SLACK
    }

    /// Returns a number that the row must have, which shows that it has not changed since it was read.
    fn expected(&self) -> i64 {
        0
    }

    /// Returns the lock under which the lease is taken.
    fn lock(&self) -> Option<Lock<'static>> {
        None
    }

    /// Releases the lease, unless another holder has it.
    fn release(&self, tx: &mut Tx, owner: &str, _fence: i64) -> impl Future<Output = Result<(), StoreError>> + Send {
        tx.release_lease(self, owner)
    }
}

/// A row whose lease the holder can extend.
pub(crate) trait Extendable: Leased {
    /// The interval at which the holder extends the lease.
    const EXTENDED_EVERY: Duration;
}

/// Builds the condition that the lease of a row of `$table` is not held. `$longest` is [`Leased::longest`].
macro_rules! free {
    ($now:literal, $table:literal, $longest:literal) => {
        concat!(
            "(",
            $table,
            ".lease_until IS NULL OR ",
            $table,
            ".lease_until <= ",
            $now,
            " OR ",
            $table,
            ".lease_until - ",
            $longest,
            " > ",
            $now,
            ")"
        )
    };
}

macro_rules! take {
    ($now:literal, $table:literal, $key:literal, $also:literal, $set:literal, $only:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET lease_owner = $2, lease_until = ",
            $now,
            " + $3",
            $set,
            " WHERE ",
            $key,
            " = $1 AND (",
            free!($now, $table, "$4"),
            $also,
            ") AND ",
            $only,
            " RETURNING CAST(1 AS BIGINT)"
        )
    };
}

macro_rules! extend {
    ($now:literal, $table:literal, $key:literal) => {
        concat!("UPDATE ", $table, " SET lease_until = ", $now, " + $3 WHERE ", $key, " = $1 AND lease_owner = $2")
    };
}

macro_rules! holder {
    ($now:literal, $table:literal, $key:literal) => {
        concat!("SELECT lease_owner FROM ", $table, " WHERE ", $key, " = $1 AND NOT ", free!($now, $table, "$2"))
    };
}

pub(super) use {extend, free, holder, take};

/// Defines the statements of a leased table. `$also` lets the lease be taken although it is held, `$set` changes other
/// columns when it is taken, and `$only` is a condition with [`Leased::expected`] as `$5`.
macro_rules! statements {
    ($table:literal, $key:literal, $also:literal, $set:literal, $only:literal) => {
        fn take_text(reader: &mut Reader) -> &'static str {
            by_clock!(reader, crate::store::leases::take, $table, $key, $also, $set, $only)
        }

        statements!($table, $key);
    };
    ($table:literal, $key:literal) => {
        const RELEASE: &'static str = concat!(
            "UPDATE ",
            $table,
            " SET lease_owner = NULL, lease_until = NULL WHERE ",
            $key,
            " = $1 AND lease_owner = $2"
        );

        fn extend_text(reader: &mut Reader) -> &'static str {
            by_clock!(reader, crate::store::leases::extend, $table, $key)
        }

        fn holder_text(reader: &mut Reader) -> &'static str {
            by_clock!(reader, crate::store::leases::holder, $table, $key)
        }
    };
}

/// The refresh of a credential. Its holder extends it every second, which is its sign of life. A holder whose last sign
/// is four seconds old sends nothing, so whoever takes a lease that has expired meets no holder that still sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefreshLease {
    pub(crate) id: ConnectionId,
    /// The generation of the current credential.
    pub(crate) generation: i64,
}

/// Builds the text that takes the lease of a refresh, also without a row of liveness. The fence counts leases.
macro_rules! take_refresh {
    ($now:literal) => {
        concat!(
            "INSERT INTO connection_liveness (connection_id, liveness, generation, lease_owner, lease_until, fence) \
             SELECT a.id, 'unknown', a.generation, CAST($2 AS TEXT), ",
            $now,
            " + $3, 1 FROM connection_account AS a WHERE a.id = $1 AND a.generation = $5 \
             ON CONFLICT (connection_id) DO UPDATE SET lease_owner = excluded.lease_owner, \
             lease_until = excluded.lease_until, fence = connection_liveness.fence + 1 WHERE ",
            free!($now, "connection_liveness", "$4"),
            " RETURNING fence"
        )
    };
}

pub(super) use take_refresh;

impl RefreshLease {
    pub(crate) const SECONDS: i64 = 5;
    pub(crate) const LONGEST: i64 = Self::SECONDS + SLACK;
}

impl Leased for RefreshLease {
    const ENDS_WITH_HOLDER: bool = true;

    statements!("connection_liveness", "connection_id");

    fn take_text(reader: &mut Reader) -> &'static str {
        by_clock!(reader, crate::store::leases::take_refresh)
    }

    fn key(&self) -> Key {
        Key::Id(self.id.as_uuid())
    }

    fn seconds(&self) -> i64 {
        Self::SECONDS
    }

    fn expected(&self) -> i64 {
        self.generation
    }

    async fn release(&self, tx: &mut Tx, owner: &str, fence: i64) -> Result<(), StoreError> {
        tx.release_refresh(self.id, owner, fence, None).await.map(drop)
    }
}

impl Extendable for RefreshLease {
    const EXTENDED_EVERY: Duration = Duration::from_secs(1);
}

/// A run of a setup. Every run of a process has the same lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetupLease {
    pub(crate) id: SessionId,
    /// The number of the next effect, which is not recorded yet.
    pub(crate) seq: i64,
}

impl SetupLease {
    const SECONDS: i64 = 6;
    pub(crate) const LONGEST: i64 = Self::SECONDS + SLACK;
}

impl Leased for SetupLease {
    statements!(
        "connection_setup",
        "id",
        " OR lease_owner = $2",
        "",
        "state IN ('running', 'waiting') AND NOT EXISTS \
         (SELECT 1 FROM connection_setup_effect AS e WHERE e.session_id = $1 AND e.seq = $5)"
    );

    fn key(&self) -> Key {
        Key::Id(self.id.as_uuid())
    }

    fn seconds(&self) -> i64 {
        Self::SECONDS
    }

    fn expected(&self) -> i64 {
        self.seq
    }

    fn lock(&self) -> Option<Lock<'static>> {
        Some(Lock::Setup(self.id))
    }
}

impl Extendable for SetupLease {
    const EXTENDED_EVERY: Duration = Duration::from_secs(2);
}

/// A request under a key of an access token, which has made nothing.
impl Leased for CarriedRequest {
    statements!("connection_access_token_request", "key", "", "", "made IS NULL AND $5 = 0");

    fn key(&self) -> Key {
        Key::Mac(self.key)
    }

    fn seconds(&self) -> i64 {
        Self::SECONDS
    }
}

impl Extendable for CarriedRequest {
    const EXTENDED_EVERY: Duration = Duration::from_secs(10);
}

/// The execution of an approved request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ApprovalLease(pub(crate) ApprovalId);

impl ApprovalLease {
    const SECONDS: i64 = 60;
    pub(crate) const LONGEST: i64 = Self::SECONDS + SLACK;
}

impl Leased for ApprovalLease {
    statements!("connection_approval", "id", "", "", "state = 'executing' AND $5 = 0");

    fn key(&self) -> Key {
        Key::Id(self.0.as_uuid())
    }

    fn seconds(&self) -> i64 {
        Self::SECONDS
    }
}

impl Extendable for ApprovalLease {
    const EXTENDED_EVERY: Duration = Duration::from_secs(15);
}

/// The delivery of an event of a webhook to a receiver, which says for how long it needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WebhookLease {
    pub(crate) id: Uuid,
    pub(crate) seconds: i64,
}

impl WebhookLease {
    /// No duration is too long: another receiver may need longer than this one.
    pub(crate) const LONGEST: i64 = i64::MAX;
}

impl Leased for WebhookLease {
    statements!("connection_webhook", "id", "", "", "acknowledged_at IS NULL AND $5 = 0");

    fn key(&self) -> Key {
        Key::Id(self.id)
    }

    fn seconds(&self) -> i64 {
        self.seconds
    }

    fn longest(&self) -> i64 {
        Self::LONGEST
    }
}

/// An attempt to send a message to the operator. The number of attempts is the fence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutboxLease {
    pub(crate) id: Uuid,
    /// The number of attempts that were begun.
    pub(crate) attempts: i64,
}

impl OutboxLease {
    const SECONDS: i64 = 60;
    pub(crate) const LONGEST: i64 = Self::SECONDS + SLACK;
}

impl Leased for OutboxLease {
    statements!("connection_outbox", "id", "", ", attempts = attempts + 1", "attempts = $5 AND state = 'pending'");

    fn key(&self) -> Key {
        Key::Id(self.id)
    }

    fn seconds(&self) -> i64 {
        Self::SECONDS
    }

    fn expected(&self) -> i64 {
        self.attempts
    }
}

/// Runs a statement with the key of a row.
macro_rules! keyed {
    ($row:expr, $key:ident => $run:expr) => {
        match $row.key() {
            Key::Id($key) => $run,
            Key::Mac(mac) => {
                let $key = &mac[..];
                $run
            }
        }
    };
}

impl Reader {
    /// Returns the owner of a lease that has not expired; `None` if nobody has it.
    pub(crate) async fn lease_holder<R: Leased>(&mut self, row: &R) -> Result<Option<String>, StoreError> {
        let sql = R::holder_text(self);
        let longest = row.longest();
        let found = keyed!(row, key => optional!(self, (String,), sql, key, longest))?;
        Ok(found.map(|(owner,)| owner))
    }
}

impl Tx {
    /// Takes a lease by the database's clock, and returns its fence, which is 1 for a table without fences. Returns
    /// `None` if another holder has the lease, or if the row is not as the caller expects it.
    pub(crate) async fn take_lease<R: Leased>(&mut self, row: &R, owner: &str) -> Result<Option<i64>, StoreError> {
        if let Some(lock) = row.lock() {
            self.lock(lock).await?;
        }
        let sql = R::take_text(self);
        let (time, longest, is) = (row.seconds(), row.longest(), row.expected());
        let taken = keyed!(row, key => optional!(self, (i64,), sql, key, owner, time, longest, is))?;
        Ok(taken.map(|(fence,)| fence))
    }

    /// Extends a lease from now on. Returns `false` if this owner no longer has it.
    pub(crate) async fn extend_lease<R: Extendable>(&mut self, row: &R, owner: &str) -> Result<bool, StoreError> {
        let sql = R::extend_text(self);
        let time = row.seconds();
        Ok(keyed!(row, key => execute!(self, sql, key, owner, time))? == 1)
    }

    /// Returns `true` if this owner has the lease and it has not expired.
    pub(crate) async fn holds_lease<R: Leased>(&mut self, row: &R, owner: &str) -> Result<bool, StoreError> {
        Ok(self.lease_holder(row).await?.is_some_and(|holder| *holder == *owner))
    }

    /// Releases a lease that this owner has.
    pub(crate) async fn release_lease<R: Leased>(&mut self, row: &R, owner: &str) -> Result<(), StoreError> {
        keyed!(row, key => execute!(self, R::RELEASE, key, owner)).map(drop)
    }
}
