//! Private copies for containers: where they are made, and that they are deleted however a run ends.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    program::{Machine, contents},
    sandboxes::{RUN, machine},
};

/// Returns the files that are left in the directory of the private copies.
pub(crate) fn left(machine: &Machine) -> Vec<PathBuf> {
    let mut left: Vec<_> = contents(&machine.data().join("copies")).into_iter().map(|(path, _)| path).collect();
    left.retain(|path| !path.ends_with("lock"));
    left
}

#[test]
fn they_are_made_below_a_data_directory_that_is_named_from_here_too() {
    let (machine, _) = machine();
    let ran = machine.run(&[&["--data-dir", "data"], &RUN[..], &["--", "7"]].concat()).exits(7);
    let copies = machine.data().join("copies");
    let mounted: Vec<_> = ran.out.lines().filter_map(|line| line.strip_prefix("mounted: ")).collect();
    assert!(mounted.iter().all(|path| Path::new(path).starts_with(&copies)) && !mounted.is_empty(), "{mounted:?}");
}

#[test]
fn a_signal_while_they_are_made_leaves_none() {
    let (machine, work) = machine();
    // There are so many files that the signal arrives before the last one is copied.
    let many = Path::new(&work).join("many");
    fs::create_dir(&many).expect("a profile can be written");
    for number in 0..20_000 {
        fs::write(many.join(number.to_string()), b"x").expect("a profile can be written");
    }
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut child = machine.command().args(RUN).stdout(Stdio::null()).spawn().expect("it runs");
        let is_begun = || {
            let runs = fs::read_dir(machine.data().join("copies")).into_iter().flatten().flatten();
            runs.map(|run| run.path().join("0")).any(|copy| copy.exists())
        };
        while !is_begun() {
            assert!(child.try_wait().expect("it can be asked").is_none(), "it has not ended");
            thread::yield_now();
        }
        kill_process(Pid::from_child(&child), signal).expect("it runs");
        assert_eq!(child.wait().expect("it ends").code(), Some(code));
        assert!(left(&machine).is_empty(), "{signal:?} leaves {} files", left(&machine).len());
    }
}
