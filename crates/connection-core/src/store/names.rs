//! The kinds and labels of connections, read without the key of a database.

use connection_contract::{BoxFuture, Kind};

#[cfg(feature = "postgres")]
use super::postgres;
#[cfg(feature = "sqlite")]
use super::sqlite;
use super::{Location, Reader, Source, StoreError, StoreSource};

/// The maximum number of connections that are read.
const MAX_NAMES: i64 = 1000;

/// Returns the kinds and labels of the connections of `owner`, for a shell that completes what a person types.
///
/// Neither is secret, so no key is opened. The call creates nothing: a database that does not exist, or that has no
/// tables yet, is an error. At most 1000 connections are returned, in the order of their ids.
///
/// # Cancellation
///
/// Nothing is changed, whenever the future is dropped.
///
/// # Errors
///
/// [`StoreError`] if the database cannot be read, or if its tables are those of another version of this program.
///
/// # Examples
///
/// ```
/// # async fn example() -> Result<(), connection_core::StoreError> {
/// for (kind, label) in connection_core::connection_names("/srv/connections.db", "local").await? {
///     println!("{kind}:{label}");
/// }
/// # Ok(())
/// # }
/// # drop(example());
/// ```
pub fn connection_names(
    store: impl Into<StoreSource>,
    owner: &str,
) -> BoxFuture<'static, Result<Vec<(Kind, String)>, StoreError>> {
    names(store.into(), owner.to_owned())
}

fn names(store: StoreSource, owner: String) -> BoxFuture<'static, Result<Vec<(Kind, String)>, StoreError>> {
    Box::pin(async move {
        let names = reader(store).await?.kinds_and_labels(&owner, MAX_NAMES).await?;
        Ok(names.into_iter().filter_map(|(kind, label)| Some((Kind::parse(&kind)?, label))).collect())
    })
}

/// Returns a connection that only reads. The direct address is preferred, because no pooler is in its way.
async fn reader(StoreSource { source, direct, .. }: StoreSource) -> Result<Reader, StoreError> {
    match source {
        Source::Address(address) => match Location::parse(direct.as_ref().unwrap_or(&address))? {
            #[cfg(feature = "sqlite")]
            Location::Sqlite(path) => sqlite::read_only(path).await,
            #[cfg(feature = "postgres")]
            Location::Postgres(options) => postgres::read_only(*options).await,
        },
        #[cfg(feature = "sqlite")]
        Source::Sqlite(pool) => sqlite::read_only_of(&pool).await,
        #[cfg(feature = "postgres")]
        Source::Postgres(pool, _) => postgres::read_only(pool.connect_options().as_ref().clone()).await,
    }
}
