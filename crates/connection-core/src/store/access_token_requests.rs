//! Queries of `connection_access_token_request`.
//!
//! While a request is carried out, a task-local names the attempt. A transaction that makes something then notes in the
//! row of the request what it has made, and fails if another attempt holds the row by now.

use super::{
    Reader, StoreError, Tx,
    clock::clocked,
    columns::row,
    engine::{Engine, execute, later, optional},
    leases::SLACK,
};

tokio::task_local! {
    static CARRIED: Option<CarriedRequest>;
}

/// An attempt to carry out a request under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CarriedRequest {
    /// A MAC of the key.
    pub(crate) key: [u8; 32],
    /// The id of the attempt.
    pub(crate) attempt: uuid::Uuid,
}

/// Runs `work`, whose transactions note what they make for this attempt.
pub(crate) async fn carrying<T>(attempt: Option<CarriedRequest>, work: impl Future<Output = T>) -> T {
    CARRIED.scope(attempt, work).await
}

/// Returns the attempt of the current task, for a task that it spawns.
pub(crate) fn carried() -> Option<CarriedRequest> {
    CARRIED.try_with(|carried| *carried).ok().flatten()
}

row! {
    /// A request that was begun under a key.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct TokenRequestRow {
        pub(crate) request: Vec<u8>,
        /// The ids of what it has made.
        pub(crate) made: Option<String>,
        pub(crate) is_whole: bool,
        /// The seconds until the lease expires; `None` if nobody holds it.
        pub(crate) seconds_left: Option<i64>,
    }
}

impl TokenRequestRow {
    pub(crate) fn is_held(&self) -> bool {
        self.seconds_left.is_some_and(|left| (1..=CarriedRequest::SECONDS + SLACK).contains(&left))
    }
}

impl CarriedRequest {
    /// The duration of a lease, in seconds.
    pub(super) const SECONDS: i64 = 30;

    pub(crate) fn owner(&self) -> String {
        self.attempt.to_string()
    }
}

impl Reader {
    pub(crate) async fn token_request(&mut self, key: &[u8; 32]) -> Result<Option<TokenRequestRow>, StoreError> {
        let sql = clocked!(
            self,
            "SELECT request, made, is_whole, lease_until - ",
            " AS seconds_left FROM connection_access_token_request WHERE key = $1"
        );
        optional!(self, TokenRequestRow, sql, &key[..])
    }
}

impl Tx {
    /// Inserts a request that this attempt carries out. Returns `false` if there is one under this key that was begun after
    /// `forgotten`; an older one is replaced.
    pub(crate) async fn insert_token_request(
        &mut self,
        attempt: CarriedRequest,
        request: &[u8; 32],
        now: i64,
        forgotten: i64,
    ) -> Result<bool, StoreError> {
        let sql = clocked!(
            self,
            "INSERT INTO connection_access_token_request (key, request, made, created_at, lease_owner, lease_until) \
             VALUES ($1, $2, NULL, $3, $4, ",
            " + $5) ON CONFLICT (key) DO UPDATE SET request = excluded.request, made = NULL, is_whole = FALSE, \
             created_at = excluded.created_at, lease_owner = excluded.lease_owner, \
             lease_until = excluded.lease_until WHERE connection_access_token_request.created_at <= $6"
        );
        Ok(execute!(
            self,
            sql,
            &attempt.key[..],
            &request[..],
            now,
            attempt.owner(),
            CarriedRequest::SECONDS,
            forgotten
        )? == 1)
    }

    /// Notes that an attempt has made this, and nothing else will follow.
    pub(crate) async fn end_token_request(&mut self, attempt: CarriedRequest, made: &str) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_access_token_request SET made = $3, is_whole = TRUE, \
                           lease_owner = NULL, lease_until = NULL WHERE key = $1 AND lease_owner = $2";
        later!(self, SQL, &attempt.key[..], attempt.owner(), made)
    }

    /// Notes that this job makes everything that the request of the current task asks for.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] if another attempt has taken the request over.
    pub(crate) async fn made(&mut self, id: &str) -> Result<(), StoreError> {
        let Some(attempt) = self.attempt() else { return Ok(()) };
        let is_noted = self.note_token_request(attempt, id).await?;
        if is_noted { Ok(()) } else { Err(self.taken_over()) }
    }

    pub(super) async fn note_token_request(&mut self, attempt: CarriedRequest, made: &str) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_access_token_request SET made = $3, is_whole = TRUE \
                           WHERE key = $1 AND lease_owner = $2";
        Ok(execute!(self, SQL, &attempt.key[..], attempt.owner(), made)? == 1)
    }

    /// Notes that this job makes a part of what the request of the current task asks for: these ids, separated by
    /// commas.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] if another attempt has taken the request over.
    pub(crate) async fn made_part(&mut self, ids: &str) -> Result<(), StoreError> {
        let Some(attempt) = self.attempt() else { return Ok(()) };
        let is_noted = self.note_part_of_token_request(attempt, ids).await?;
        if is_noted { Ok(()) } else { Err(self.taken_over()) }
    }

    pub(super) async fn note_part_of_token_request(
        &mut self,
        attempt: CarriedRequest,
        made: &str,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_access_token_request SET made = COALESCE(made || ',', '') || $3 \
                           WHERE key = $1 AND lease_owner = $2";
        Ok(execute!(self, SQL, &attempt.key[..], attempt.owner(), made)? == 1)
    }

    /// Notes that this job takes back what the request of the current task has made.
    pub(crate) async fn unmade(&mut self) -> Result<(), StoreError> {
        let Some(attempt) = self.attempt() else { return Ok(()) };
        self.clear_token_request(attempt).await
    }

    pub(super) async fn clear_token_request(&mut self, attempt: CarriedRequest) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_access_token_request SET made = NULL, is_whole = FALSE \
                           WHERE key = $1 AND lease_owner = $2";
        later!(self, SQL, &attempt.key[..], attempt.owner())
    }

    /// Deletes a request that has made nothing.
    pub(crate) async fn delete_token_request(&mut self, attempt: CarriedRequest) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM connection_access_token_request \
                           WHERE key = $1 AND lease_owner = $2 AND made IS NULL";
        later!(self, SQL, &attempt.key[..], attempt.owner())
    }
}

impl Tx {
    /// Returns the error of a job whose attempt has lost the request.
    fn taken_over(&self) -> StoreError {
        StoreError::Busy { place: self.place.to_string() }
    }
}
