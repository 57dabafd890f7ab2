//! Kills the program (SIGKILL) while a command runs, and examines the stored state: every connection is as before or as
//! after the command, no row is half-made, and setups can be resumed or have ended with a reason.
//!
//! Each run of the suite kills each command a few times, at moments that depend on the machine. `cargo xtask test
//! --long` kills a command that sends requests to a provider or writes keys fifty times, and a command that is a single
//! transaction twenty times.

mod extensions;
mod keys;
mod moment;
mod profiles;
mod row;

use std::io::Write as _;

use connection_faults::{random::Random, rounds::rounds};
use serde_json::Value;

use crate::{
    program::{Machine, on_postgres, contents},
    provider::{NOTION_KEY, OTHER_TOKEN, SECRETS, TOKEN},
};
use moment::Course;

/// Returns the number of kills of a command that sends requests to a provider or writes keys. With a server, each kill
/// takes about two seconds, so there are fewer.
fn kills() -> u64 {
    if on_postgres() { rounds(4, 24) } else { rounds(6, 50) }
}

/// Returns the number of kills of a command that is one transaction and sends no request.
fn fewer() -> u64 {
    if on_postgres() { rounds(2, 8) } else { rounds(4, 20) }
}

/// The number of machines on which a command is killed at the same time.
const WORLDS: u64 = 2;
const ADD: [&str; 7] = ["add", "github", "--label", "work", "--field", "accessToken=@token", "--json"];
const REAUTHORIZE: [&str; 4] = ["reauthorize", "github", "--field", "accessToken=@next"];
const VERIFY: [&str; 3] = ["verify", "github", "--json"];
const REMOVE: [&str; 3] = ["remove", "github", "--yes"];

/// The observations about one kill.
struct Left {
    running: bool,
    done: bool,
}

/// After a killed `add`, the connection is absent, or whole and live with the provider's account. Its setup can be
/// resumed or cancelled, and the next `add` makes exactly one connection, even on a first run.
#[test]
fn an_add_that_is_killed_leaves_the_whole_connection_or_none() {
    kill("add", |random| {
        let machine = machine();
        let mut first = Course::of(&machine, &ADD, |_| wiped(&machine));
        let mut later = Course::of(&machine, &ADD, |_| drop(machine.run(&REMOVE).exits(0)));
        let one = |_| {
            let course = if random.below(2) == 1 {
                wiped(&machine);
                &mut first
            } else {
                machine.run(&REMOVE).exits(0);
                &mut later
            };
            let requests = machine.provider.seen().len();
            let killed = course.kill(random, &machine, &ADD);
            let row = looked(&machine);
            if let Some(row) = &row {
                assert!(machine.provider.seen().len() > requests, "nobody was asked, and there is {row}");
                assert_eq!(row["liveness"], "live", "{row}");
            }
            let resumed = settled(&machine, random, row.is_some(), "accessToken=@token");
            let again = machine.run(&["add", "github", "--field", "accessToken=@token"]);
            match row.is_some() || resumed {
                true => drop(again.exits(6).warns("already connected").warns("github:work")),
                false => drop(again.exits(0).says("github:octocat")),
            }
            assert!(listed(&machine).is_some());
            // The stored credential is the one that was given.
            machine.run(&VERIFY).exits(0);
            Left { running: killed.running, done: row.is_some() }
        };
        times(kills(), one)
    });
}

/// A killed `verify` leaves the row as it was before, or as a `verify` that was not killed leaves it.
#[test]
fn a_verification_that_is_killed_leaves_the_row_as_before_or_as_after() {
    kill("verify", |random| {
        let machine = machine();
        let mut before = machine.run(&ADD).exits(0).json();
        let live = before.clone();
        let mut course = Course::of(&machine, &VERIFY, |number| alternate(&machine, number));
        let failing = listed(&machine).expect("it is connected");
        assert_eq!(failing["reason"]["code"], "unauthorized", "{failing}");
        before.clone_from(&failing);
        let one = |number| {
            // The provider's answer always differs from the state of the row.
            alternate(&machine, number + 1);
            let (after, exit) = if number % 2 == 0 { (&live, 0) } else { (&failing, 4) };
            let requests = machine.provider.seen().len();
            let killed = course.kill(random, &machine, &VERIFY);
            let row = looked(&machine).expect("it is connected");
            let done = row::verified(&row, &before, after).unwrap_or_else(|error| panic!("{error}"));
            assert!(!done || machine.provider.seen().len() > requests, "nobody was asked");
            before = row::stored(&machine.run(&VERIFY).exits(exit).json()[0]);
            assert_eq!(row::untimed(&before), row::untimed(after));
            Left { running: killed.running, done }
        };
        times(kills(), one)
    });
}

