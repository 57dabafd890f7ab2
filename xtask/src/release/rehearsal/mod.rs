//! `cargo xtask release rehearse`: builds everything that a release consists of, installs each part, and tries it.
//!
//! The first part clones the last commit and fetches what the second part needs. The second part has no network: it
//! builds the program, makes each artifact from it, and runs each in an empty root. Nothing is published.

mod artifacts;
mod first;
mod sandbox;
mod trials;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::process;
use crate::release::rehearsal::artifacts::Artifacts;
use crate::release::rehearsal::trials::Trials;
use crate::release::{absolute, archive, build, crates, debian, image, this_target, version};
use crate::report::{Entry, Report};
use crate::setup;
use crate::third_party;
use crate::workspace::Workspace;

/// The word with which the rehearsal starts its second part. A person has no use for it.
pub(super) const SECOND_PART: &str = "rehearse-without-network";

/// Time limit for the second part, most of which is the build of the program.
const MAX_DURATION: Duration = Duration::from_secs(90 * 60);

/// The packages of Debian that the trial of our package needs beside those of the image.
const OF_THE_TRIAL: &[&str] = &["systemd"];

/// Rehearses a release, with a program that is built already if one is named.
pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<(), Failure> {
    if !cfg!(target_os = "linux") {
        return Err(Failure::new("a release can be rehearsed only on Debian and its derivatives"));
    }
    setup::run(workspace, setup::Scope::Release)?;
    let place = workspace.target_directory()?.join("rehearsal");
    let clone = first::fetch(workspace, &place)?;

    // Users other than root become root in a namespace of their own, as far as the system permits it.
    let id = process::output(&mut process::tool(workspace.root(), "id", &["-u"]))?;
    let namespaces: &[&str] = match id.trim() {
        "0" => &["--net"],
        _ => &["--map-root-user", "--map-auto", "--net", "--mount", "--pid", "--fork", "--mount-proc"],
    };
    let this = std::env::current_exe().map_err(|error| Failure::new(format!("the path of xtask: {error}")))?;
    let mut second = process::tool(&clone, "unshare", namespaces);
    second.args(["--", "sh", "-c", "PATH=$PATH:/usr/sbin; ip link set lo up && exec \"$@\"", "sh"]);
    second.arg(this).args(["release", SECOND_PART]).arg(&place);
    if let Some(program) = program {
        second.arg(absolute(program)?);
    }
    // The variable tells xtask where its workspace is.
    second
        .env("CARGO_MANIFEST_DIR", clone.join("xtask"))
        .env("CARGO_NET_OFFLINE", "true")
        .env_remove("CARGO_TARGET_DIR");
    process::run(&mut second)
}

/// Builds and tries everything in the clone, which is the workspace here.
pub(super) fn second_part(workspace: &Workspace, place: &Path, program: Option<&Path>) -> Result<(), Failure> {
    let mut report = Report::new(MAX_DURATION);
    let result = steps(workspace, place, program, &mut report);
    println!("{report}");
    println!("{}", result?);
    println!("release: everything was built and tried; the artifacts are in {}", place.join("artifacts").display());
    report.verdict()
}

fn steps(
    workspace: &Workspace,
    place: &Path,
    program: Option<&Path>,
    report: &mut Report,
) -> Result<Artifacts, Failure> {
    let directory = place.join("artifacts");
    let debs = place.join(first::DEBS);
    let (version, target) = (version(workspace)?, this_target(workspace)?);
    let is_built = program.is_none();
    let program: PathBuf = match program {
        Some(program) => program.to_owned(),
        None => step(report, "build", || build::run(workspace, None))?,
    };
    if is_built || build::is_recorded(workspace, &program) {
        step(report, "record", || build::check_record(workspace, &program))?;
    } else {
        println!("release: SKIPPED: the program has no record of its packages; `cargo xtask release build` makes one");
    }
    let archive = step(report, "archive", || archive::build(workspace, &program, &target, &program, &directory))?;
    let package = step(report, "deb", || debian::build(workspace, &program, &directory))?;
    let image = step(report, "image", || image::build(workspace, &package, &debs, &directory))?;
    let (packages, packed) = step(report, "crates", || crates::pack(workspace, place, &directory))?;
    step(report, "crate-tests", || third_party::check_package_tests(workspace, &packages))?;
    let client = step(report, "npm", || artifacts::pack_client(workspace, &directory))?;

    let trials = Trials { workspace, place, version: &version };
    step(report, "try-archive", || trials.archive(&archive, &target))?;
    step(report, "try-deb", || trials.debian_package(&package, &debs))?;
    step(report, "try-image", || trials.image(&image.layout))?;
    step(report, "try-npm", || trials.client(&client))?;
    if is_built {
        step(report, "try-crates", || trials.crates(&packages))?;
    } else {
        println!(
            "release: SKIPPED: the program is not installed from the packed crates, because it was not built here"
        );
    }
    let made = [vec![archive, package, image.archive, client], packed].concat();
    Artifacts::sum(&directory, &made)
}

/// Runs a step, and reports its time.
fn step<T>(report: &mut Report, name: &'static str, run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    println!("== {name}");
    let start = Instant::now();
    let result = run();
    report.add(Entry { name, took: start.elapsed(), limit: None, passed: result.is_ok() });
    result.map_err(|failure| Failure::new(format!("{name}: {failure}")))
}
