//! A command that is asked to end stores first what its provider was asked for, and says how it ended.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    program::Machine,
    real::Running,
    refresh::{events, run},
    rotating::{NAME, Rotating, message, pass, until_ended},
    terminal,
};

const SEND: [&str; 4] = ["send", NAME, "GET", "/me"];
const PROXY: [&str; 3] = ["mcp", "proxy", NAME];

fn begin(machine: &Machine, arguments: &[&str]) -> Running {
    let mut command = machine.example("renewing");
    command.args(arguments);
    Running::of(command)
}

fn signal(running: &Running, signal: Signal) {
    let id = i32::try_from(running.id()).ok().and_then(Pid::from_raw).unwrap();
    kill_process(id, signal).unwrap();
}

/// Starts a command whose provider does not answer the request for a token yet.
fn during_a_refresh(provider: &Rotating, machine: &Machine, arguments: &[&str]) -> Running {
    until_ended();
    provider.hold();
    let asked = provider.asked();
    let mut running = begin(machine, arguments);
    if arguments[0] == "mcp" {
        running.type_line(&message());
    }
    provider.until_asked(asked);
    running
}

/// Checks that the answer was stored by the command that has ended: the next refresh sends the token of the answer.
#[track_caller]
fn is_stored(provider: &Rotating, machine: &Machine, before: usize) {
    assert_eq!((events(machine, "credential_rotated"), events(machine, "not_renewed")), (before + 1, 0));
    run(machine, &["refresh", NAME]).exits(0).says("Renewed ada");
    assert_eq!(provider.spent_twice(), 0);
}

/// Checks that a command stores the answer to a refresh after each signal.
#[track_caller]
fn finishes(arguments: &[&str]) {
    let (provider, machine) = Rotating::connected();
    for (sent, exit) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let before = events(&machine, "credential_rotated");
        let mut running = during_a_refresh(&provider, &machine, arguments);
        signal(&running, sent);
        running.line("Finishing the request in progress");
        provider.release();
        running.end().exits(exit).warns("the command was interrupted");
        is_stored(&provider, &machine, before);
    }
}

#[test]
fn a_signal_lets_a_refresh_store_its_answer() {
    finishes(&["refresh", NAME]);
}

#[test]
fn a_signal_lets_a_use_store_the_answer_to_its_refresh() {
    finishes(&SEND);
}

#[test]
fn a_signal_lets_a_proxy_store_the_answer_to_its_refresh() {
    finishes(&PROXY);
}

#[test]
fn a_second_signal_ends_a_command_at_once() {
    for (sent, exit) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let (provider, machine) = Rotating::connected();
        let before = events(&machine, "credential_rotated");
        let mut running = during_a_refresh(&provider, &machine, &SEND);
        signal(&running, sent);
        running.line("Finishing the request in progress");
        signal(&running, Signal::TERM);
        running.end().exits(exit).warns("the command was interrupted");
        assert_eq!(events(&machine, "credential_rotated"), before, "the control: nobody has stored the answer");
        provider.release();
    }
}

#[test]
fn a_proxy_whose_client_goes_away_stores_the_answer_to_a_refresh() {
    let (provider, machine) = Rotating::connected();
    let before = events(&machine, "credential_rotated");
    let mut running = during_a_refresh(&provider, &machine, &PROXY);
    running.close_input();
    // The requests of the client are cancelled after half a second.
    pass(2);
    provider.release();
    running.end().exits(0);
    is_stored(&provider, &machine, before);
}

/// `nohup` starts a program so.
#[test]
fn a_command_that_was_started_to_ignore_the_end_of_its_terminal_ignores_it() {
    let (provider, machine) = Rotating::connected();
    let before = events(&machine, "credential_rotated");
    until_ended();
    provider.hold();
    let asked = provider.asked();
    let mut command = machine.command_of_system("sh");
    command.args(["-c", r#"trap "" HUP; exec "$0" "$@""#]).arg(machine.example("renewing").get_program());
    command.args(SEND);
    let mut running = Running::of(command);
    provider.until_asked(asked);
    signal(&running, Signal::HUP);
    signal(&running, Signal::TERM);
    running.line("Finishing the request in progress");
    provider.release();
    running.end().exits(143);
    is_stored(&provider, &machine, before);
}

#[test]
fn a_signal_ends_a_command_at_once_that_waits_for_a_person() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let mut session = terminal::start(&machine, &["remove", "github"]);
    session.exp_string("Remove octocat (github:work)?").unwrap();
    session.process_mut().signal(rexpect::process::Signal::SIGTERM).unwrap();
    let rest = terminal::end(session, 143);
    assert!(!rest.contains("Finishing"), "{rest}");
    machine.run(&["list"]).exits(0).says("github:work");
}

/// Sends a message through a proxy, and returns the answer.
fn answered(machine: &Machine) -> Value {
    let mut proxy = machine.example("renewing");
    proxy.args(PROXY).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut proxy = proxy.spawn().unwrap();
    let mut input = proxy.stdin.take().unwrap();
    writeln!(input, "{}", message()).unwrap();
    let mut answer = String::new();
    BufReader::new(proxy.stdout.take().unwrap()).read_line(&mut answer).unwrap();
    drop(input);
    assert!(proxy.wait().unwrap().success());
    serde_json::from_str(&answer).unwrap()
}

/// A client of MCP may stay for days, and is the only one that its user sees.
#[test]
fn the_error_of_a_use_says_how_to_authorize_again_and_when_the_next_attempt_comes() {
    let (provider, machine) = Rotating::connected();
    until_ended();
    provider.go_down();
    for _ in 0..2 {
        let sent = run(&machine, &[&SEND[..], &["--json"]].concat()).exits(4).error();
        for error in [&sent["error"], &answered(&machine)["error"]["data"]] {
            assert_eq!(error["code"], "not_renewed", "{error}");
            let remedy = error["remedy"].as_str().unwrap();
            assert!(remedy.contains("`connections reauthorize renewing:ada`"), "{remedy}");
            assert!(remedy.contains("the next attempt is at 20"), "{remedy}");
        }
    }
    assert_eq!(provider.asked(), 2, "the refresh of the setup and one attempt; all others wait for the quarantine");
}