/// A killed `reauthorize` leaves the old credential or the new one, and a whole row that matches it. Its setup can be
/// resumed or cancelled, and the next `reauthorize` stores the new credential.
#[test]
fn a_reauthorization_that_is_killed_leaves_the_old_credential_or_the_new_one() {
    kill("reauthorize", |random| {
        let machine = machine();
        let first = machine.run(&ADD).exits(0).json();
        let mut course = Course::of(&machine, &REAUTHORIZE, |_| _ = next(&machine));
        let one = |_| {
            let (old, new) = next(&machine);
            let killed = course.kill(random, &machine, &REAUTHORIZE);
            let row = looked(&machine).expect("it is connected");
            assert_eq!((&row["id"], &row["label"], &row["liveness"]), (&first["id"], &first["label"], &"live".into()));
            let used = used(&machine);
            assert!(used == old || used == new, "neither the old nor the new");
            let done = used == new;
            let resumed = settled(&machine, random, done, "accessToken=@next");
            if !done && !resumed {
                assert_eq!(self::used(&machine), old);
                machine.run(&REAUTHORIZE).exits(0).says("Reauthorized octocat (github:work) · live");
            }
            assert_eq!(self::used(&machine), new);
            machine.run(&VERIFY).exits(0);
            Left { running: killed.running, done }
        };
        times(kills(), one)
    });
}

/// Writes the token that is not in use into the file that a re-authorization reads. Returns the token in use, and the
/// written one.
fn next(machine: &Machine) -> (&'static str, &'static str) {
    let tokens = if used(machine) == TOKEN { (TOKEN, OTHER_TOKEN) } else { (OTHER_TOKEN, TOKEN) };
    machine.write("next", tokens.1.as_bytes());
    tokens
}

/// Returns the token with which the connection sends requests.
#[track_caller]
fn used(machine: &Machine) -> &'static str {
    machine.run(&["send", "github", "GET", "/user"]).exits(0);
    let seen = machine.provider.seen();
    let authorization = seen.last().and_then(|seen| seen.headers.get("authorization")).expect("a credential");
    let token = [TOKEN, OTHER_TOKEN].into_iter().find(|token| *authorization == format!("Bearer {token}"));
    token.expect("one of the two")
}

/// A killed `remove` leaves the whole row, which can be removed, or nothing. Another connection is not changed.
#[test]
fn a_removal_that_is_killed_leaves_the_whole_row_or_none() {
    kill("remove", |random| {
        let machine = machine();
        machine.write("key", NOTION_KEY.as_bytes());
        machine.run(&["add", "notion", "--field", "apiKey=@key"]).exits(0);
        let other = machine.run(&["list", "--json"]).exits(0).json();
        let mut course = Course::of(&machine, &REMOVE, |_| drop(machine.run(&ADD).exits(0)));
        let one = |_| {
            let before = machine.run(&ADD).exits(0).json();
            let requests = machine.provider.seen().len();
            let killed = course.kill(random, &machine, &REMOVE);
            let left = looked(&machine);
            assert_eq!(machine.provider.seen().len(), requests, "these kinds have nothing to give back");
            if let Some(left) = &left {
                assert_eq!(*left, before);
                // The credential was not removed either.
                machine.run(&VERIFY).exits(0);
            }
            machine.run(&REMOVE).exits(if left.is_some() { 0 } else { 5 });
            assert_eq!(machine.run(&["list", "--json"]).exits(0).json(), other);
            Left { running: killed.running, done: left.is_none() }
        };
        times(kills(), one)
    });
}

/// Repeats the kill until this number of kills on all machines has found the command running, and at most eight times
/// as often. A machine with much else to do kills more often too late.
fn times(kills: u64, one: impl FnMut(u64) -> Left) -> Vec<Left> {
    let wanted = kills / WORLDS;
    let mut running = 0;
    let mut left = Vec::new();
    for result in (0..8 * wanted).map(one) {
        running += u64::from(result.running);
        left.push(result);
        if running == wanted {
            break;
        }
    }
    left
}

