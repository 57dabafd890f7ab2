//! Measures the cost of a poller that has nothing to do, beside a floor in the same run:
//! `cargo bench -p connection-agent`.
#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]
#![expect(dead_code, reason = "the support of the tests has more than a benchmark needs")]

#[path = "../../connection-core/tests/main/acme.rs"]
mod acme;
#[path = "../../connection-core/tests/main/fake.rs"]
mod fake;
#[path = "../../connection-core/tests/main/test_host.rs"]
mod test_host;
#[path = "../tests/main/usage_plugin.rs"]
mod usage_plugin;

use std::time::Duration;

use connection_agent::{UsageBounds, UsageMonitor};
use connection_faults::server as test_server;
use divan::Bencher;
use tokio::runtime::Runtime;

use test_host::World;
use usage_plugin::{Metered, uses};

fn main() {
    divan::main();
}

/// A second passes in which nothing is due.
fn second(runtime: &Runtime, world: &World) {
    runtime.block_on(async {
        world.clock.advance(Duration::from_secs(1));
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    });
}

/// The floor: nobody polls.
#[divan::bench(sample_count = 100)]
fn second_without_poller(bencher: Bencher<'_, '_>) {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let _registry = runtime.block_on(world.open(Metered::every(86_400)));
    bencher.bench_local(|| second(&runtime, &world));
}

/// The same, with accounts whose time has not come.
#[divan::bench(sample_count = 100, args = [0, 1, 100])]
fn second_of_an_idle_poller_of(bencher: Bencher<'_, '_>, accounts: usize) {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let plugin = Metered::every(86_400);
    uses(&world, 10);
    let registry = runtime.block_on(async {
        let registry = world.open(plugin.clone()).await;
        for account in 0..accounts {
            plugin.connected(&registry, &format!("account-{account}")).await;
        }
        registry
    });
    let day = Duration::from_secs(86_400);
    // Without jitter, which would spread the first fetches over time that does not pass here.
    let bounds = UsageBounds::new().longest(day).default_interval(day).jitter_percent(0);
    let polling = runtime.spawn(UsageMonitor::new(&registry).poll(bounds).into_future());
    runtime.block_on(async {
        while plugin.fetches() < accounts {
            tokio::task::yield_now().await;
        }
    });
    bencher.bench_local(|| second(&runtime, &world));
    polling.abort();
}
