//! What is done with a store before it is moved: nothing that another machine needs may be outside of its tables.

use std::{path::PathBuf, sync::Arc};

use super::{MoveError, held::hold};
use crate::{
    ConnectionRegistry, KeySources, RegistryBuilder, StoreError, StoreSource,
    exchange::{self, NodeLook},
    kinds::KindTable,
    owner::DEFAULT_OWNER,
    registry::{node, open::assembled},
    store::moving::MoveSource,
};

/// Maximum number of requests that an error names.
const MAX_NAMED: i64 = 10;

/// A store that can be moved.
pub(super) struct Settled {
    pub(super) source: MoveSource,
    pub(super) kinds: Arc<KindTable>,
}

/// Records the answers that this node keeps, concludes what has ended, and locks the database.
///
/// # Errors
///
/// [`MoveError::AnswersKept`] and [`MoveError::ExchangesOpen`] for what could not be settled, and the errors of an
/// opening.
pub(super) async fn settle(
    mut builder: RegistryBuilder,
    source: StoreSource,
    keys: KeySources,
    database: PathBuf,
) -> Result<Settled, MoveError> {
    builder.state_directory = builder.state_directory.take().or_else(|| source.state_directory());
    let directory = builder.state_directory.clone();
    let systems = Arc::new(assembled(builder, source, keys).await?);
    let settled = exchange::settle(&systems.exchange).await;
    let tag = node::store_tag(&systems.ground.sealer);
    let kinds = systems.ground.kinds.clone();
    let registry = ConnectionRegistry { systems, owner: DEFAULT_OWNER.into() };
    registry.close().await;
    // The lock of this process in the state directory is released with the registry.
    drop(registry);
    settled?;

    let mut source = hold(database).await?;
    let checked = is_settled(&mut source, directory, tag).await;
    match checked {
        Ok(()) => Ok(Settled { source, kinds }),
        Err(error) => {
            source.close().await;
            Err(error)
        }
    }
}

/// Checks a locked database, which no process changes any more.
async fn is_settled(source: &mut MoveSource, directory: Option<PathBuf>, tag: String) -> Result<(), MoveError> {
    if let Some(directory) = directory {
        let path = directory.clone();
        let look = tokio::task::spawn_blocking(move || NodeLook::at(&path, &tag)).await;
        let look = look.map_err(|_| StoreError::Panicked)?;
        if look.is_in_use {
            return Err(MoveError::InUse { place: source.place().to_owned() });
        }
        if look.is_renewing {
            return Err(MoveError::Renewing { place: source.place().to_owned() });
        }
        if look.is_unreadable || look.kept > 0 {
            return Err(MoveError::AnswersKept { directory });
        }
    }
    let open = source.tx().unconcluded_exchanges(MAX_NAMED).await?;
    if open.is_empty() {
        return Ok(());
    }
    let mut of = Vec::new();
    for exchange in open {
        if let Some(id) = exchange.connection() {
            let account = source.tx().account(id).await?;
            of.push(account.map_or_else(|| id.to_string(), |account| format!("{}:{}", account.kind, account.label)));
        }
        of.extend(exchange.session().map(|id| format!("setup {id}")));
    }
    of.sort();
    of.dedup();
    Err(MoveError::ExchangesOpen { of })
}
