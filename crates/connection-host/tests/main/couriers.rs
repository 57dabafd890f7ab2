//! Kills commands in the middle of a refresh, at a provider that revokes everything if a token comes twice: no answer is
//! lost, because a courier has it. Without couriers, each kill between the rotation and the answer loses one.
//!
//! `CONNECTIONS_TEST_LONG=1 cargo test -p connection-host --test main couriers` makes a thousand kills of each victim.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{io::Write as _, os::unix::process::CommandExt as _, process::Stdio, thread, time::Duration};

use connection_faults::{random::Random, rounds::rounds};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::{
    program::Machine,
    refresh::run,
    rotating::{NAME, Rotating, message, until_ended},
    stop_drill::now,
};

type Kill = fn(Pid, Signal) -> rustix::io::Result<()>;

/// The time from the rotation of a token until its answer.
const LATE: Duration = Duration::from_millis(150);
const SEND: &[&str] = &["send", NAME, "GET", "/me"];
const PROXY: &[&str] = &["mcp", "proxy", NAME];

/// Starts a command that uses or renews the connection, in a process group of its own, and kills it.
fn kill_after(machine: &Machine, command: &[&str], kill: Kill, wait: impl FnOnce()) {
    let mut victim = machine.example("renewing");
    victim.args(command).process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = victim.spawn().unwrap();
    if command == PROXY {
        writeln!(child.stdin.as_mut().unwrap(), "{}", message()).unwrap();
    }
    wait();
    kill(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
}

/// Starts a command that has to refresh, and kills it after the provider has rotated the token, and before the answer.
fn kill_between(machine: &Machine, provider: &Rotating, command: &[&str], kill: Kill) {
    until_ended();
    let asked = provider.asked();
    kill_after(machine, command, kill, || provider.until_asked(asked));
}

/// Kills a command, about every third time between the rotation and the answer, and uses the connection after each kill.
fn drill(command: &[&str], kill: Kill) {
    let (provider, mut machine) = Rotating::connected();
    machine.set("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    provider.be_late(LATE);
    let mut random = Random::new(56);
    let (kills, between) = rounds((4, 2), (1000, 300));
    let mut longest = Duration::ZERO;
    for number in 0..kills {
        if number < between {
            kill_between(&machine, &provider, command, kill);
        } else {
            kill_after(&machine, command, kill, || thread::sleep(Duration::from_millis(random.below(80))));
        }
        let killed = now();
        run(&machine, SEND).exits(0);
        if number < between {
            longest = longest.max(killed.elapsed().saturating_sub(LATE));
        }
        assert_eq!(provider.spent_twice(), 0, "{command:?}, kill {number}");
    }
    // The time depends on the machine, so it is told and not compared.
    let tokens = provider.rotated();
    let counts =
        format!("{command:?}: {kills} kills, {tokens} tokens, none lost; longest wait for a call: {longest:?}\n");
    std::io::stderr().write_all(counts.as_bytes()).unwrap();
}

#[test]
fn a_command_that_is_killed_in_a_refresh_loses_no_answer() {
    thread::scope(|scope| {
        for command in [SEND, PROXY, &["serve", "--json"]] {
            scope.spawn(move || drill(command, kill_process));
        }
        scope.spawn(|| drill(PROXY, kill_process_group));
    });
}

/// The control of the drill.
#[test]
fn without_couriers_each_answer_of_a_killed_command_is_lost() {
    for _ in 0..rounds(1, 300) {
        let (provider, mut machine) = Rotating::connected();
        machine.set("CONNECTIONS_COURIERS", "off");
        provider.be_late(LATE);
        kill_between(&machine, &provider, SEND, kill_process);
        assert_ne!(run(&machine, SEND).exit, 0);
        let shown = run(&machine, &["show", NAME, "--json"]).exits(0).json();
        assert_eq!(shown["reason"]["code"], "refresh_outcome_unknown");
    }
}

#[test]
fn a_courier_keeps_no_file_open_with_which_its_caller_was_started() {
    let (provider, machine) = Rotating::connected();
    until_ended();
    provider.hold();
    let asked = provider.asked();
    // The command gets the pipe a second time, and not in the place of a standard stream.
    let mut shell = machine.command_of_system("/bin/sh");
    shell.args(["-c", "exec \"$0\" \"$@\" 9>&1 >&2"]).arg(machine.example("renewing").get_program()).args(SEND);
    let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    provider.until_asked(asked);
    child.kill().unwrap();
    // The pipe ends before the courier, which has no answer.
    std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    provider.release();
    run(&machine, SEND).exits(0);
    child.wait().unwrap();
}
