//! `cargo xtask test`: what README calls the test command.
//!
//! It brings what the tests need, builds the workspace once, and runs every test in a process of its own, so that a test that
//! hangs, aborts or ends its process fails by its name and costs no other test. Nothing in it is optional: a test that cannot
//! run fails. Each part says how many seconds it took and which of its tests were the slowest.

mod binaries;
mod files;
mod runner;
mod server;
mod summary;
#[cfg(all(test, unix))]
mod tests;

use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::process;
use crate::setup::{self, Scope};
use crate::suite::binaries::{Binaries, Test};
use crate::suite::files::Files;
use crate::suite::runner::Runner;
use crate::suite::server::Server;
use crate::suite::summary::Summary;
use crate::workspace::Workspace;

/// How much of the suite is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// For use while working: on SQLite alone, without servers, browsers, containers, processes that are killed, and the tests
    /// that start the command.
    Quick,
    /// Every test.
    Whole,
    /// Every test, with as many repetitions as each has in its long form.
    Long,
}

impl Extent {
    /// Returns the time after which a test is ended and fails. On two idle cores the slowest test takes a tenth of it.
    const fn deadline(self) -> Duration {
        match self {
            Self::Quick | Self::Whole => Duration::from_secs(4 * 60),
            Self::Long => Duration::from_secs(30 * 60),
        }
    }
}

/// The tests of documentation are built and run by rustdoc, as one part.
const LONGEST_DOCUMENTATION: Duration = Duration::from_secs(20 * 60);

/// Modules that run a second time with a pooler before the server: those that reach the store in another way than the rest.
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

/// Parts of the names of tests that `--quick` leaves out: they need a server, a browser, a container or a tool of others, or
/// they run many processes.
const NOT_QUICK: [&str; 30] = [
    "postgres",
    "pooler",
    // Servers and packages of others.
    "authorization_servers::",
    "genuine::",
    "oauth2::",
    "real::",
    "servers::",
    "webhooks::what_the_package",
    // A browser.
    "browser::",
    "chromium",
    // Containers.
    "sandbox_build::",
    "sandbox_run::",
    // Many processes, or one that is killed again and again.
    "canary::",
    "first_hour::",
    "first_starts::",
    "kill::",
    "killed",
    "kills",
    "many::",
    "many_processes::",
    "relay::",
    "refresh_processes::",
    "serve::",
    // Many rows, or everything that a model lets happen.
    "filters::many",
    "import::many",
    "imports::a_long",
    "key_sorts::",
    "model::",
    "one_value_among_many",
    "refresh_outages::an_outage",
];

/// Returns `true` for a test that `--quick` runs. The tests of the command in `connection-host` are not among them: they start
/// the program some thousand times.
fn is_quick(test: &Test) -> bool {
    let is_of_command = test.package == "connection-host" && test.binary == "main";
    test.binary != "postgres" && !is_of_command && !test.is_named(&NOT_QUICK)
}

/// Runs the tests; one that fails hides none of the others.
pub(crate) fn run(workspace: &Workspace, extent: Extent) -> Result<(), Failure> {
    if extent != Extent::Quick {
        setup::run(workspace, Scope::Tests)?;
    }
    let begun = Instant::now();
    let binaries = Binaries::build(workspace)?;
    let mut summary = Summary::new();
    summary.add("build", begun.elapsed());

    let mut runner = Runner::new(extent.deadline());
    // Deleted when this function returns.
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
    // Stopped when this function returns.
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
    let mut documentation =
        process::cargo(workspace.root(), &["test", "--workspace", "--locked", "--no-fail-fast", "--quiet", "--doc"]);
    let done = process::run_within(&mut documentation, LONGEST_DOCUMENTATION);
    summary.step("doc tests", begun.elapsed(), done);
    summary.end()
}
