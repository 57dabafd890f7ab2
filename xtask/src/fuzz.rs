//! `cargo xtask fuzz`: runs the fuzz target of the kind files with libFuzzer. `cargo xtask ci` only checks that it
//! builds.
//!
//! libFuzzer needs code that counts which branches are taken. The flags below ask the compiler for that; they work with
//! the stable toolchain, where `cargo fuzz` needs a nightly one for its sanitizers. Safe Rust needs no sanitizer: a
//! fault is a panic, an overflow or a failed assertion.

use std::fs;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::process;
use crate::third_party;
use crate::workspace::Workspace;

const MANIFEST: &str = "crates/connection-manifest/fuzz/Cargo.toml";
const CATALOGUE: &str = "crates/connection-manifest/catalogue";
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Clink-dead-code -Cdebug-assertions -Coverflow-checks";

/// Runs the target for a number of seconds.
///
/// The inputs that reach new code are kept in `target/fuzz/corpus` for the next run. An input that fails is written to
/// `target/fuzz`, and its path is printed.
pub(crate) fn run(workspace: &Workspace, seconds: &str) -> Result<(), Failure> {
    let seconds: u32 = seconds.parse().map_err(|_| {
        Failure::new(format!("`{seconds}` is not a number of seconds; run `cargo xtask fuzz 60`, for example"))
    })?;
    let directory = directory(workspace);
    let corpus = directory.join("corpus");
    fs::create_dir_all(&corpus)
        .map_err(|error| Failure::new(format!("cannot create {}: {error}", corpus.display())))?;
    let host = host_triple(workspace)?;
    let time = format!("-max_total_time={seconds}");
    let artifacts = format!("-artifact_prefix={}/", directory.display());
    let corpus = corpus.display().to_string();
    // With a target, the flags apply to no build script and no procedural macro.
    let build = ["run", "--release", "--locked", "--target", &host, "--manifest-path", MANIFEST, "--bin", "kind_file"];
    let fuzzer = ["--", &corpus, CATALOGUE, &time, "-max_len=4096", &artifacts];
    let mut command = process::cargo(workspace.root(), &[&build[..], &fuzzer].concat());
    process::run(command.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", &directory))
}

/// Checks the package of the target, which is a workspace of its own, so that a change of the reader does not break it
/// unnoticed. The flags of [`run`] are not needed for that.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    process::run(&mut process::cargo(workspace.root(), &["fmt", "--check", "--manifest-path", MANIFEST]))?;
    let clippy =
        ["clippy", "--locked", "--manifest-path", MANIFEST, "--all-targets", "--no-deps", "--", "-D", "warnings"];
    // With the directory and the profile of the workspace, its external packages are not checked a second time.
    let mut command = process::cargo(workspace.root(), &[]);
    for option in third_party::profile(workspace)? {
        command.args(["--config", &option]);
    }
    command.args(clippy).env("CARGO_TERM_COLOR", "never").env("CARGO_TARGET_DIR", workspace.target_directory()?);
    process::run(&mut command)
}

/// Returns the directory of the inputs and of what is built.
fn directory(workspace: &Workspace) -> PathBuf {
    workspace.root().join("target/fuzz")
}

fn host_triple(workspace: &Workspace) -> Result<String, Failure> {
    let printed = process::output(&mut process::tool(workspace.root(), "rustc", &["--print", "host-tuple"]))?;
    Ok(printed.trim().to_owned())
}
