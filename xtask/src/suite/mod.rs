//! `cargo xtask test`: installs the requirements of the tests, builds the workspace once, and runs every test.
//!
//! `cargo nextest` runs each test in its own process, so that a test that hangs, aborts or exits fails by its name and
//! affects no other test. All parts begin with the default actions of signals, even if this command was started with
//! some of them ignored (`process::signals`). No test is optional: in continuous integration, a test that cannot run
//! fails. The limits and the parts of the suite are in `.config/nextest.toml`.

mod engine;
mod files;
mod server;

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::client;
use crate::conformance;
use crate::failure::Failure;
use crate::process;
use crate::report::{Entry, Report};
use crate::setup::{self, Scope};
use crate::suite::files::Files;
use crate::suite::server::Server;
use crate::workspace::Workspace;

/// The part of the suite that is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The tests that are quick enough to run while working.
    Quick,
    /// Every test, in its short form.
    Whole,
    /// Every test, in its long form.
    Long,
}

/// Time limit for the documentation tests, which rustdoc builds and runs as one part.
const MAX_DOCUMENTATION: Duration = Duration::from_secs(20 * 60);
/// Time limit for the benchmarks, each of which runs once with few rounds.
const MAX_BENCHMARKS: Duration = Duration::from_secs(5 * 60);

/// Runs the tests whose names contain one of the filters, or with no filter all tests, and reports all failures at the
/// end.
pub(crate) fn run(workspace: &Workspace, extent: Extent, filters: &[&str]) -> Result<(), Failure> {
    let needs_runner_only = extent == Extent::Quick || !filters.is_empty();
    setup::run(workspace, if needs_runner_only { Scope::TestRunner } else { Scope::Tests })?;
    let mut parts =
        Parts { workspace, report: Report::new(Duration::MAX), variables: Vec::new(), failures: Vec::new() };
    parts.run("build", |_| build(workspace));
    if !parts.failures.is_empty() {
        return parts.end();
    }
    // The directory is deleted when this function returns.
    let files = Files::in_memory();
    if let Some(files) = &files {
        parts.set("TMPDIR", files.path().to_string_lossy());
    }
    if extent == Extent::Quick {
        parts.set("CONNECTIONS_TEST_POSTGRES_URL", "none");
        parts.run("tests", |parts| process::run(parts.nextest("quick", filters).env_remove("CI")));
        return parts.end();
    }
    // The server is stopped when this function returns.
    let server = Server::start(workspace)?;
    if let Some(server) = &server {
        parts.set("CONNECTIONS_TEST_POSTGRES_URL", server.address());
    }
    if extent == Extent::Long {
        parts.set("CONNECTIONS_TEST_LONG", "1");
    }
    let profile = if extent == Extent::Long { "long" } else { "default" };
    let mut ran = false;
    parts.run("tests", |parts| {
        ran |= has_run(&mut parts.nextest(profile, filters))?;
        Ok(())
    });
    let profile = if extent == Extent::Long { "long" } else { "postgres" };
    parts.run("postgres", |parts| {
        let tests = engine::on_postgres(workspace)?;
        let mut command = parts.nextest(profile, filters);
        command.args(["--ignore-default-filter", "-E", &tests]).env(engine::VARIABLE, engine::POSTGRES);
        ran |= has_run(&mut command)?;
        Ok(())
    });
    if !filters.is_empty() {
        if !ran {
            parts.failures.push(format!("no test has a name with {}", filters.join(" or ")));
        }
        return parts.end();
    }
    parts.run("pooler", |parts| {
        let mut command = parts.nextest("pooler", &[]);
        process::run(command.env("CONNECTIONS_TEST_POOLER", "1").env(engine::VARIABLE, engine::POSTGRES))
    });
    parts.run("benchmarks", |parts| {
        process::run_within(&mut parts.cargo(&["test", "--workspace", "--locked", "--bench", "*"]), MAX_BENCHMARKS)
    });
    parts.run("client", |_| client::check(workspace));
    let arguments: &[&str] = if extent == Extent::Long { &["--long"] } else { &[] };
    parts.run("conformance", |_| conformance::check(workspace, arguments));
    let scenarios: &[&str] = if extent == Extent::Long { &[] } else { &["--auth"] };
    parts.run("mcp", |_| {
        conformance::check_mcp(workspace, scenarios)?;
        conformance::serve_mcp(workspace)?;
        conformance::drill_mcp(workspace, &["--clients", "8", "--seconds", "10"])
    });
    parts.run("doc tests", |parts| {
        let arguments = ["test", "--workspace", "--locked", "--no-fail-fast", "--quiet", "--doc"];
        process::run_within(&mut parts.cargo(&arguments), MAX_DOCUMENTATION)
    });
    parts.end()
}

/// Builds everything that the tests need, and this program, which none of them starts, so that clippy sees it, too.
pub(crate) fn build(workspace: &Workspace) -> Result<(), Failure> {
    for what in [&["test", "--workspace", "--no-run"][..], &["build", "--package", "xtask"]] {
        process::run(process::cargo_checked(workspace.root(), what).arg("--locked"))?;
    }
    Ok(())
}

/// Runs `cargo nextest`, and returns `false` if no test has a name that was asked for.
fn has_run(command: &mut Command) -> Result<bool, Failure> {
    /// The exit code for it: <https://nexte.st/docs/reference/exit-codes>.
    const NO_TESTS: i32 = 4;
    Ok(process::run_for(command, &[0, NO_TESTS])? == 0)
}

/// The parts of a run so far, and the variables of the later ones.
struct Parts<'a> {
    workspace: &'a Workspace,
    report: Report,
    variables: Vec<(&'static str, String)>,
    failures: Vec<String>,
}

impl Parts<'_> {
    fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.variables.push((name, value.into()));
    }

    /// Runs a part. A failure is reported at the end.
    fn run(&mut self, name: &'static str, part: impl FnOnce(&Self) -> Result<(), Failure>) {
        let begun = Instant::now();
        let done = part(self);
        self.report.add(Entry { name, took: begun.elapsed(), limit: None, passed: done.is_ok() });
        self.failures.extend(done.err().map(|failure| format!("{name}: {failure}")));
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = process::cargo_checked(self.workspace.root(), arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn nextest(&self, profile: &str, filters: &[&str]) -> Command {
        // Most tests wait for a disk, a server or another process, so three tests run for each core.
        let threads = 3 * thread::available_parallelism().map_or(1, usize::from);
        let targets = ["nextest", "run", "--workspace", "--locked", "--lib", "--bins", "--test", "*"];
        let mut command = self.cargo(&targets);
        command.args(["--profile", profile, "--test-threads", &threads.to_string()]).args(filters);
        command
    }

    fn end(self) -> Result<(), Failure> {
        println!("{}", self.report);
        Failure::unless_empty("parts of the suite that failed", &self.failures)
    }
}
