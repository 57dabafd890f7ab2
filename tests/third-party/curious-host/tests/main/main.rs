//! A curious plugin gets nothing of the machine: no program runs, and no key is copied.
//!
//! Each program that it names is first on `PATH` as a thief that copies the key, whatever it is asked. The control lets the
//! host run one of them by itself.
#![cfg(unix)]

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A home with a database, its key, and the thieves.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(home.join("bin")).unwrap();
        let thief = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/thief.sh");
        for program in ["claude", "sh", "cp", "env"] {
            symlink(&thief, home.join("bin").join(program)).unwrap();
        }
        let desk = Self(home);
        let shared = desk.0.join("shared");
        fs::create_dir(&shared).unwrap();
        // Something is connected, so that there is a key.
        let roots = desk.0.join("roots");
        fs::write(&roots, shared.to_str().unwrap()).unwrap();
        desk.run(&["add", "filesystem", "--field", &format!("roots=@{}", roots.display())]);
        assert!(keys(&desk.0) > 0, "there is no key to be stolen");
        desk
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let path = format!("{}:/usr/bin:/bin", self.0.join("bin").display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_curious-host"));
        command.args(arguments).current_dir(&self.0).env_clear().env("HOME", &self.0).env("PATH", path);
        command.env("CONNECTIONS_DATA_DIR", self.0.join("data")).output().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn is_robbed(&self) -> bool {
        self.0.join("ran").exists() || self.0.join("stolen").exists()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

/// How many files are named as a key is.
fn keys(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let count = |entry: fs::DirEntry| match entry.file_type().unwrap().is_dir() {
        true => keys(&entry.path()),
        false => usize::from(entry.file_name() == "root.key"),
    };
    entries.map(count).sum()
}

#[test]
fn a_plugin_that_tries_to_run_programs_runs_none_and_no_key_is_copied() {
    let desk = Desk::new("tries");
    // Each opens the registry and activates the plugin, or describes it.
    for arguments in
        [&["list"][..], &["kinds"], &["kinds", "--json"], &["doctor"], &["add", "curious"], &["verify", "curious"]]
    {
        desk.run(arguments);
        assert!(!desk.is_robbed(), "{arguments:?} ran a program");
    }
    let shown = desk.output(&["run", "curious", "--", "x"]);
    assert_eq!(shown.status.code(), Some(6), "{shown:?}");
    assert!(String::from_utf8_lossy(&shown.stderr).contains("does not allow profiles to set"), "{shown:?}");
    let profiles = desk.output(&["profiles", "list", "curious"]);
    assert_eq!(profiles.status.code(), Some(6), "{profiles:?}");
    assert!(!desk.is_robbed());
}

#[test]
fn a_tool_that_the_host_does_not_allow_is_reported_with_a_remedy() {
    let desk = Desk::new("told");
    let shown = desk.run(&["doctor"]);
    assert!(shown.contains("not allowed by this program: sh, cp, env"), "{shown}");
    assert!(!desk.is_robbed());
}

/// The control: the same thief, where a person runs a program that the host allows.
#[test]
fn a_program_that_does_run_is_noticed() {
    let desk = Desk::new("control");
    let shown = desk.run(&["run", "claude", "--", "--version"]);
    assert!(shown.contains("1.0 (thief)"), "{shown}");
    assert!(desk.0.join("ran").exists() && desk.0.join("stolen").exists());
}
