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
use crate::report::{Entry, Report};
use crate::workspace::Workspace;
use crate::{api, book, fuzz, layers, readme, release, setup, suite, third_party, tidy};

/// Time limit for a whole run on a machine that also does other work. On two idle cores, a run takes less than an
/// hour.
const MAX_DURATION: Duration = Duration::from_secs(85 * 60);

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
    Step { name: "setup", minutes: 6, run: |workspace| setup::run(workspace, setup::Scope::Everything) },
    Step { name: "fmt", minutes: 1, run: |workspace| cargo(workspace, &["fmt", "--all", "--check"]) },
    Step { name: "tidy", minutes: 1, run: tidy::run },
    Step { name: "api", minutes: 1, run: api::check },
    Step { name: "clippy", minutes: 18, run: clippy },
    Step { name: "engines", minutes: 4, run: engines },
    Step { name: "layers", minutes: 1, run: layers::run },
    Step { name: "deny", minutes: 1, run: deny },
    Step { name: "advisories", minutes: 1, run: advisories::run },
    Step { name: "machete", minutes: 1, run: |workspace| cargo(workspace, &["machete"]) },
    Step { name: "doc", minutes: 3, run: doc },
    Step { name: "book", minutes: 1, run: book::run },
    Step { name: "test", minutes: 30, run: |workspace| suite::run(workspace, suite::Extent::Whole, &[]) },
    Step { name: "minimum-rust", minutes: 4, run: minimum_rust::run },
    Step { name: "semver", minutes: 1, run: semver::run },
    // The steps from here on follow the tests, which have built the program and the external packages.
    Step { name: "third-party", minutes: 5, run: third_party::run },
    Step { name: "readme", minutes: 2, run: readme::run },
    Step { name: "deb", minutes: 1, run: release::check_debian_package },
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

/// Checks all code with clippy. In continuous integration, what the tests need is built at the same time.
fn clippy(workspace: &Workspace) -> Result<(), Failure> {
    match process::in_ci() {
        true => suite::build(workspace)?,
        false => cargo(workspace, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?,
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
