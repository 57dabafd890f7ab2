//! Uses a credential that works: renewed first where it has ended, renewed behind the use where it soon will.

use std::sync::Arc;

use connection_contract::{NotLive, Reason, reason};

use super::{Connection, Known, hot::HotRow};
use crate::{
    ConnectionInfo, Error,
    refresh::{self, Landed, Renewed, Why, plan::Stage},
    registry::KindEntry,
};

impl Connection {
    /// Renews its credential now, whether or not it is time. One at a time, over all processes: who asks while it is under
    /// way gets that one's result.
    ///
    /// # Repetition
    ///
    /// Each call after the end of the one before renews again. What may have been spent by one whose answer was lost is sent
    /// again when its quarantine is over: [`NotLive::recheck_after`] of the error says in what time. What the provider refused
    /// for good is not sent again; see [`force_refresh`](Self::force_refresh).
    ///
    /// # Cancellation
    ///
    /// Dropped, it goes on.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for kinds that renew nothing, [`Error::NotRenewed`] when the provider does not renew it or
    /// cannot be asked, [`Error::UnknownKind`], [`Error::NotFound`], and the store's: the credential is as it was.
    pub async fn refresh(&self) -> Result<ConnectionInfo, Error> {
        self.refresh_for(Why::Asked).await
    }

    /// Refreshes as [`refresh`](Self::refresh) does, and asks the provider once more even if it refused this credential for
    /// good. A token that may have been spent still waits for the end of its quarantine.
    ///
    /// # Errors
    ///
    /// The same as those of [`refresh`](Self::refresh).
    pub async fn force_refresh(&self) -> Result<ConnectionInfo, Error> {
        self.refresh_for(Why::Forced).await
    }

    async fn refresh_for(&self, why: Why) -> Result<ConnectionInfo, Error> {
        let (registry, id) = (self.registry(), self.id());
        if !self.kind()?.renews() {
            return Err(self.cannot("renew their credential"));
        }
        match refresh::renew_current(&registry, id, why).await?.row {
            // The row is of whoever began the refresh.
            Some(row) if row.info.owner == self.info.owner => Ok((*row.info).clone()),
            _ => registry.info(id).await,
        }
    }

    /// The plugin and a credential that has not ended, opened.
    pub(crate) async fn open_fresh(&self) -> Result<(Arc<KindEntry>, Arc<HotRow>), Error> {
        let (kind, row) = self.open().await?;
        if !kind.renews() {
            return Ok((kind, row));
        }
        let registry = self.registry();
        match row.plan.stage(self.shared.clock.now().seconds()) {
            Stage::Fresh => Ok((kind, row)),
            Stage::Due => {
                refresh::start(&registry, self.id(), row.generation);
                Ok((kind, row))
            }
            Stage::Expired => {
                let landed = refresh::renew(&registry, self.id(), row.generation, Why::Due).await?;
                Ok((kind, self.landed(landed.row).await?))
            }
            Stage::Failed => {
                let unknown = || Reason::new(reason::EXPIRED, "it has ended and could not be renewed");
                let why = row.plan.why().unwrap_or_else(|| NotLive::offline(unknown()));
                Err(Error::NotRenewed { kind: self.info.kind.clone(), why: Box::new(why) })
            }
        }
    }

    /// The credential that a refresh came with, which nobody who waited for it reads again.
    async fn landed(&self, row: Option<Arc<Known>>) -> Result<Arc<HotRow>, Error> {
        match row {
            Some(row) if row.info.owner == self.info.owner && row.info.kind == self.info.kind => {
                row.open(&self.shared).await
            }
            _ => self.reopen().await,
        }
    }

    /// After the provider refused this credential: another one, if there is or can be one.
    pub(crate) async fn after_refusal(&self, kind: &KindEntry, refused: &HotRow) -> Option<Arc<HotRow>> {
        let newer = |row: &Arc<HotRow>| row.generation != refused.generation;
        // Another process may have stored one. The provider's answer tells more than that the store cannot be read.
        let row = self.reopen().await.ok()?;
        if newer(&row) || !kind.renews() {
            return Some(row).filter(newer);
        }
        match refresh::renew(&self.registry(), self.id(), refused.generation, Why::Refused).await {
            Ok(Landed { renewed: Renewed::To(_), row }) => self.landed(row).await.ok().filter(newer),
            Ok(_) => None,
            Err(error) => {
                tracing::debug!(connection = %self.id(), code = error.code(), "not renewed after it was refused");
                None
            }
        }
    }
}
