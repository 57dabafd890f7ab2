//! Measures the cost of a connection, beside a floor in the same run: `cargo bench -p connection-core`.
//!
//! A figure is meaningful only as a ratio to the floor beside it: the same request by a bare client, or the same
//! probe without a row to write. The cost of a use must not depend on the number of connections.
#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]
#![expect(dead_code, reason = "the support of the tests has more than a benchmark needs")]

#[path = "../tests/main/acme.rs"]
mod acme;
#[path = "../tests/main/fake.rs"]
mod fake;
#[path = "../tests/main/test_host.rs"]
mod test_host;
#[path = "../tests/main/tool.rs"]
mod tool;

use std::time::Duration;

use connection_core::{Connection, Limits};
use connection_faults::server as test_server;
use divan::Bencher;
use tokio::runtime::Runtime;

use acme::Acme;
use test_host::{World, connected, me};

fn main() {
    divan::main();
}

/// Returns one of `count` connections.
fn one_of(runtime: &Runtime, count: usize) -> (World, Connection) {
    one_kept(runtime, count, Duration::from_millis(500))
}

/// Returns one of `count` connections, as [`one_of`] does, whose row is cached for `hot_rows`.
fn one_kept(runtime: &Runtime, count: usize, hot_rows: Duration) -> (World, Connection) {
    runtime.block_on(async {
        let world = World::new().await;
        let registry =
            world.builder().limits(Limits::new().hot_rows(hot_rows)).kind(Acme::default()).open().await.unwrap();
        for number in 1..count {
            world.provider(move |_| me(&number.to_string(), "ada"));
            connected(&registry, "another").await;
        }
        world.provider(|_| me("last", "ada"));
        let connection = connected(&registry, "last").await;
        (world, connection)
    })
}

#[divan::bench_group(sample_count = 200)]
mod request {
    use super::{Bencher, Duration, Runtime, World, one_kept, one_of};

    /// The floor: the same request by a client that keeps its connection.
    #[divan::bench]
    fn bare_client(bencher: Bencher<'_, '_>) {
        let runtime = Runtime::new().unwrap();
        let world = runtime.block_on(World::new());
        rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/me", world.server.origin());
        bencher.bench_local(|| {
            runtime.block_on(async {
                let answer = client.get(&url).header("authorization", "Bearer key").send().await.unwrap();
                answer.text().await.unwrap()
            })
        });
    }

    /// The same as `send_of`, with a row that is read and opened each time.
    #[divan::bench(args = [1, 200])]
    fn send_asking_the_store_of(bencher: Bencher<'_, '_>, connections: usize) {
        let runtime = Runtime::new().unwrap();
        let (_world, connection) = one_kept(&runtime, connections, Duration::ZERO);
        bencher.bench_local(|| {
            runtime.block_on(async {
                let request = connection.request("GET", "/me").await.unwrap();
                connection.send(request).await.unwrap().bytes(1 << 20).await.unwrap()
            })
        });
    }

    /// Cached row, origin check, authorizer, egress check, request, answer.
    #[divan::bench(args = [1, 200])]
    fn send_of(bencher: Bencher<'_, '_>, connections: usize) {
        let runtime = Runtime::new().unwrap();
        let (_world, connection) = one_of(&runtime, connections);
        bencher.bench_local(|| {
            runtime.block_on(async {
                let request = connection.request("GET", "/me").await.unwrap();
                connection.send(request).await.unwrap().bytes(1 << 20).await.unwrap()
            })
        });
    }
}

#[divan::bench_group(sample_count = 100)]
mod probe {
    use super::{Bencher, Runtime, one_of};

    /// The floor: the probe's request, through the same client.
    #[divan::bench]
    fn request_alone(bencher: Bencher<'_, '_>) {
        let runtime = Runtime::new().unwrap();
        let (_world, connection) = one_of(&runtime, 1);
        bencher.bench_local(|| {
            runtime.block_on(async {
                let request = connection.request("GET", "/me").await.unwrap();
                connection.send(request).await.unwrap().bytes(1 << 20).await.unwrap()
            })
        });
    }

    /// The same request, contained, with its result compared with the stored one and its time written.
    #[divan::bench]
    fn verify(bencher: Bencher<'_, '_>) {
        let runtime = Runtime::new().unwrap();
        let (_world, connection) = one_of(&runtime, 1);
        bencher.bench_local(|| runtime.block_on(connection.verify()).unwrap());
    }
}

