//! `cargo xtask ci`: runs all checks of the project in one command.
//!
//! The run stops at the first step that fails, and always ends with the seconds that each step took. A run that takes
//! too long fails even if each step passed.

mod advisories;
mod minimum_rust;
mod semver;

use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::process;
use crate::report::Report;
use crate::workspace::Workspace;
use crate::{api, book, fuzz, layers, readme, release, setup, suite, third_party, tidy};

/// Time limit for a whole run on a machine that also does other work. On two idle cores, a run takes less than an
/// hour.
const MAX_DURATION: Duration = Duration::from_secs(85 * 60);

/// One step of a run, under the name by which it is selected.
struct Step {
    name: &'static str,
    run: fn(&Workspace) -> Result<(), Failure>,
}

/// The steps in their order: those that fail often and fast come first.
const STEPS: &[Step] = &[
    Step { name: "setup", run: |workspace| setup::run(workspace, setup::Scope::Everything) },
    Step { name: "fmt", run: |workspace| cargo(workspace, &["fmt", "--all", "--check"]) },
    Step { name: "tidy", run: tidy::run },
    Step { name: "api", run: api::check },
    Step { name: "clippy", run: clippy },
    Step { name: "engines", run: engines },
    Step { name: "layers", run: layers::run },
    Step { name: "deny", run: deny },
    Step { name: "advisories", run: advisories::run },
    Step { name: "machete", run: |workspace| cargo(workspace, &["machete"]) },
    Step { name: "doc", run: doc },
    Step { name: "book", run: book::run },
    Step { name: "test", run: |workspace| suite::run(workspace, suite::Extent::Whole, &[]) },
    Step { name: "minimum-rust", run: minimum_rust::run },
    Step { name: "semver", run: semver::run },
    // This follows the tests, which have built the external packages that it needs.
    Step { name: "third-party", run: third_party::run },
    Step { name: "readme", run: readme::run },
    // The step before has built the program.
    Step { name: "deb", run: release::check_debian_package },
];

/// Runs every step, or only the named one after the setup.
pub(crate) fn run(workspace: &Workspace, only: Option<&str>) -> Result<(), Failure> {
    if let Some(name) = only
        && !STEPS.iter().any(|step| step.name == name)
    {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        return Err(Failure::new(format!("unknown step `{name}`; the steps are {}", names.join(", "))));
    }
    let steps = STEPS.iter().filter(|step| only.is_none_or(|name| step.name == name || step.name == "setup"));
    let mut report = Report::new(MAX_DURATION);
    for step in steps {
        println!("== {}", step.name);
        let start = Instant::now();
        let result = (step.run)(workspace);
        report.add(step.name, start.elapsed(), result.is_ok());
        if let Err(failure) = result {
            println!("{report}");
            return Err(Failure::new(format!("step {}: {failure}", step.name)));
        }
    }
    println!("{report}");
    report.verdict()
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> Result<(), Failure> {
    process::run(&mut command(workspace, arguments))
}

fn command(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = process::cargo(workspace.root(), arguments);
    command.env("CARGO_TERM_COLOR", "never");
    command
}

fn clippy(workspace: &Workspace) -> Result<(), Failure> {
    cargo(workspace, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
    fuzz::check(workspace)
}

/// Checks the core and the crates that pass on its features with each engine of the store alone, and that the core
/// refuses to be built without one. Clippy applies `-D warnings` to our crates only, so that the packages of others are
/// not built again.
fn engines(workspace: &Workspace) -> Result<(), Failure> {
    for engine in ["sqlite", "postgres"] {
        let features = ["--no-default-features", "--features", engine];
        let packages = ["core", "agent", "inbound", "server", "host"].map(|name| format!("connection-{name}"));
        let packages = packages.iter().flat_map(|name| ["-p", name]);
        let packages: Vec<_> = std::iter::once("clippy").chain(packages).chain(["--lib"]).collect();
        cargo(workspace, &[&packages[..], &features, &["--locked", "--", "-D", "warnings"]].concat())?;
    }
    let none = ["check", "-p", "connection-core", "--no-default-features", "--locked"];
    let built = command(workspace, &none).output().map_err(|error| Failure::new(format!("cargo: {error}")))?;
    match String::from_utf8_lossy(&built.stderr).contains("needs an engine for its store") {
        true => Ok(()),
        false => Err(Failure::new("connection-core does not refuse to be built without an engine for its store")),
    }
}

/// Runs `cargo deny` offline, so that it works without a network. The packages for other platforms are fetched first.
fn deny(workspace: &Workspace) -> Result<(), Failure> {
    cargo(workspace, &["fetch", "--locked"])?;
    cargo(workspace, &["deny", "--offline", "check", "bans", "licenses", "sources"])
}

fn doc(workspace: &Workspace) -> Result<(), Failure> {
    let arguments = ["doc", "--workspace", "--no-deps", "--locked"];
    process::run(command(workspace, &arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

#[cfg(test)]
mod tests;
