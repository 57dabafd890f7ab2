//! Measures the processor time of commands that open a store, beside the start of the program, and the threads and the
//! memory of an idle server: `cargo bench -p connection-host --bench start`.
//!
//! The time is that of the whole process, in user and in kernel mode, as Linux counts it for children that have ended.
//! Each figure is the mean of a round, of the fastest of several rounds that are measured in turn. `ratio` is the time
//! in the large store divided by that of `connections --version`, and `grows` is that time divided by the one in the
//! small store.
//!
//! `-- --quick` runs everything once with few connections, as the test suite does; its figures mean nothing.
#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]
#![expect(clippy::print_stdout, reason = "the figures are what is asked for")]

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

/// The amount of work to measure.
struct Size {
    /// The number of connections in the small and in the large store.
    stores: [usize; 2],
    rounds: usize,
    /// The number of commands in a round. Linux counts in hundredths of a second.
    commands: u32,
    /// How long a server has nothing to do before it is measured. Threads of the runtime end after ten seconds.
    idle: Duration,
}

const FULL: Size = Size { stores: [1_000, 100_000], rounds: 5, commands: 50, idle: Duration::from_secs(20) };
const QUICK: Size = Size { stores: [10, 20], rounds: 1, commands: 1, idle: Duration::ZERO };

/// A command, its goal for the ratio, and its goal for the growth.
const LINES: [(&[&str], Option<f64>, Option<f64>); 2] =
    [(&["show", "github:account-7"], Some(2.5), Some(1.1)), (&["list"], None, None)];

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let is_measured = arguments.iter().any(|argument| argument == "--bench");
    let size = match is_measured && !arguments.iter().any(|argument| argument == "--quick") {
        true => FULL,
        false => QUICK,
    };
    let [small, large] = size.stores;
    println!("{small} connections are imported, and {large} into another store");
    let stores = size.stores.map(store);
    println!(
        "{:28} {:>10} {:>10} {:>10} {:>7} {:>5} {:>7} {:>5}",
        "", "start", small, large, "ratio", "goal", "grows", "goal"
    );
    for (command, ratio, growth) in LINES {
        let mut fastest = [Duration::MAX; 3];
        for _ in 0..size.rounds {
            let runs = [(&stores[1], &["--version"] as &[&str]), (&stores[0], command), (&stores[1], command)];
            for (fastest, (home, command)) in fastest.iter_mut().zip(runs) {
                *fastest = (*fastest).min(round(home.path(), command, size.commands));
            }
        }
        let [start, small, large] = fastest.map(|time| time.as_secs_f64() * 1e3);
        let goal = |goal: Option<f64>| goal.map_or(String::new(), |goal| format!("{goal:.1}"));
        println!(
            "{:28} {:>10} {:>10} {:>10} {:>7.2} {:>5} {:>7.2} {:>5}",
            command.join(" "),
            format!("{start:.1} ms"),
            format!("{small:.1} ms"),
            format!("{large:.1} ms"),
            large / start,
            goal(ratio),
            large / small,
            goal(growth),
        );
    }
    idle(stores[0].path(), size.idle);
}

/// Prints the threads and the memory of `connections serve` beside the goals for both, after it had nothing to do for
/// that long.
fn idle(home: &Path, time: Duration) {
    const MAX_THREADS: u32 = 24;
    const MAX_MEGABYTES: u32 = 32;
    let mut serve = command(home, &["serve", "--json"]);
    serve.env("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0").stdout(Stdio::piped());
    let mut serve = serve.spawn().unwrap();
    let mut lines = BufReader::new(serve.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("listening"));
    std::thread::sleep(time);
    if let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", serve.id())) {
        let of = |name: &str| -> f64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        println!("an idle `serve`: {} threads (goal: {MAX_THREADS})", of("Threads:"));
        let [all, own] = ["VmRSS:", "RssAnon:"].map(|name| of(name) / 1e3);
        println!("an idle `serve`: {all:.1} MB (goal: {MAX_MEGABYTES} MB), of which {own:.1} MB are no pages of files");
    }
    serve.kill().unwrap();
    serve.wait().unwrap();
}

/// Returns the home of a person with that many connections.
fn store(count: usize) -> TempDir {
    let home = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut lines = String::new();
    for number in 0..count {
        let identity = format!(r#"{{"id": "{number}", "label": "account {number}"}}"#);
        let line = format!(
            r#"{{"kind": "github", "label": "account-{number}", "identity": {identity}, "credential": "key"}}"#
        );
        writeln!(lines, "{line}").unwrap();
    }
    let mut import = command(home.path(), &["import", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    home
}

/// Runs a command repeatedly, and returns the mean of its processor time.
fn round(home: &Path, arguments: &[&str], commands: u32) -> Duration {
    let before = spent();
    for _ in 0..commands {
        assert!(command(home, arguments).status().unwrap().success());
    }
    (spent() - before) / commands
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connections"));
    command.args(arguments).env_clear().env("HOME", home);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Returns the processor time of all children that have ended. It is the sum of the fields 16 and 17 of `stat`
/// (<https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>). On another system, it is zero.
fn spent() -> Duration {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return Duration::ZERO };
    // The second field is the name of the program, in brackets. The third one follows it.
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    let ticks: u64 = rest.split(' ').skip(13).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}
