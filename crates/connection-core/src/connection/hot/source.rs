//! Whence a row comes that is not kept.

use std::{future::Future, sync::Arc, time::Duration};

use super::{HotRow, Opened, table::Subject};
use crate::{ConnectionInfo, registry::Shared, services::clock::Moment, store::Version, verify};

/// One connection in a store.
pub(in super::super) trait Source: Sync {
    fn subject(&self) -> Subject;
    fn now(&self) -> Moment;
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
    /// What the store says of itself, or said less than `age` ago.
    fn version(&self, age: Duration) -> impl Future<Output = Option<Version>> + Send;
    fn read(&self) -> impl Future<Output = Opened> + Send;
}

/// The real one.
pub(in super::super) struct Stored<'a> {
    pub(in super::super) shared: &'a Arc<Shared>,
    pub(in super::super) info: &'a ConnectionInfo,
}

impl Source for Stored<'_> {
    fn subject(&self) -> Subject {
        let ConnectionInfo { id, owner, kind, .. } = self.info;
        Subject { id: *id, owner: owner.clone(), kind: kind.clone() }
    }

    fn now(&self) -> Moment {
        Moment::of(&*self.shared.clock)
    }

    async fn sleep(&self, time: Duration) {
        self.shared.clock.sleep(time).await;
    }

    async fn version(&self, age: Duration) -> Option<Version> {
        self.shared.store.version(&*self.shared.clock, age).await
    }

    async fn read(&self) -> Opened {
        let opened = verify::open(self.shared, self.info).await?;
        Ok(Arc::new(HotRow {
            payload: opened.payload.map_err(|unopened| unopened.error(self.info.id))?,
            generation: opened.generation,
            plan: opened.plan,
        }))
    }
}
