//! `cargo xtask ci`: runs the checks of each change in one command. `cargo xtask nightly` runs all others.
//!
//! A run of `ci` stops at the first step that fails, a run of `nightly` continues, and both always end with the seconds
//! that each step took. A run that takes too long fails even if each step passed.

mod advisories;
mod minimum_rust;
mod nightly;
mod packages;
mod semver;

use std::process::Command;
use std::time::{Duration, Instant};

use self::packages::Packages;
use crate::failure::Failure;
use crate::process;
use crate::report::{Entry, Report};
use crate::suite::{Extent, Part};
use crate::workspace::Workspace;
use crate::{api, book, fuzz, layers, readme, release, setup, suite, tidy};

pub(crate) use nightly::run as run_nightly;

/// Time limit for a whole run on a machine that is slow or also does other work. On two cores that build the program of a
/// release in nine minutes, a run takes less than three quarters of an hour.
const MAX_DURATION: Duration = Duration::from_secs(85 * 60);
/// The minutes that all steps together may take on such cores, if nothing else uses them.
#[cfg(test)]
const OF_AN_IDLE_RUN: u64 = 45;

/// One step of a run.
struct Step {
    /// The name by which the step is selected.
    name: &'static str,
    /// How long the step may take on two idle cores that have compiled nothing yet.
    minutes: u64,
    run: fn(&Workspace) -> Result<(), Failure>,
}

/// The steps in their order: those that fail often and fast come first.
const STEPS: &[Step] = &[
    Step { name: "setup", minutes: 5, run: |workspace| setup::run(workspace, setup::Scope::Everything) },
    Step { name: "fmt", minutes: 1, run: |workspace| cargo(workspace, &["fmt", "--all", "--check"]) },
    Step { name: "tidy", minutes: 1, run: tidy::run },
    Step { name: "api", minutes: 1, run: api::check },
    Step { name: "clippy", minutes: 14, run: clippy },
    Step { name: "engines", minutes: 2, run: engines },
    Step { name: "layers", minutes: 1, run: layers::run },
    Step { name: "deny", minutes: 1, run: deny },
    Step { name: "advisories", minutes: 1, run: advisories::run },
    Step { name: "machete", minutes: 1, run: |workspace| cargo(workspace, &["machete"]) },
    Step { name: "doc", minutes: 1, run: doc },
    Step { name: "book", minutes: 1, run: book::run },
    Step { name: "test", minutes: 12, run: |workspace| suite::run(workspace, Extent::Whole, Part::Ci, &[]) },
    Step { name: "semver", minutes: 1, run: semver::run },
    // The steps from here on follow the tests, which have built the program and the external packages.
    Step { name: "readme", minutes: 1, run: readme::run },
    Step { name: "deb", minutes: 1, run: release::check_debian_package },
];

/// Runs every step, or only the named one after the setup. The run ends with the first step that fails.
pub(crate) fn run(workspace: &Workspace, only: Option<&str>) -> Result<(), Failure> {
    let (report, failures) = run_steps(workspace, Report::new(MAX_DURATION), STEPS, only, Afterwards::Stop)?;
    println!("{report}");
    if let Some(failure) = failures.into_iter().next() {
        return Err(failure);
    }
    if process::in_ci() && only.is_none() {
        Packages::of(workspace)?.keep()?;
    }
    report.verdict()
}

/// What a run does after a step that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Afterwards {
    /// The run ends.
    Stop,
    /// The other steps run, too.
    Continue,
}

/// Runs the steps, or only the named one after the setup, and returns their times and failures.
fn run_steps(
    workspace: &Workspace,
    mut report: Report,
    steps: &[Step],
    only: Option<&str>,
    afterwards: Afterwards,
) -> Result<(Report, Vec<Failure>), Failure> {
    if let Some(name) = only
        && !steps.iter().any(|step| step.name == name)
    {
        let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
        return Err(Failure::new(format!("unknown step `{name}`; the steps are {}", names.join(", "))));
    }
    let mut failures = Vec::new();
    for step in steps.iter().filter(|step| only.is_none_or(|name| step.name == name || step.name == "setup")) {
        println!("== {}", step.name);
        let start = Instant::now();
        let result = (step.run)(workspace);
        let took = start.elapsed();
        // A run that is ended from outside prints no report.
        println!("== {} took {:.0} seconds", step.name, took.as_secs_f64());
        report.add(Entry {
            name: step.name,
            took,
            limit: Some(Duration::from_secs(60 * step.minutes)),
            passed: result.is_ok(),
        });
        if let Err(failure) = result {
            failures.push(Failure::new(format!("step {}: {failure}", step.name)));
            if afterwards == Afterwards::Stop {
                break;
            }
        }
    }
    Ok((report, failures))
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> Result<(), Failure> {
    process::run(&mut command(workspace, arguments))
}

fn command(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = process::cargo(workspace.root(), arguments);
    command.env("CARGO_TERM_COLOR", "never");
    command
}

/// Checks all code with clippy. In continuous integration, what the tests need is built at the same time, with packages of
/// registries that an earlier run has kept.
fn clippy(workspace: &Workspace) -> Result<(), Failure> {
    if process::in_ci() {
        Packages::of(workspace)?.restore()?;
        suite::build(workspace)?;
    } else {
        cargo(workspace, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
    }
    fuzz::check(workspace)
}

/// Checks the core with each engine of the store alone, and that it refuses to be built without one. No other crate
/// depends on the engine in its code. Clippy applies `-D warnings` to our crates only, so that the packages of others are
/// not built again.
fn engines(workspace: &Workspace) -> Result<(), Failure> {
    let elsewhere = workspace.texts(|path| path.contains("/src/") && !path.starts_with("crates/connection-core/"))?;
    let elsewhere = elsewhere.into_iter().filter(|(path, text)| path.ends_with(".rs") && names_an_engine(text));
    let elsewhere: Vec<String> =
        elsewhere.map(|(path, _)| format!("{path} depends on an engine of the store")).collect();
    Failure::unless_empty("files outside of connection-core, which alone is checked with each engine", &elsewhere)?;
    for engine in ["sqlite", "postgres"] {
        let arguments = ["clippy", "-p", "connection-core", "--lib", "--no-default-features", "--features", engine];
        cargo(workspace, &[&arguments[..], &["--locked", "--", "-D", "warnings"]].concat())?;
    }
    let none = ["check", "-p", "connection-core", "--no-default-features", "--locked"];
    let built = command(workspace, &none).output().map_err(|error| Failure::new(format!("cargo: {error}")))?;
    match String::from_utf8_lossy(&built.stderr).contains("needs an engine for its store") {
        true => Ok(()),
        false => Err(Failure::new("connection-core does not refuse to be built without an engine for its store")),
    }
}

/// Returns `true` if the text of a file is compiled differently for an engine.
fn names_an_engine(text: &str) -> bool {
    ["sqlite", "postgres"].iter().any(|engine| text.contains(&format!("feature = \"{engine}\"")))
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
