//! The timeline of a PostgreSQL server, whose number grows when a standby is promoted, and its record in the database.
//!
//! A standby that follows its primary asynchronously lacks the last commits when it is promoted, and with them the
//! records of tokens that were spent. The record of the timeline travels with the data, so that it is older than the
//! timeline of a server that was promoted.

#[cfg(feature = "postgres")]
use super::engine::Connection;
use super::{
    Reader, Store, StoreError, Tx,
    engine::{Engine, optional},
    rows::KvValue,
};

/// The place of the record. No kind and no owner has such a name.
const OWNER: &str = "";
const NAMESPACE: &str = "/server";
const KEY: &str = "timeline";

/// The timeline of the server: the first eight digits of the name of a log file. `pg_control_checkpoint()` has the new one
/// only after the first checkpoint.
#[cfg(feature = "postgres")]
macro_rules! now {
    () => {
        "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
    };
}

macro_rules! recorded {
    () => {
        ", (SELECT value FROM connection_kv WHERE owner = '' AND namespace = '/server' AND key = 'timeline')"
    };
}

/// Selects the timeline of the server, or fails if the server does not tell it.
#[cfg(feature = "postgres")]
pub(super) const TIMELINE: &str = concat!("SELECT ", now!());

/// Records the timeline of the server in a copy that a move has made. The file has no such row.
#[cfg(all(feature = "postgres", feature = "sqlite"))]
pub(super) const RECORD_IN_COPY: &str =
    concat!("INSERT INTO connection_kv (owner, namespace, key, value) SELECT '', '/server', 'timeline', ", now!());

/// Selects the rows of `connection_kv` that a move has copied.
#[cfg(all(feature = "postgres", feature = "sqlite"))]
pub(super) const COPIED_VALUES: &str = " WHERE namespace <> '/server'";

impl Reader {
    /// Returns `true` if the server is a standby, which takes no writes.
    pub(super) async fn is_standby(&mut self) -> Result<bool, StoreError> {
        let sql = match self.engine() {
            // If the connection is lost, no text is run.
            Engine::Lost => "",
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => "SELECT pg_is_in_recovery()",
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => "SELECT FALSE",
        };
        let is_standby = optional!(self, (bool,), sql)?.is_some_and(|(is_standby,)| is_standby);
        #[cfg(feature = "postgres")]
        if let (true, Connection::Postgres(connection)) = (is_standby, &mut self.connection) {
            connection.leads_to_standby();
        }
        Ok(is_standby)
    }

    /// Returns the timeline of the server and the recorded one, both as the server writes them. A file has none.
    async fn timelines(&mut self) -> Result<(Option<String>, Option<String>), StoreError> {
        let sql = match self.engine() {
            Engine::Lost => "",
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => concat!("SELECT ", now!(), recorded!()),
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => concat!("SELECT NULL", recorded!()),
        };
        let found = optional!(self, (Option<String>, Option<String>), sql)?;
        Ok(found.unwrap_or_default())
    }

    /// Returns the number of the server's timeline, if it tells it.
    pub(super) async fn timeline(&mut self) -> Result<Option<i64>, StoreError> {
        let (now, _) = self.timelines().await?;
        Ok(now.and_then(|now| i64::from_str_radix(&now, 16).ok()))
    }

    /// Refuses if the server was promoted since its timeline was recorded. Called only for a server that
    /// [tells it](super::Store::notices_promotions).
    pub(crate) async fn refuse_after_promotion(&mut self) -> Result<(), StoreError> {
        match self.timelines().await? {
            (Some(now), Some(recorded)) if now != recorded => {
                Err(StoreError::Promoted { place: self.place.to_string() })
            }
            _ => Ok(()),
        }
    }
}

impl Tx {
    /// Records the timeline of the server, on which tokens are spent from now on.
    pub(super) async fn record_timeline(&mut self) -> Result<(), StoreError> {
        let (Some(timeline), _) = self.timelines().await? else { return Ok(()) };
        self.put_kv(OWNER, NAMESPACE, KEY, &KvValue::Public(timeline)).await
    }
}

impl Store {
    /// Returns `true` if the database is on a server that tells its timeline, which shows that a standby was promoted.
    pub(crate) fn notices_promotions(&self) -> bool {
        match &self.shared.engine {
            #[cfg(feature = "sqlite")]
            super::Engine::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            super::Engine::Postgres(postgres) => postgres.notices_promotions(),
        }
    }

    /// Returns `true` if the database is on a server that is a standby, which takes no writes.
    ///
    /// # Errors
    ///
    /// The errors of a query.
    pub(crate) async fn is_standby(&self) -> Result<bool, StoreError> {
        if self.file().is_some() {
            return Ok(false);
        }
        self.reader().await?.is_standby().await
    }

    /// Refuses if the server was promoted, until its new timeline is recorded.
    ///
    /// # Errors
    ///
    /// [`StoreError::Promoted`], and the errors of a query.
    pub(crate) async fn refuse_after_promotion(&self) -> Result<(), StoreError> {
        if !self.notices_promotions() {
            return Ok(());
        }
        self.reader().await?.refuse_after_promotion().await
    }

    /// Returns the number of the server's timeline, if the database is on a server that tells it.
    ///
    /// # Errors
    ///
    /// The errors of a query.
    pub(crate) async fn timeline(&self) -> Result<Option<i64>, StoreError> {
        if !self.notices_promotions() {
            return Ok(None);
        }
        self.reader().await?.timeline().await
    }

    /// Records the timeline of the server, so that tokens are spent again after a promotion.
    ///
    /// # Errors
    ///
    /// The errors of a write.
    pub(crate) async fn record_timeline(&self) -> Result<(), StoreError> {
        if !self.notices_promotions() {
            return Ok(());
        }
        self.write(|tx| Box::pin(async move { tx.record_timeline().await })).await
    }

    /// Records the timeline of the server, unless one is recorded. The store is opened, so it is neither a copy that is not
    /// complete, nor too new for this program.
    ///
    /// # Errors
    ///
    /// The errors of a query and of a write.
    pub(super) async fn record_first_timeline(&self) -> Result<(), StoreError> {
        if !self.notices_promotions() {
            return Ok(());
        }
        let (_, recorded) = self.reader().await?.timelines().await?;
        if recorded.is_some() {
            return Ok(());
        }
        match self.record_timeline().await {
            // A role that may only read spends no token.
            Err(StoreError::ReadOnly { .. }) => Ok(()),
            recorded => recorded,
        }
    }
}
