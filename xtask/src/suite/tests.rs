//! Tests of the runner, with scripts in the place of test binaries, and of reading cargo's messages.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use super::binaries::Binaries;
use super::files::Files;
use super::runner::{Done, Runner};
use super::summary::{Summary, slowest};

const PATIENT: Duration = Duration::from_secs(600);

/// A script in the place of a test binary. It lists five tests, of which one fails and one hangs.
const SCRIPT: &str = r#"#!/bin/sh
case "$1" in
--list) printf 'passes: test\nfails: test\nhangs: test\ntells: test\nkill::waits: test\nmeasures: benchmark\n' ;;
passes) test "$CARGO_PKG_NAME" = some-package && test "$2" = --exact ;;
fails) echo what it printed; echo what it said >&2; exit 101 ;;
hangs) exec tail -f /dev/null ;;
tells) test "$SET" = value ;;
esac
"#;

/// Returns cargo's message about this program.
fn message(program: &Path, target: &str, kind: &str, is_test: bool) -> String {
    let manifest = program.with_file_name("Cargo.toml");
    format!(
        r#"{{"reason":"compiler-artifact","package_id":"path+file:///w/crates/other#some-package@0.1.0",
            "manifest_path":{manifest:?},"target":{{"kind":["{kind}"],"name":"{target}"}},
            "profile":{{"test":{is_test}}},"executable":{program:?}}}"#
    )
    .replace('\n', " ")
}

/// Returns the binaries of a workspace with one test binary, one program and one library.
fn binaries(directory: &Path) -> Binaries {
    let program = directory.join("script");
    fs::write(&program, SCRIPT).expect("the directory is writable");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("the file is ours");
    let library = r#"{"reason":"compiler-artifact","executable":null,"profile":{"test":false}}"#;
    let messages =
        [message(&program, "main", "test", true), message(&program, "tool", "bin", false), library.to_owned()];
    Binaries::of(&messages.join("\n"))
}

fn failures(done: &[Done]) -> Vec<(&str, &str)> {
    let failed = done.iter().filter_map(|done| Some((done.title.as_str(), done.failure.as_deref()?)));
    let mut failed: Vec<_> = failed.collect();
    failed.sort_unstable();
    failed
}

#[test]
fn the_tests_of_each_binary_are_found_and_programs_are_known_by_their_name() {
    let directory = tempfile::tempdir().unwrap();
    let binaries = binaries(directory.path());
    let tests = binaries.tests(|_| true).unwrap();
    let names: Vec<_> = tests.iter().map(|test| test.name.as_str()).collect();
    assert_eq!(names, ["passes", "fails", "hangs", "tells", "kill::waits"]);
    assert_eq!(tests[0].title(), "some-package main passes");
    let quick = binaries.tests(|test| !test.is_named(&super::NOT_QUICK)).unwrap();
    assert_eq!(quick.len(), 4, "what kills is not quick");
    assert_eq!(binaries.program("tool"), Some(directory.path().join("script").as_path()));
    assert_eq!(binaries.program("main"), None, "it is a test");
}

#[test]
fn a_test_that_fails_is_named_and_hides_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(PATIENT);
    runner.set("SET", "value");
    let (_, done) = runner.run(binaries(directory.path()).tests(|test| test.name != "hangs").unwrap());
    assert_eq!(done.len(), 4);
    assert_eq!(failures(&done), [("some-package main fails", "exit status: 101")]);
    let mut summary = Summary::new();
    summary.tests("tests", (PATIENT, done));
    let failure = summary.end().unwrap_err().to_string();
    assert!(failure.ends_with("1 found\n  some-package main fails: exit status: 101"), "{failure}");
}

/// This is the control of the deadline: the other tests end well before theirs.
#[test]
fn a_test_that_hangs_fails_by_its_name_when_its_time_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let hangs = binaries(directory.path()).tests(|test| test.name == "hangs").unwrap();
    let (_, done) = Runner::new(Duration::ZERO).run(hangs);
    assert_eq!(failures(&done), [("some-package main hangs", "it did not finish within 0 seconds")]);
}

#[test]
fn files_are_kept_in_memory_and_those_of_an_interrupted_run_are_deleted() {
    let memory = Path::new("/dev/shm");
    // The directory of a process that is gone. No process has this id.
    let left = memory.join("connections-tests-4194305-left");
    if !memory.is_dir() || fs::create_dir_all(left.join("store")).is_err() {
        return;
    }
    let files = Files::in_memory();
    assert!(!left.exists());
    if let Some(files) = files {
        let path = files.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o1777);
        fs::write(path.join("of a test"), "").unwrap();
        drop(files);
        assert!(!path.exists());
    }
}

#[test]
fn the_slowest_tests_are_shown_first_and_ten_of_them() {
    let done = |seconds| Done { title: format!("test-{seconds}"), took: Duration::from_secs(seconds), failure: None };
    let mut all: Vec<_> = (0..20).map(done).collect();
    let text = slowest(&mut all);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (11, "20 passed, 0 failed; the slowest:"));
    assert_eq!((lines[1], lines[10]), ("    19.0  test-19", "    10.0  test-10"));
}
