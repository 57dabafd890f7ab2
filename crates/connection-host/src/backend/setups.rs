//! Setups that have not ended.

use async_trait::async_trait;
use connection_api::OpenSetup;
use connection_core::SessionId;
use connection_server::convert;

use super::{Local, Remote};
use crate::{Error, Exit};

/// The operations on setups.
#[async_trait(?Send)]
pub(crate) trait Setups {
    /// Returns the setups that have not ended, in the order in which they were begun.
    async fn open_setups(&self) -> Result<Vec<OpenSetup>, Error>;

    /// Ends a setup, of which nothing is kept.
    async fn cancel_setup(&self, id: &str) -> Result<(), Error>;
}

#[async_trait(?Send)]
impl Setups for Local {
    async fn open_setups(&self) -> Result<Vec<OpenSetup>, Error> {
        Ok(self.registry.setups().list().await?.iter().map(convert::open_setup).collect())
    }

    async fn cancel_setup(&self, id: &str) -> Result<(), Error> {
        Ok(self.registry.setups().resume(session_id(id)?).await?.cancel().await?)
    }
}

#[async_trait(?Send)]
impl Setups for Remote {
    async fn open_setups(&self) -> Result<Vec<OpenSetup>, Error> {
        Ok(self.client.open_setups().await?.into_iter().map(|listed| listed.setup).collect())
    }

    async fn cancel_setup(&self, id: &str) -> Result<(), Error> {
        Ok(self.client.cancel_setup(id).await?)
    }
}

/// Reads the id of a setup of the local store.
pub(crate) fn session_id(id: &str) -> Result<SessionId, Error> {
    id.parse().map_err(|_| Error::new(Exit::NotFound, "setup_not_found", "there is no such setup"))
}
