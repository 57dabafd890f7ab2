//! The leases of rows: each has one holder until it expires by the clock of the database.

use connection_faults::sql;
use uuid::Uuid;

use super::{Database, old_rows::filled};
use crate::{
    ids::{ApprovalId, ConnectionId, SessionId},
    store::{
        ApprovalLease, CarriedRequest, Extendable, Leased, OutboxLease, RefreshLease, SetupLease, Store, StoreError,
        WebhookLease,
    },
};

/// The number of a row in each table whose state permits a lease.
const ROW: u128 = 20;

/// A store with a row in each table, and a connection that edits it.
struct Rows {
    store: Store,
    direct: sql::Database,
    now: &'static str,
}

impl Rows {
    async fn of(database: &Database) -> Self {
        let store = database.open().await;
        let direct = filled(database).await;
        for edit in [
            "UPDATE connection_access_token_request SET made = NULL",
            "UPDATE connection_approval SET state = 'executing' WHERE state = 'waiting'",
        ] {
            sql::run(&direct, edit).await;
        }
        let now = "CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)";
        Self { store, direct, now: if database.postgres.is_some() { now } else { "unixepoch()" } }
    }

    async fn take<R: Leased>(&self, row: &R, owner: &'static str) -> Option<i64> {
        let row = row.clone();
        self.store.write(move |tx| Box::pin(async move { tx.take_lease(&row, owner).await })).await.unwrap()
    }

    async fn extend<R: Extendable>(&self, row: &R, owner: &'static str) -> bool {
        let row = row.clone();
        self.store.write(move |tx| Box::pin(async move { tx.extend_lease(&row, owner).await })).await.unwrap()
    }

    async fn release<R: Leased>(&self, row: &R, owner: &'static str, fence: i64) {
        let row = row.clone();
        let released: Result<(), StoreError> =
            self.store.write(move |tx| Box::pin(async move { row.release(tx, owner, fence).await })).await;
        released.unwrap();
    }

    async fn holder<R: Leased>(&self, row: &R) -> Option<String> {
        self.store.reader().await.unwrap().lease_holder(row).await.unwrap()
    }

    /// Returns the seconds until the lease in this table expires.
    async fn left(&self, table: &str) -> i64 {
        let left = format!("SELECT lease_until - {} FROM {table} WHERE lease_until IS NOT NULL", self.now);
        sql::number(&self.direct, left).await.unwrap()
    }

    /// Lets the lease in this table end in this many seconds.
    async fn ends_in(&self, table: &str, seconds: i64) {
        let edit = format!("UPDATE {table} SET lease_until = {} + {seconds} WHERE lease_until IS NOT NULL", self.now);
        assert_eq!(sql::run(&self.direct, edit).await, 1);
    }

    /// Checks that the row has one holder at a time. `again` is the row as the next holder expects it.
    async fn check<R: Leased>(&self, table: &str, row: R, again: impl Fn(&R) -> R) {
        assert_eq!(self.holder(&row).await, None, "{table}");
        let fence = self.take(&row, "one").await.unwrap();
        // The test may take a moment.
        assert!((row.seconds() - 1..=row.seconds()).contains(&self.left(table).await), "{table}");
        let row = again(&row);
        assert_eq!((self.take(&row, "two").await, self.holder(&row).await), (None, Some("one".into())), "{table}");
        self.release(&row, "two", fence).await;
        assert_eq!(self.holder(&row).await, Some("one".into()), "{table}: it belongs to another");
        self.release(&row, "one", fence).await;
        assert_eq!(self.holder(&row).await, None, "{table}");
        self.take(&row, "two").await.unwrap();
        // It expires, and its holder has it no longer.
        let row = again(&row);
        self.ends_in(table, 0).await;
        assert_eq!(self.holder(&row).await, None, "{table}");
        self.take(&row, "three").await.unwrap();
        assert_eq!(self.holder(&row).await, Some("three".into()), "{table}");
        // Clocks are adjusted now and then. A lease with more left was taken before the clock was set back.
        let row = again(&row);
        self.ends_in(table, row.seconds() + 3).await;
        assert_eq!(self.take(&row, "four").await, None, "{table}");
        self.ends_in(table, row.seconds() + 3600).await;
        assert_eq!(self.take(&row, "four").await.is_some(), row.longest() != i64::MAX, "{table}");
    }

    /// Checks that only its holder extends a lease.
    async fn check_extended<R: Extendable>(&self, table: &str, row: R) {
        self.ends_in(table, 0).await;
        self.take(&row, "one").await.unwrap();
        self.ends_in(table, 2).await;
        assert!(!self.extend(&row, "two").await, "{table}");
        assert!(self.left(table).await <= 2, "{table}");
        assert!(self.extend(&row, "one").await, "{table}");
        assert!(self.left(table).await >= row.seconds() - 1, "{table}");
    }
}

#[tokio::test]
async fn a_lease_has_one_holder_until_it_expires_by_the_clock_of_the_database() {
    for database in Database::each().await {
        let rows = Rows::of(&database).await;
        let id = Uuid::from_u128(ROW);
        let mut mac = [0; 32];
        mac[16..].copy_from_slice(&ROW.to_be_bytes());
        let refresh = RefreshLease { id: ConnectionId::from(id), generation: 1 };
        rows.check("connection_liveness", refresh, |row| *row).await;
        rows.check_extended("connection_liveness", refresh).await;
        let setup = SetupLease { id: SessionId::from(id), seq: 2 };
        rows.check("connection_setup", setup, |row| *row).await;
        rows.check_extended("connection_setup", setup).await;
        let request = CarriedRequest { key: mac, attempt: id };
        rows.check("connection_access_token_request", request, |row| *row).await;
        rows.check_extended("connection_access_token_request", request).await;
        let approval = ApprovalLease(ApprovalId::from(id));
        rows.check("connection_approval", approval, |row| *row).await;
        rows.check_extended("connection_approval", approval).await;
        rows.check("connection_webhook", WebhookLease { id, seconds: 60 }, |row| *row).await;
        let next = |row: &OutboxLease| OutboxLease { attempts: row.attempts + 1, ..*row };
        rows.check("connection_outbox", OutboxLease { id, attempts: 0 }, next).await;
        rows.store.close().await;
    }
}

#[tokio::test]
async fn a_lease_is_of_the_row_that_its_holder_has_read() {
    for database in Database::each().await {
        let rows = Rows::of(&database).await;
        let id = Uuid::from_u128(ROW);
        let connection = ConnectionId::from(id);
        assert_eq!(rows.take(&RefreshLease { id: connection, generation: 2 }, "one").await, None, "another credential");
        // The fence counts leases.
        let refresh = RefreshLease { id: connection, generation: 1 };
        assert_eq!(rows.take(&refresh, "one").await, Some(1));
        rows.release(&refresh, "one", 1).await;
        assert_eq!(rows.take(&refresh, "one").await, Some(2));
        rows.release(&refresh, "one", 1).await;
        assert_eq!(rows.holder(&refresh).await, Some("one".into()), "an older lease of this process has ended");
        let session = SessionId::from(id);
        assert_eq!(rows.take(&SetupLease { id: session, seq: 1 }, "one").await, None, "the effect is recorded");
        // Every run of a process has the same lease.
        let setup = SetupLease { id: session, seq: 2 };
        assert_eq!((rows.take(&setup, "one").await, rows.take(&setup, "one").await), (Some(1), Some(1)));
        assert_eq!(rows.take(&OutboxLease { id, attempts: 1 }, "one").await, None, "there was no attempt");
        rows.store.close().await;
    }
}
