//! Kills the program (SIGKILL) at seeded moments: what is found later is as before or as after, and whole.
//!
//! The moments are drawn from the time that the same command takes when nobody kills it. A run that had ended before its
//! moment came shows nothing, so half of them must have been found running.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{
    io::Read as _,
    os::unix::process::ExitStatusExt as _,
    process::Stdio,
    sync::mpsc::channel,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    program::{Machine, contents},
    provider::{SECRETS, TOKEN},
};

const ROUNDS: u64 = 50;
/// Runs that nobody kills, to learn how long one takes.
const CALM: u64 = 3;
const SEED: u64 = 0x5eed_0000_0000_0002;

#[test]
fn an_add_that_is_killed_leaves_a_whole_connection_or_none_and_its_setup_goes_on() {
    let machine = Machine::new();
    let field = token(&machine);
    let mut kills = Kills::new(1);
    for round in 0..CALM + ROUNDS {
        let (label, asked) = (format!("round-{round}"), machine.provider.seen().len());
        kills.run(&machine, round, &["add", "github", "--label", &label, "--field", &field]);
        let rows = rows(&machine);
        let setups = machine.run(&["setup", "list", "--json"]).exits(0).json();
        let setups = setups.as_array().unwrap();
        assert!(rows.len() + setups.len() <= 1, "round {round}: both {rows:?} and {setups:?}");
        if let [setup] = setups.as_slice() {
            let id = setup["id"].as_str().unwrap();
            match round % 2 {
                0 => machine.run(&["setup", "cancel", id]).exits(0),
                _ => machine.run(&["setup", "resume", id, "--field", &field]).exits(0).says(&label),
            };
        }
        if let [row] = rows.as_slice() {
            assert!(machine.provider.seen().len() > asked, "round {round}: connected, and nobody was asked");
            assert_eq!((row["label"].as_str(), row["liveness"].as_str()), (Some(label.as_str()), Some("live")));
            assert_eq!(row["account"]["label"], "octocat");
        }
        if !self::rows(&machine).is_empty() {
            machine.run(&["verify", "github"]).exits(0);
            machine.run(&["remove", "github", "--yes"]).exits(0);
        }
    }
    kills.judge();
}

#[test]
fn a_verify_that_is_killed_leaves_what_was_known_or_what_the_provider_said() {
    let machine = Machine::new();
    let field = token(&machine);
    machine.run(&["add", "github", "--field", &field]).exits(0);
    let mut known = "live".to_owned();
    let mut kills = Kills::new(2);
    for round in 0..CALM + ROUNDS {
        let said = if round % 2 == 0 { "failing" } else { "live" };
        match said {
            "live" => machine.provider.behave(),
            _ => machine.provider.tell(401, "", r#"{"message":"Bad credentials"}"#),
        }
        let asked = machine.provider.seen().len();
        kills.run(&machine, round, &["verify", "--all"]);
        let rows = rows(&machine);
        let [row] = rows.as_slice() else { panic!("round {round}: {rows:?}") };
        let found = row["liveness"].as_str().unwrap();
        if found != known {
            assert_eq!(found, said, "round {round}");
            assert!(machine.provider.seen().len() > asked, "round {round}: nobody was asked");
        }
        assert_eq!(row["reason"].is_null(), found == "live", "round {round}: {row}");
        found.clone_into(&mut known);
    }
    kills.judge();
    machine.provider.behave();
    machine.run(&["verify", "--all"]).exits(0);
}

#[test]
fn a_remove_that_is_killed_leaves_a_whole_connection_or_none() {
    let machine = Machine::new();
    let field = token(&machine);
    let mut kills = Kills::new(3);
    for round in 0..CALM + ROUNDS {
        if rows(&machine).is_empty() {
            machine.run(&["add", "github", "--field", &field]).exits(0);
        }
        kills.run(&machine, round, &["remove", "github", "--yes"]);
        match rows(&machine).as_slice() {
            [] => {}
            [_] => drop(machine.run(&["verify", "github"]).exits(0)),
            several => panic!("round {round}: {several:?}"),
        }
    }
    kills.judge();
}

fn token(machine: &Machine) -> String {
    format!("accessToken=@{}", machine.write("token", TOKEN.as_bytes()))
}

/// What is listed, on a machine that the doctor finds whole and where no file holds a secret.
#[track_caller]
fn rows(machine: &Machine) -> Vec<Value> {
    machine.run(&["doctor"]).exits(0);
    for (path, bytes) in contents(&machine.data()) {
        let found = SECRETS.iter().any(|secret| bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));
        assert!(!found, "{} holds a secret", path.display());
    }
    machine.run(&["list", "--json"]).exits(0).json().as_array().unwrap().clone()
}

/// The kills of one test.
struct Kills {
    random: u64,
    shortest: Duration,
    running: u64,
}

impl Kills {
    fn new(stream: u64) -> Self {
        Self { random: SEED ^ stream, shortest: Duration::MAX, running: 0 }
    }

    /// Runs the command, and kills it unless it is one of the calm rounds.
    fn run(&mut self, machine: &Machine, round: u64, arguments: &[&str]) {
        let mut command = machine.command();
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        #[expect(clippy::disallowed_methods, reason = "it measures the program, and decides nothing")]
        let begun = Instant::now();
        let (ended, end) = channel();
        let mut output = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            output.read_to_end(&mut Vec::new()).ok();
            ended.send(()).ok();
        });
        if round < CALM {
            let code = child.wait().unwrap().code();
            assert!(matches!(code, Some(0 | 4)), "{arguments:?} ends with {code:?}");
            self.shortest = self.shortest.min(begun.elapsed());
        } else {
            // The first third is the start of a program, in which nothing happens yet that could be half done.
            let moment = self.shortest.mul_f64(0.3 + 0.7 * self.part());
            // The end of the program, or its moment. One that was faster than any before moves the moments to come.
            if end.recv_timeout(moment).is_ok() {
                self.shortest = self.shortest.min(begun.elapsed());
            }
            child.kill().unwrap();
            if child.wait().unwrap().signal() == Some(9) {
                self.running += 1;
            }
        }
        reader.join().unwrap();
    }

    /// From 0 to 1 (Vigna's splitmix64).
    fn part(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap()) / f64::from(u32::MAX)
    }

    fn judge(&self) {
        assert!(self.running * 2 >= ROUNDS, "{} of {ROUNDS} kills found the program running", self.running);
    }
}
