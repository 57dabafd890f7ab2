//! What is frozen, and freezing and thawing.

use async_trait::async_trait;
use connection_api::{Freezes as FreezesShape, Froze, Thawed};
use connection_core::Frozen;
use connection_server::{convert, view};

use super::{Local, Remote};
use crate::Error;

/// The operations on freezes. A thing is named as `agent:NAME`, `all`, `connection:ID`, `kind:KIND` or `owner:OWNER`.
#[async_trait(?Send)]
pub(crate) trait Freezes {
    /// Returns what is frozen that concerns the owner of the command, and the last changes.
    async fn freezes(&self) -> Result<FreezesShape, Error>;

    async fn freeze(&self, what: &str) -> Result<Froze, Error>;

    async fn thaw(&self, what: &str) -> Result<Thawed, Error>;
}

/// The name of the command in the notes about freezes.
const COMMAND: &str = "command";

impl Local {
    async fn frozen(&self, what: &str) -> Result<Frozen, Error> {
        let found = view::frozen(&self.registry, what).await?;
        found.ok_or_else(|| Error::usage("this names nothing that can be frozen"))
    }
}

#[async_trait(?Send)]
impl Freezes for Local {
    async fn freezes(&self) -> Result<FreezesShape, Error> {
        Ok(view::freezes(&self.registry).await?)
    }

    async fn freeze(&self, what: &str) -> Result<Froze, Error> {
        let what = self.frozen(what).await?;
        Ok(convert::froze(&self.registry.freezes().by(COMMAND).freeze(what).await?))
    }

    async fn thaw(&self, what: &str) -> Result<Thawed, Error> {
        let what = self.frozen(what).await?;
        let thawed = self.registry.freezes().by(COMMAND).thaw(what.clone()).await?;
        Ok(convert::thawed(&what, &thawed))
    }
}

#[async_trait(?Send)]
impl Freezes for Remote {
    async fn freezes(&self) -> Result<FreezesShape, Error> {
        Ok(self.client.freezes().await?)
    }

    async fn freeze(&self, what: &str) -> Result<Froze, Error> {
        Ok(self.client.freeze(what).await?)
    }

    async fn thaw(&self, what: &str) -> Result<Thawed, Error> {
        Ok(self.client.thaw(what).await?)
    }
}
