//! Measures the API under load, each line beside a floor in the same run: `cargo bench -p connection-server --bench load`.
//!
//! A floor is an axum handler that runs the same queries by the driver alone and writes the same JSON. The same client
//! sends the same number of requests to both in turn, and each figure is the fastest of several rounds. `rate` is the
//! rate of the API divided by that of the floor, and its goal is beside it. A figure is meaningful only beside its floor
//! in the same run.
//!
//! The lines about doors have a floor of their own, see `doors`.
//!
//! `-- --quick` runs everything once with few requests, as the test suite does; its figures mean nothing.
#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]
#![expect(clippy::print_stdout, reason = "the figures are what is asked for")]

mod client;
mod doors;
mod events;
mod floor;
mod host;
mod memory;
mod worker;

use std::time::{Duration, Instant};

use client::Client;
use host::Host;

/// The amount of work to measure.
struct Size {
    /// The number of connections in the store of single reads and lists.
    few: usize,
    /// The number of connections in the large store.
    many: usize,
    requests: usize,
    rounds: usize,
    listeners: usize,
    /// The number of open setups of an owner who has many.
    setups: usize,
}

const FULL: Size = Size { few: 50, many: 10_000, requests: 4_000, rounds: 7, listeners: 1_000, setups: 89 };
const QUICK: Size = Size { few: 50, many: 60, requests: 16, rounds: 1, listeners: 8, setups: 3 };

/// The number of requests at once.
const CLIENTS: usize = 8;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if worker::is_one(&arguments) {
        return;
    }
    let is_measured = arguments.iter().any(|argument| argument == "--bench");
    let is_quick = !is_measured || arguments.iter().any(|argument| argument == "--quick");
    let size = if is_quick { &QUICK } else { &FULL };
    let is_of_doors = arguments.iter().any(|argument| argument == "--doors");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        if !is_of_doors {
            run(size).await;
        }
        doors::measure(size).await;
        doors::measure_beside(size).await;
        doors::measure_streams(size).await;
    });
}

async fn run(size: &Size) {
    memory::report("before a store is opened", None);
    let host = Host::start().await;
    memory::report("idle, with an empty store", None);
    let labels = host.import(size.few).await;
    let floor = floor::start(&host, &labels[0]).await;
    println!("{:44} {:>12} {:>12} {:>6} {:>5}", "", "floor", "ours", "rate", "goal");
    let one = host.path_of(&labels[0]).await;
    compare("a connection, by its id", size, (floor, "/one"), (host.port, &one), Some(0.8), &host).await;
    let list = "/api/v1/connections?limit=50".to_owned();
    compare("a list of 50", size, (floor, "/page"), (host.port, &list), Some(0.85), &host).await;
    setups(&host, size).await;
    events::measure(&host, floor, size).await;
    memory::report("after the listeners have left", None);
    host.import(size.many - size.few).await;
    memory::report("after the import of the large store", None);
    let line = format!("a list of 50, of {} connections", size.many);
    compare(&line, size, (floor, "/page"), (host.port, &list), None, &host).await;
    memory::report(&format!("after lists of {} connections", size.many), Some(size.many));
}

/// Measures the read of a setup of an owner who has many open ones; the floor is that of an owner who has no other.
async fn setups(host: &Host, size: &Size) {
    let (one, many) = (host.setups("one", 1).await, host.setups("many", size.setups).await);
    let [one, many] = [&one, &many].map(|(path, token)| Target { port: host.port, path, token });
    let line = format!("a setup, of {} that are open", size.setups);
    compare_targets(&line, size, [one, many], size.requests, Some(0.9)).await;
}

/// The request that clients repeat.
#[derive(Clone, Copy)]
struct Target<'a> {
    port: u16,
    path: &'a str,
    token: &'a str,
}

/// Measures the requests to a floor and to the API in turn, and prints both times of a request and the ratio of the
/// rates.
async fn compare(line: &str, size: &Size, floor: (u16, &str), ours: (u16, &String), goal: Option<f64>, host: &Host) {
    let fewer = if goal.is_none() { size.requests / 40 } else { size.requests }.max(CLIENTS);
    let targets = [floor, (ours.0, ours.1.as_str())].map(|(port, path)| Target { port, path, token: &host.token });
    compare_targets(line, size, targets, fewer, goal).await;
}

async fn compare_targets(line: &str, size: &Size, targets: [Target<'_>; 2], requests: usize, goal: Option<f64>) {
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..size.rounds {
        for (fastest, target) in fastest.iter_mut().zip(targets) {
            *fastest = (*fastest).min(round(target, requests).await);
        }
    }
    let [floor, ours] = fastest.map(|time| time.div_f64(requests as f64));
    print(line, floor, ours, goal);
}

/// Prints a line.
fn print(line: &str, floor: Duration, ours: Duration, goal: Option<f64>) {
    let goal = goal.map_or(String::new(), |goal| format!("{goal:.2}"));
    let micros = |time: Duration| format!("{:.1} µs", time.as_secs_f64() * 1e6);
    let rate = floor.as_secs_f64() / ours.as_secs_f64();
    println!("{line:44} {:>12} {:>12} {rate:>6.2} {goal:>5}", micros(floor), micros(ours));
}

/// Returns the time that a number of requests takes, several at once.
async fn round(target: Target<'_>, requests: usize) -> Duration {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::connect(target.port, target.path, target.token).await);
    }
    timed(async || {
        let mut running = tokio::task::JoinSet::new();
        for mut client in clients {
            running.spawn(async move {
                for _ in 0..requests / CLIENTS {
                    client.get().await;
                }
            });
        }
        running.join_all().await;
    })
    .await
}

/// Returns the time that `work` takes.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures the time that passes")]
async fn timed(work: impl AsyncFnOnce()) -> Duration {
    let began = Instant::now();
    work().await;
    began.elapsed()
}
