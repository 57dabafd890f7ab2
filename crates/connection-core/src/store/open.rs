//! Opens a database of any engine and starts its writer.

use std::sync::Arc;

use tokio::{
    runtime::Handle,
    sync::{Mutex as AsyncMutex, mpsc},
};

use super::{
    Shared, Store, StoreError, Tx,
    location::Location,
    sqlite::{self, Opened},
    writer::{Limits, Writer},
};

pub(super) async fn open(url: &str, limits: Limits) -> Result<Store, StoreError> {
    let Location::Sqlite(path) = Location::parse(url)?;
    let place: Arc<str> = path.display().to_string().into();
    let Opened { synced, relaxed, readers } = sqlite::open(&path, &place).await?;
    let writer =
        Writer { limits, synced: Tx::owned(synced, place.clone()), relaxed: Tx::owned(relaxed, place.clone()) };
    let (sender, queue) = mpsc::unbounded_channel();
    let task = Handle::current().spawn(writer.run(queue));
    Ok(Store {
        shared: Arc::new(Shared {
            readers,
            place,
            queue: std::sync::Mutex::new(Some(sender)),
            writer: AsyncMutex::new(Some(task)),
        }),
    })
}