/// Kills a command on several machines at the same time. Fails if almost all kills came too late, because the test then
/// shows nothing.
fn kill(command: &str, world: fn(&mut Random) -> Vec<Left>) {
    let left: Vec<Left> = std::thread::scope(|scope| {
        let worlds: Vec<_> = (0..WORLDS).map(|seed| scope.spawn(move || world(&mut Random::new(seed)))).collect();
        worlds.into_iter().flat_map(|world| world.join().expect("what failed was told above")).collect()
    });
    let count = |so: fn(&Left) -> bool| left.iter().filter(|left| so(left)).count();
    let running = count(|left| left.running);
    let done = count(|left| left.running && left.done);
    let summary = format!("killed `{command}` {} times: {running} found it running, {done} of them done", left.len());
    // Write to standard error directly, past the test harness, because the counts say how much the test has shown.
    std::io::stderr().write_all(format!("{summary}\n").as_bytes()).expect("standard error takes it");
    assert!(enough(running), "{summary}");
}

fn enough(running: usize) -> bool {
    running as u64 >= fewer()
}

#[test]
fn kills_that_come_too_late_show_nothing() {
    let least = usize::try_from(fewer()).expect("a small number");
    assert!(enough(least) && !enough(least - 1));
}

fn machine() -> Machine {
    let machine = Machine::new();
    machine.write("token", TOKEN.as_bytes());
    // The first start of a program is slower than later ones.
    machine.run(&["kinds"]).exits(0);
    machine
}

/// Removes all data of the machine.
fn wiped(machine: &Machine) {
    machine.wipe();
}

/// Lets the provider refuse and accept the credential in turn.
fn alternate(machine: &Machine, number: u64) {
    let refusal = (401, "content-type: application/json\r\n", r#"{"message":"Bad credentials"}"#);
    match number % 2 {
        0 => machine.provider.tell(refusal.0, refusal.1, refusal.2),
        _ => machine.provider.behave(),
    }
}

/// Checks the state after a kill: `doctor` finds no problem, no file holds a secret, and the GitHub row is whole if it
/// exists.
#[track_caller]
fn looked(machine: &Machine) -> Option<Value> {
    for (path, bytes) in contents(&machine.data()) {
        let found = SECRETS.iter().any(|secret| bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));
        assert!(!found, "{} holds a secret", path.display());
    }
    let row = listed(machine);
    // `doctor` reports a connection that does not work, also by its exit code.
    let is_working = row.as_ref().is_none_or(|row| row["liveness"] != "failing");
    machine.run(&["doctor"]).exits(if is_working { 0 } else { 4 });
    row
}

#[track_caller]
fn listed(machine: &Machine) -> Option<Value> {
    let mut rows = machine.run(&["list", "--json"]).exits(0).json().as_array().expect("an array").clone();
    rows.retain(|row| row["kind"] != "notion");
    assert!(rows.len() < 2, "more than one: {rows:?}");
    let row = rows.pop()?;
    row::whole(&row).unwrap_or_else(|error| panic!("{error}"));
    Some(row)
}

/// Resumes or cancels the setup that a kill left open, at random. Returns `true` if the setup was resumed and made a
/// connection. A setup that has ended leaves no session open.
fn settled(machine: &Machine, random: &mut Random, done: bool, field: &str) -> bool {
    let setups = machine.run(&["setup", "list", "--json"]).exits(0).json();
    let setups = setups.as_array().expect("an array");
    assert!(setups.len() < if done { 1 } else { 2 }, "done: {done}, and open are {setups:?}");
    let Some(setup) = setups.first() else { return false };
    row::shape(setup, "setup").unwrap_or_else(|error| panic!("{error}"));
    let id = setup["id"].as_str().expect("an id");
    if random.below(2) == 1 {
        machine.run(&["setup", "cancel", id]).exits(0);
        return false;
    }
    let row = machine.run(&["setup", "resume", id, "--field", field, "--json"]).exits(0).json();
    row::whole(&row).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((&row["label"], &row["liveness"]), (&"work".into(), &"live".into()));
    true
}
