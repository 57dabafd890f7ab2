//! `cargo xtask test`: installs the requirements of the tests, builds the workspace once, and runs every test.
//!
//! Each test runs in its own process, so that a test that hangs, aborts or exits fails by its name and affects no
//! other test. No test is optional: in continuous integration, a test that cannot run fails. Each part reports how
//! many seconds it took and which of its tests were the slowest.

mod binaries;
mod files;
mod runner;
mod server;
mod summary;
#[cfg(all(test, unix))]
mod tests;

use std::time::{Duration, Instant};

use crate::client;
use crate::conformance;
use crate::failure::Failure;
use crate::process;
use crate::setup::{self, Scope};
use crate::suite::binaries::{Binaries, Test};
use crate::suite::files::Files;
use crate::suite::runner::Runner;
use crate::suite::server::Server;
use crate::suite::summary::Summary;
use crate::workspace::Workspace;

/// The part of the suite that is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The tests that are quick enough to run while working: on SQLite alone, without servers, browsers, containers,
    /// processes that are killed, or the tests that start the command.
    Quick,
    /// Every test, in its short form.
    Whole,
    /// Every test, in its long form.
    Long,
}

impl Extent {
    /// Returns the time after which a test is ended and fails. On two idle cores, the slowest test takes a quarter of it.
    const fn deadline(self) -> Duration {
        match self {
            Self::Quick | Self::Whole => Duration::from_secs(4 * 60),
            Self::Long => Duration::from_secs(30 * 60),
        }
    }
}

/// Time limit for the documentation tests, which rustdoc builds and runs as one part.
const MAX_DOCUMENTATION: Duration = Duration::from_secs(20 * 60);

/// Modules that run a second time with a pooler between the tests and the server, because they reach the store in
/// different ways.
const BEHIND_A_POOLER: [&str; 10] = [
    "setup_steps::",
    "setup_replay::",
    "setup_callbacks::",
    "setup_writes::",
    "verify_",
    "list::",
    "remove::",
    "use_",
    "events::",
    "drops::",
];

/// Parts of the names of tests that `--quick` leaves out, because they need a server, a browser, a container or a
/// third-party tool, or run many processes.
const NOT_QUICK: [&str; 32] = [
    "postgres",
    "pooler",
    // Third-party servers and packages.
    "authorization_servers::",
    "genuine::",
    "oauth2::",
    "real::",
    "servers::",
    "webhooks::what_the_package",
    // Tests in a browser.
    "browser::",
    "chromium",
    // Tests that run containers.
    "sandbox_build::",
    "sandbox_run::",
    // Tests with many processes, or with one that is killed repeatedly.
    "canary::",
    "first_hour::",
    "first_starts::",
    "kill::",
    "killed",
    "kills",
    "many::",
    "many_processes::",
    "own_kind::",
    "relay::",
    "refresh_processes::",
    "serve::",
    // Tests with many rows, or that visit all states of a model.
    "filters::many",
    "kind_test::every_sentence",
    "import::many",
    "imports::a_long",
    "key_sorts::",
    "model::",
    "one_value_among_many",
    "refresh_outages::an_outage",
];

/// Returns `true` for a test that `--quick` runs. The command's tests in `connection-host` are left out, because they
/// start the program some thousand times.
fn is_quick(test: &Test) -> bool {
    let is_of_command = test.package == "connection-host" && test.binary == "main";
    test.binary != "postgres" && !is_of_command && !test.is_named(&NOT_QUICK)
}

/// Runs the tests and reports all failures at the end.
pub(crate) fn run(workspace: &Workspace, extent: Extent) -> Result<(), Failure> {
    if extent != Extent::Quick {
        setup::run(workspace, Scope::Tests)?;
    }
    let begun = Instant::now();
    let binaries = Binaries::build(workspace)?;
    let mut summary = Summary::new();
    summary.add("build", begun.elapsed());

    let mut runner = Runner::new(extent.deadline());
    // The directory is deleted when this function returns.
    let files = Files::in_memory();
    if let Some(files) = &files {
        runner.set("TMPDIR", files.path().to_string_lossy());
    }
    if extent == Extent::Long {
        runner.set("CONNECTIONS_TEST_LONG", "1");
    }
    if extent == Extent::Quick {
        runner.set("CONNECTIONS_TEST_POSTGRES_URL", "none");
        runner.skip_quietly();
        let tests = binaries.tests(is_quick)?;
        summary.tests("tests", runner.run(tests));
        return summary.end();
    }
    // The server is stopped when this function returns.
    let server = Server::start(&binaries)?;
    if let Some(server) = &server {
        runner.set("CONNECTIONS_TEST_POSTGRES_URL", server.address());
    }
    summary.tests("tests", runner.run(binaries.tests(|_| true)?));
    runner.set("CONNECTIONS_TEST_POOLER", "1");
    let pooled =
        |test: &Test| test.binary == "postgres" && BEHIND_A_POOLER.iter().any(|start| test.name.starts_with(start));
    summary.tests("pooler", runner.run(binaries.tests(pooled)?));
    let begun = Instant::now();
    let done = client::check(workspace);
    summary.step("client", begun.elapsed(), done);
    let begun = Instant::now();
    let arguments: &[&str] = if extent == Extent::Long { &["--long"] } else { &[] };
    let done = conformance::check(workspace, arguments);
    summary.step("conformance", begun.elapsed(), done);
    let begun = Instant::now();
    let mut documentation =
        process::cargo(workspace.root(), &["test", "--workspace", "--locked", "--no-fail-fast", "--quiet", "--doc"]);
    let done = process::run_within(&mut documentation, MAX_DOCUMENTATION);
    summary.step("doc tests", begun.elapsed(), done);
    summary.end()
}
