//! Measures operations whose cost may grow with the number of connections, each beside a floor in the same run:
//! `cargo bench -p connection-core --bench scale`.
//!
//! A floor is the least that the same work can cost with the same driver or client. Each line shows a floor and the
//! time that this crate takes for the same work. Both are measured in turn, and each figure is the fastest of
//! several rounds. `ratio` is our time divided by the floor, and `grows` is our time in the large store divided by
//! that in the small one. A goal is beside each. A figure is meaningful only beside its floor in the same run.
//!
//! `-- --quick` runs everything once with few rows, as the test suite does; its figures mean nothing. Any other
//! word limits the run to the lines that contain it: `-- page`.
#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]
#![expect(clippy::print_stdout, reason = "the figures are what is asked for")]

mod floor;
mod many;
mod measure;
mod plugin;
mod provider;
mod reads;
mod setting;
mod writes;

use measure::Table;
use setting::Setting;

/// The amount of work to measure.
struct Size {
    /// The number of connections in the small and in the large store.
    stores: [usize; 2],
    /// The numbers of connections that are used in turn.
    in_use: [usize; 3],
    /// The number of connections that are verified, in the small and in the large store.
    verified: [usize; 2],
    waiters: [usize; 2],
    rounds: usize,
    /// The divisor of the number of operations in a round.
    fewer: usize,
}

const FULL: Size = Size {
    stores: [1_000, 100_000],
    in_use: [900, 2_000, 20_000],
    verified: [1_000, 10_000],
    waiters: [1_000, 10_000],
    rounds: 7,
    fewer: 1,
};

const QUICK: Size =
    Size { stores: [40, 120], in_use: [10, 20, 40], verified: [20, 40], waiters: [5, 20], rounds: 1, fewer: 100 };

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let is_measured = arguments.iter().any(|argument| argument == "--bench");
    let is_quick = !is_measured || arguments.iter().any(|argument| argument == "--quick");
    let words = arguments.into_iter().filter(|argument| !argument.starts_with('-')).collect();
    let size = if is_quick { QUICK } else { FULL };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(run(&size, Table::new(words)));
}

async fn run(size: &Size, mut table: Table) {
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let provider = provider::start();
    let [small, large] = size.stores;
    println!("{small} connections are imported, and {large} into another store");
    let settings = [Setting::of(small, &provider).await, Setting::of(large, &provider).await];
    table.head(size.stores);
    reads::hot(&settings, size, &mut table).await;
    reads::cold(&settings, size, &mut table).await;
    reads::in_turn(&settings[1], size, &mut table).await;
    reads::page(&settings, size, &mut table).await;
    reads::overview(&settings, size, &mut table).await;
    many::send(&settings, &provider, size, &mut table).await;
    many::herd(&settings[0], &provider, size, &mut table).await;
    many::preflight(&settings, &provider, size, &mut table).await;
    // Last, since they add connections.
    writes::renames(&settings[0], size, &mut table).await;
    writes::creates(&settings, size, &mut table).await;
    writes::imports(&settings, size, &mut table).await;
}
