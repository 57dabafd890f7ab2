//! Measures the cost of resolving, beside reading two rows directly: `cargo bench -p connection-core --bench
//! extension`.
//!
//! A figure is meaningful only as a ratio to the floor beside it: the same rows, read by the same connections of
//! the driver with prepared statements, and decoded as far as a resolution needs them.
#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]
#![expect(dead_code, reason = "the support of the tests has more than a benchmark needs")]

#[path = "../tests/main/acme.rs"]
mod acme;
#[path = "../tests/main/extension_kit.rs"]
mod extension_kit;
#[path = "../tests/main/test_host.rs"]
mod test_host;

use std::time::Duration;

use connection_core::{ConnectionRegistry, Limits};
use connection_faults::{server as test_server, sql};
use divan::Bencher;
use sqlx::{
    ConnectOptions as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use tokio::runtime::Runtime;

use acme::Acme;
use extension_kit::{acme_extension, handle};
use test_host::{World, connected};

fn main() {
    divan::main();
}

/// The extension and the database. The registry uses only the connections of the pool.
struct Setting {
    world: World,
    registry: ConnectionRegistry,
    pool: SqlitePool,
}

/// Opens a pool with the options of the core.
async fn pool(world: &World) -> SqlitePool {
    std::fs::create_dir_all(world.file().parent().unwrap()).unwrap();
    let options = SqliteConnectOptions::new()
        .filename(world.file())
        .create_if_missing(true)
        .busy_timeout(Duration::from_secs(10))
        .journal_mode(SqliteJournalMode::Wal)
        .disable_statement_logging();
    SqlitePoolOptions::new().max_connections(4).test_before_acquire(false).connect_with(options).await.unwrap()
}

/// Creates one connection that is the default, among `count` copies of it.
fn one_of(runtime: &Runtime, count: usize) -> Setting {
    runtime.block_on(async {
        let world = World::new().await;
        let pool = pool(&world).await;
        let builder = world.builder().limits(Limits::new().hot_rows(Duration::from_millis(500))).store(pool.clone());
        let registry = builder.kind(Acme::default()).open().await.unwrap();
        connected(&registry, "key").await.make_default().await.unwrap();
        let copies = format!(
            "CREATE TEMP TABLE n AS WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {count}) \
             SELECT i, randomblob(16) AS id FROM c WHERE i > 1; \
             INSERT INTO connection_account (id, owner, kind, profile_id, label, account_id, account_label, is_default, \
             config, revision, generation, next_generation, state, created_at, updated_at, config_revision, usable_at) \
             SELECT n.id, owner, kind, profile_id, label || n.i, account_id || n.i, \
             account_label, 0, config, revision, generation, next_generation, state, created_at, updated_at, \
             config_revision, usable_at + n.i FROM n, (SELECT * FROM connection_account LIMIT 1); \
             INSERT INTO connection_credential (connection_id, generation, state, sealed, key_id, secret_names, \
             granted_scopes, valid_until, created_at, replaced_at, account_id, account_label, config, renew_at, \
             authorized_until, refreshed_at, refresh_at, refresh_failures, refresh_reason, announced_at, mark) \
             SELECT n.id, c.generation, c.state, c.sealed, c.key_id, \
             c.secret_names, c.granted_scopes, c.valid_until, c.created_at, c.replaced_at, c.account_id, \
             c.account_label, c.config, c.renew_at, c.authorized_until, c.refreshed_at, c.refresh_at, \
             c.refresh_failures, c.refresh_reason, c.announced_at, c.mark \
             FROM n, (SELECT * FROM connection_credential LIMIT 1) AS c"
        );
        if count > 1 {
            sql::script(&world.database(), copies).await;
        }
        Setting { world, registry, pool }
    })
}

#[divan::bench_group(sample_count = 300)]
mod one {
    use super::{Bencher, Runtime, handle, one_of};

    const ACCOUNT: &str = "SELECT kind, is_default, config, generation FROM connection_account WHERE id = $1";
    const CREDENTIAL: &str =
        "SELECT secret_names FROM connection_credential WHERE connection_id = $1 AND generation = $2";

    /// The floor: the account and its credential, read by their key.
    #[divan::bench]
    fn two_rows_by_hand(bencher: Bencher<'_, '_>) {
        let runtime = Runtime::new().unwrap();
        let on = one_of(&runtime, 1);
        let id: Vec<u8> =
            runtime.block_on(sqlx::query_scalar("SELECT id FROM connection_account").fetch_one(&on.pool)).unwrap();
        bencher.bench_local(|| {
            runtime.block_on(async {
                let mut reader = on.pool.acquire().await.unwrap();
                let account = sqlx::query_as::<_, (String, bool, String, i64)>(ACCOUNT).bind(&id);
                let account = account.fetch_one(&mut *reader).await.unwrap();
                let credential = sqlx::query_as::<_, (String,)>(CREDENTIAL).bind(&id).bind(account.3);
                (account, credential.fetch_one(&mut *reader).await.unwrap())
            })
        });
    }

    #[divan::bench(args = [1, 50, 10_000])]
    fn resolve_among(bencher: Bencher<'_, '_>, connections: usize) {
        let runtime = Runtime::new().unwrap();
        let on = one_of(&runtime, connections);
        let handle = handle(&on.registry, "issues");
        bencher.bench_local(|| runtime.block_on(handle.resolve(handle.requirement())).unwrap());
    }
}

#[divan::bench_group(sample_count = 5)]
mod many {
    use super::{Bencher, Runtime, acme_extension, one_of};

    /// The number of connections.
    const CONNECTIONS: usize = 1000;

    #[divan::bench(args = [100, 10_000])]
    fn resolve_all(bencher: Bencher<'_, '_>, extensions: usize) {
        let runtime = Runtime::new().unwrap();
        let on = one_of(&runtime, CONNECTIONS);
        let declarations: Vec<_> = (0..extensions).map(|number| acme_extension(&format!("e{number}"))).collect();
        bencher.bench_local(|| {
            let all = runtime.block_on(on.registry.extensions().resolve_all(&declarations)).unwrap();
            assert!(all.iter().all(Result::is_ok));
            all
        });
    }
}