/// Changes that are on the disk when they return. The floor of many at once is one after another.
#[divan::bench_group(sample_count = 40)]
mod durable {
    use connection_core::Connection;
    use divan::counter::ItemsCount;

    use super::{Acme, Bencher, Runtime, World, connected, me};

    /// Returns connections of one store, each of another account.
    fn connections(runtime: &Runtime, count: usize) -> (World, Vec<Connection>) {
        runtime.block_on(async {
            let world = World::new().await;
            let registry = world.open(Acme::default()).await;
            let mut connections = Vec::new();
            for number in 0..count {
                world.provider(move |_| me(&number.to_string(), "ada"));
                connections.push(connected(&registry, "key").await);
            }
            (world, connections)
        })
    }

    /// The part of each commit to a file that compares its files with those at their paths.
    #[divan::bench]
    fn comparison_of_files(bencher: Bencher<'_, '_>) {
        let directory = tempfile::tempdir().unwrap();
        let files = ["connections.db", "connections.db-wal"].map(|name| directory.path().join(name));
        for file in &files {
            std::fs::write(file, b"").unwrap();
        }
        bencher.bench_local(|| files.each_ref().map(|file| std::fs::metadata(file).unwrap()));
    }

    #[divan::bench(args = [1, 8, 64])]
    fn renames_by(bencher: Bencher<'_, '_>, writers: usize) {
        let runtime = Runtime::new().unwrap();
        let (_world, connections) = connections(&runtime, writers);
        let mut round = 0;
        bencher.counter(ItemsCount::new(writers)).bench_local(|| {
            round += 1;
            let rename = |(number, connection): (usize, &Connection)| {
                let connection = connection.clone();
                let label = format!("label-{number}-{round}");
                runtime.spawn(async move { connection.rename(label).await.unwrap() })
            };
            let renamed: Vec<_> = connections.iter().enumerate().map(rename).collect();
            runtime.block_on(async {
                for renamed in renamed {
                    renamed.await.unwrap();
                }
            });
        });
    }
}

/// One profile and a hundred: a list, a start, and the cost of only reading the rows.
#[divan::bench_group(sample_count = 500)]
mod profiles {
    use connection_core::{NewProfile, SpawnOptions};
    use sqlx::{Connection as _, Row as _, SqliteConnection};

    use super::{Bencher, Runtime, tool::Tools};

    fn tools(runtime: &Runtime, count: usize) -> Tools {
        runtime.block_on(async {
            let it = Tools::new().await;
            for number in 1..count {
                let new = NewProfile::new(format!("label-{number}"), format!("/profiles/{number}"));
                it.profiles().create(new).await.unwrap();
            }
            it.profiles().list().await.unwrap();
            it
        })
    }

    /// The floor: the same rows, read by a connection of the driver that stays open.
    #[divan::bench(args = [1, 100])]
    fn bare_rows_of(bencher: Bencher<'_, '_>, profiles: usize) {
        let runtime = Runtime::new().unwrap();
        let it = tools(&runtime, profiles);
        let address = format!("sqlite://{}", it.world.file().display());
        let mut connection = runtime.block_on(SqliteConnection::connect(&address)).unwrap();
        bencher.bench_local(|| {
            const SQL: &str = "SELECT id, label, directory FROM connection_profile ORDER BY created_at, id";
            let rows = runtime.block_on(sqlx::query(SQL).fetch_all(&mut connection)).unwrap();
            rows.iter().map(|row| row.get::<String, _>(1).len()).sum::<usize>()
        });
    }

    #[divan::bench(args = [1, 100])]
    fn list_of(bencher: Bencher<'_, '_>, profiles: usize) {
        let runtime = Runtime::new().unwrap();
        let it = tools(&runtime, profiles);
        let profiles = it.profiles();
        bencher.bench_local(|| runtime.block_on(profiles.list()).unwrap());
    }

    #[divan::bench(args = [1, 100])]
    fn apply_one_of(bencher: Bencher<'_, '_>, profiles: usize) {
        let runtime = Runtime::new().unwrap();
        let it = tools(&runtime, profiles);
        let profiles = it.profiles();
        let id = runtime.block_on(profiles.default_profile()).unwrap().id;
        bencher.bench_local(|| {
            let mut options = SpawnOptions::new("tool");
            runtime.block_on(profiles.apply_profile(&mut options, id)).unwrap();
            options
        });
    }
}
