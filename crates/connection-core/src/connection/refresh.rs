//! Provides a working credential: one that has ended is refreshed before its use, one that ends soon is refreshed in
//! the background.

use std::sync::Arc;

use connection_contract::{AuthType, BoxFuture, NotLive, Reason, reason};

use super::Connection;
use crate::{
    Error,
    credential::{HotRow, ReadConnection, read_shown},
    kinds::KindEntry,
    liveness::for_grantee,
    plan::Stage,
    refresh::{self, FlightResult, RefreshResult, RefreshedConnection, Trigger},
};

impl Connection {
    /// Refreshes the credential now, whether or not it is due. Over all processes, only one refresh of a connection
    /// runs at a time: a call during a refresh returns the result of that refresh.
    ///
    /// # Repetition
    ///
    /// Each call after the end of the previous refresh refreshes again. A token that may have been spent by a request
    /// whose answer was lost is sent again only after its quarantine; [`NotLive::recheck_after`] of the error says when
    /// that is. A token that the provider refused is sent once more for each call. One that was restored from a backup is
    /// not sent; see [`force_refresh`](Self::force_refresh).
    ///
    /// If the credential has nothing to renew, such as an access token without a refresh token, also of a kind for OAuth that
    /// refreshes nothing, nobody is asked, nothing changes, and the outcome is
    /// [`NothingToRenew`](crate::RefreshOutcome::NothingToRenew), until the credential ends.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the refresh continues.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for kinds that refresh nothing and are not for OAuth, [`Error::NotRenewed`] if the provider
    /// does not refresh the credential or cannot be reached, [`Error::UnknownKind`], [`Error::KindChanged`],
    /// [`Error::NotFound`], and the store's errors. The credential is unchanged.
    pub fn refresh(&self) -> BoxFuture<'_, Result<RefreshedConnection, Error>> {
        Box::pin(self.refresh_for(Trigger::Requested))
    }

    /// Refreshes as [`refresh`](Self::refresh) does, also with a token that was restored from a backup and may be used up.
    /// A token that may have been spent still waits for the end of its quarantine.
    ///
    /// # Errors
    ///
    /// The errors of [`refresh`](Self::refresh).
    pub fn force_refresh(&self) -> BoxFuture<'_, Result<RefreshedConnection, Error>> {
        Box::pin(self.refresh_for(Trigger::Forced))
    }

    async fn refresh_for(&self, why: Trigger) -> Result<RefreshedConnection, Error> {
        let id = self.id();
        let kind = self.kind().await?;
        if !kind.renews() {
            let info = Box::pin(self.system.ground.info_by_id(&self.info.owner, id)).await?;
            let works = info.valid_until.is_none_or(|until| until > self.system.ground.clock.now());
            // The provider of such a kind for OAuth issues no refresh tokens.
            return match kind.descriptor.auth == AuthType::OAuth && works {
                true => Ok(RefreshedConnection::new(RefreshResult::NothingToRenew, Arc::new(info))),
                false => Err(self.cannot("renew their credential")),
            };
        }
        let landed = refresh::refresh_current(self.scope().on(&self.system.refresh), id, why).await;
        let landed = match landed {
            Ok(landed) => landed,
            Err(error) => {
                let error = Box::pin(self.with_remedies(error)).await;
                return Err(self.for_caller(error));
            }
        };
        let info = match landed.row {
            // The row belongs to the owner for whom the refresh was begun.
            Some(row) if row.info.owner == self.info.owner => row.info.clone(),
            // Each waiter has a future of its own, which is small without that of a read.
            _ => Arc::new(Box::pin(self.system.ground.info_by_id(&self.info.owner, id)).await?),
        };
        Ok(RefreshedConnection::new(landed.renewed, info))
    }

    /// Returns the kind and a credential that has not ended, opened, for a use. Nothing is refreshed for a use that is
    /// frozen.
    pub(crate) async fn open_for_use(&self) -> Result<(Arc<KindEntry>, Arc<HotRow>), Error> {
        let (kind, row) = self.open_current().await?;
        self.check_frozen().await?;
        self.not_ended(kind, row).await
    }

    /// Returns the kind and a credential that has not ended, opened, also if the connection is frozen.
    pub(crate) async fn open_fresh(&self) -> Result<(Arc<KindEntry>, Arc<HotRow>), Error> {
        let (kind, row) = self.open_current().await?;
        self.not_ended(kind, row).await
    }

    async fn not_ended(&self, kind: Arc<KindEntry>, row: Arc<HotRow>) -> Result<(Arc<KindEntry>, Arc<HotRow>), Error> {
        if !kind.renews() {
            return Ok((kind, row));
        }
        let now = self.system.ground.clock.now().seconds();
        match row.plan.stage(now) {
            Stage::Fresh => Ok((kind, row)),
            Stage::Due => {
                refresh::start(self.scope().on(&self.system.refresh), self.id(), row.generation);
                Ok((kind, row))
            }
            Stage::Expired => {
                let landed = self.refreshed_for_use(row.generation).await?;
                let row = self.adopt_refreshed(&kind, landed.row).await?;
                Ok((kind, row))
            }
            Stage::Failed => {
                let unknown = || Reason::new(reason::EXPIRED, "the credential has expired and could not be renewed");
                let why = row.plan.why().unwrap_or_else(|| NotLive::offline(unknown()));
                let why = row.plan.with_remedies(why, now);
                Err(Error::NotRenewed { kind: self.info.kind.clone(), why: Box::new(why) })
            }
        }
    }

    /// Returns the row that a refresh stored, so that its waiters do not read the store again.
    async fn adopt_refreshed(&self, kind: &KindEntry, row: Option<Arc<ReadConnection>>) -> Result<Arc<HotRow>, Error> {
        match row {
            Some(row) if row.info.owner == self.info.owner && row.info.kind == self.info.kind => {
                self.open_for(kind, row).await
            }
            _ => self.reopen(kind).await,
        }
    }

    /// Returns the credential for a release, for which there is no second attempt: a newer one if a refresh of this one is
    /// due, because the refresh may end it.
    pub(super) async fn refreshed_for_release(&self, kind: &KindEntry, row: Arc<HotRow>) -> Result<Arc<HotRow>, Error> {
        if !kind.renews() || row.plan.stage(self.system.ground.clock.now().seconds()) != Stage::Due {
            return Ok(row);
        }
        let landed = self.refreshed_for_use(row.generation).await?;
        self.adopt_refreshed(kind, landed.row).await
    }

    /// Refreshes the credential of this generation for a use that waits for it.
    async fn refreshed_for_use(&self, seen: i64) -> Result<FlightResult, Error> {
        let scope = self.scope().on(&self.system.refresh);
        match refresh::refresh(scope, self.id(), seen, Trigger::Due).await {
            Ok(landed) => Ok(landed),
            Err(error) => Err(self.for_caller(for_use(Box::pin(self.with_remedies(error)).await))),
        }
    }

    /// Returns an error as the caller gets it.
    fn for_caller(&self, error: Error) -> Error {
        match error {
            Error::NotRenewed { kind, mut why } if self.user.is_grantee() => {
                why.reason = for_grantee(why.reason);
                Error::NotRenewed { kind, why }
            }
            error => error,
        }
    }

    /// Adds to a failure about whose token nothing is known what the caller can do, and when the next attempt is.
    async fn with_remedies(&self, error: Error) -> Error {
        match error {
            Error::NotRenewed { kind, why } if why.reason.code == reason::REFRESH_OUTCOME_UNKNOWN => {
                let ground = &self.system.ground;
                let shown = read_shown(ground, &self.info.owner, self.id()).await;
                let plan = shown.ok().and_then(|shown| shown.read.plan()).unwrap_or_default();
                let why = plan.with_remedies(*why, ground.clock.now().seconds());
                Error::NotRenewed { kind, why: Box::new(why) }
            }
            error => error,
        }
    }

    /// Returns the credential for a request whose body is long: a newer one if this one ends soon and can be refreshed.
    pub(crate) async fn refreshed_for_long_request(&self, kind: &KindEntry, row: Arc<HotRow>) -> Arc<HotRow> {
        if !kind.renews() || !row.plan.precedes_long_request(self.system.ground.clock.now().seconds()) {
            return row;
        }
        let scope = self.scope().on(&self.system.refresh);
        let refreshed = match refresh::refresh(scope, self.id(), row.generation, Trigger::Requested).await {
            Ok(landed) => self.adopt_refreshed(kind, landed.row).await,
            Err(error) => Err(error),
        };
        refreshed.unwrap_or_else(|error| {
            tracing::debug!(
                connection = %self.id(), code = error.code(),
                "a credential that ends soon could not be renewed before a long request"
            );
            // It still works.
            row
        })
    }

    /// Returns another credential after the provider refused this one, if there is one or a refresh makes one.
    pub(crate) async fn after_refusal(&self, kind: &KindEntry, refused: &HotRow) -> Option<Arc<HotRow>> {
        let newer = |row: &Arc<HotRow>| row.generation != refused.generation;
        // Another process may have stored one. If the store cannot be read, the provider's answer is the better error.
        let row = self.reopen(kind).await.ok()?;
        let now = self.system.ground.clock.now().seconds();
        let may_refresh = self.user.agent().is_none() || row.plan.may_follow_refusal_of_agent(now);
        if newer(&row) || !kind.renews() || !may_refresh {
            return Some(row).filter(newer);
        }
        match refresh::refresh(self.scope().on(&self.system.refresh), self.id(), refused.generation, Trigger::Refused)
            .await
        {
            Ok(FlightResult { renewed: RefreshResult::Current { .. }, row }) => {
                self.adopt_refreshed(kind, row).await.ok().filter(newer)
            }
            Ok(_) => None,
            Err(error) => {
                tracing::debug!(
                    connection = %self.id(), code = error.code(),
                    "a credential that the provider refused could not be renewed"
                );
                None
            }
        }
    }
}

/// Returns the error for a use: without the provider's own words, which only an answer to the person's own question has.
fn for_use(error: Error) -> Error {
    match error {
        Error::NotRenewed { kind, mut why } => {
            why.reason.provider_text = None;
            Error::NotRenewed { kind, why }
        }
        error => error,
    }
}
