//! `cargo xtask test`: installs the requirements of the tests, builds the workspace once, and runs every test.
//!
//! `cargo nextest` runs each test in its own process, so that a test that hangs, aborts or exits fails by its name and
//! affects no other test. All parts begin with the default actions of signals, even if this command was started with
//! some of them ignored (`process::signals`). No test is optional: in continuous integration, a test that cannot run
//! fails. The limits and the parts of the suite are in `.config/nextest.toml`.

mod engine;
mod files;
mod part;
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

pub(crate) use part::Part;

/// How much a run of the tests does.
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

/// Runs the tests of a part whose names contain one of the filters, or with no filter all of them, and reports all failures
/// at the end.
pub(crate) fn run(workspace: &Workspace, extent: Extent, part: Part, filters: &[&str]) -> Result<(), Failure> {
    let needs_runner_only = extent == Extent::Quick || !filters.is_empty();
    setup::run(workspace, if needs_runner_only { Scope::TestRunner } else { Scope::Tests })?;
    let mut parts = Parts::new(workspace);
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
    let ran = parts.on_each_engine(extent, part, "all()", filters)?;
    if !filters.is_empty() {
        if !ran {
            parts.failures.push(format!("no test has a name with {}", filters.join(" or ")));
        }
        return parts.end();
    }
    if part != Part::Night {
        parts.beside_the_runner(workspace, extent);
    }
    if part != Part::Ci || extent == Extent::Long {
        parts.at_night(workspace, extent);
    }
    parts.end()
}

/// Runs the tests that have a long form in that form, on each engine that they concern.
pub(crate) fn run_long_forms(workspace: &Workspace) -> Result<(), Failure> {
    run_in_long_form(workspace, part::LONG, "never")
}

/// Runs the drill of an upgrade without a stop in its long form, on each engine, and shows what it counts.
pub(crate) fn run_upgrades(workspace: &Workspace) -> Result<(), Failure> {
    run_in_long_form(workspace, part::UPGRADES, "immediate")
}

/// Runs tests in their long form, on each engine that they concern. `output` says when nextest shows the output of a test
/// that has passed.
fn run_in_long_form(workspace: &Workspace, tests: &str, output: &str) -> Result<(), Failure> {
    setup::run(workspace, Scope::Tests)?;
    let mut parts = Parts::new(workspace);
    parts.set("NEXTEST_SUCCESS_OUTPUT", output);
    parts.run("build", |_| build(workspace));
    // The files stay on a disk, because the long forms fill large databases.
    let server = Server::start(workspace)?;
    if let Some(server) = &server {
        parts.set("CONNECTIONS_TEST_POSTGRES_URL", server.address());
    }
    if !parts.on_each_engine(Extent::Long, Part::All, tests, &[])? && parts.failures.is_empty() {
        parts.failures.push(format!("there is no test {tests}"));
    }
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

impl<'a> Parts<'a> {
    fn new(workspace: &'a Workspace) -> Self {
        Self { workspace, report: Report::new(Duration::MAX), variables: Vec::new(), failures: Vec::new() }
    }

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

    /// Runs those of the `wanted` tests that are of a part and have one of the filters in their names: all of them on
    /// SQLite, and those that the store concerns on PostgreSQL. Returns `false` if no test has such a name.
    fn on_each_engine(&mut self, extent: Extent, part: Part, wanted: &str, filters: &[&str]) -> Result<bool, Failure> {
        let on_postgres = engine::on_postgres(self.workspace, part)?;
        let (of_sqlite, of_postgres) = match extent {
            Extent::Long => ("long", "long"),
            Extent::Quick | Extent::Whole => ("default", "postgres"),
        };
        if extent == Extent::Long {
            self.set("CONNECTIONS_TEST_LONG", "1");
        }
        let mut ran = false;
        self.run("tests", |parts| {
            let mut command = parts.nextest(of_sqlite, filters);
            let tests = part.of("default()", &part::quick_enough());
            command.args(["-E", &format!("({wanted}) and ({tests})")]);
            ran |= has_run(&mut command)?;
            Ok(())
        });
        self.run("postgres", |parts| {
            let mut command = parts.nextest(of_postgres, filters);
            command.args(["--ignore-default-filter", "-E", &format!("({wanted}) and ({on_postgres})")]);
            command.env(engine::VARIABLE, engine::POSTGRES);
            ran |= has_run(&mut command)?;
            Ok(())
        });
        Ok(ran)
    }

    /// Runs the parts of the suite that have runners of their own.
    fn beside_the_runner(&mut self, workspace: &Workspace, extent: Extent) {
        self.run("pooler", |parts| {
            let mut command = parts.nextest("pooler", &[]);
            process::run(command.env("CONNECTIONS_TEST_POOLER", "1").env(engine::VARIABLE, engine::POSTGRES))
        });
        self.run("benchmarks", |parts| {
            process::run_within(&mut parts.cargo(&["test", "--workspace", "--locked", "--bench", "*"]), MAX_BENCHMARKS)
        });
        self.run("client", |_| client::check(workspace));
        let arguments: &[&str] = if extent == Extent::Long { &["--long"] } else { &[] };
        self.run("conformance", |_| conformance::check(workspace, arguments));
        self.run("mcp", |_| conformance::check_mcp(workspace, &["--auth"]));
        self.run("doc tests", |parts| {
            let arguments = ["test", "--workspace", "--locked", "--no-fail-fast", "--quiet", "--doc"];
            process::run_within(&mut parts.cargo(&arguments), MAX_DOCUMENTATION)
        });
    }

    /// Runs the parts that need long, and of which continuous integration runs less.
    fn at_night(&mut self, workspace: &Workspace, extent: Extent) {
        self.run("mcp at night", |_| {
            if extent == Extent::Long {
                conformance::check_mcp(workspace, &[])?;
            }
            conformance::serve_mcp(workspace)?;
            conformance::drill_mcp(workspace, &["--clients", "8", "--seconds", "10"])
        });
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
