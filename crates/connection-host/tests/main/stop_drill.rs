//! Several processes use one account whose access tokens live for two seconds, and are ended at random moments by SIGTERM,
//! SIGHUP and SIGKILL. No answer is lost, and no refresh token is sent twice.
//!
//! `CONNECTIONS_TEST_LONG=1 cargo test -p connection-host --test main stop_drill` prints the counts of the long form.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use connection_faults::{random::Random, rounds::rounds};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    program::Machine,
    refresh::run,
    rotating::{NAME, Rotating, message},
    serve::until,
};

/// The number of processes.
const PROCESSES: usize = 4;
/// The time until the provider answers a refresh.
const LATE: Duration = Duration::from_millis(200);
/// The signals in turn, each with the exit status after it. A process that is killed has none.
const SIGNALS: [(Signal, Option<i32>); 3] = [(Signal::TERM, Some(143)), (Signal::HUP, Some(129)), (Signal::KILL, None)];

/// The processes and what is known of their calls.
struct Drill {
    // The processes end before their machine is removed.
    processes: Vec<Mutex<Process>>,
    machine: Machine,
    provider: Rotating,
    is_over: AtomicBool,
    counts: Mutex<Counts>,
}

struct Counts {
    answered: usize,
    last_answer: Instant,
    longest_silence: Duration,
    /// The number of times that a person had to sign in again.
    lost: usize,
}

/// A proxy, which a client uses over its standard streams.
struct Process {
    child: Child,
    /// The streams, unless the client has them.
    streams: Option<(ChildStdin, BufReader<ChildStdout>)>,
    /// `true` once a call was answered, so that the process catches signals.
    is_used: bool,
}

impl Process {
    fn start(machine: &Machine) -> Self {
        let mut command = machine.example("renewing");
        command.args(["mcp", "proxy", NAME]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let streams = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, streams: Some(streams), is_used: false }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended already.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

#[expect(clippy::disallowed_methods, reason = "how long processes get no answer is measured in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Ends the calls, also if the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Drill {
    fn new() -> Self {
        let (provider, machine) = Rotating::connected();
        provider.be_late(LATE);
        let processes = (0..PROCESSES).map(|_| Mutex::new(Process::start(&machine))).collect();
        let counts = Counts { answered: 0, last_answer: now(), longest_silence: Duration::ZERO, lost: 0 };
        Self { processes, machine, provider, is_over: AtomicBool::new(false), counts: Mutex::new(counts) }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Calls the server through one process after another, each until it ends.
    fn call(&self, place: &Mutex<Process>) {
        while !self.is_over() {
            let (mut input, mut output) = place.lock().unwrap().streams.take().unwrap();
            while !self.is_over() {
                let mut line = String::new();
                let sent = writeln!(input, "{}", message());
                if sent.is_err() || output.read_line(&mut line).unwrap_or_default() == 0 {
                    break;
                }
                self.answered(&line);
                place.lock().unwrap().is_used = true;
                thread::park_timeout(Duration::from_millis(50));
            }
            // The lock is free once the process has ended.
            let mut process = place.lock().unwrap();
            *process = Process::start(&self.machine);
        }
    }

    /// Counts an answer. After one that says that a refresh has no clear end, a person signs in again.
    fn answered(&self, line: &str) {
        // A line that a kill has cut off is no answer.
        let Ok(answer) = serde_json::from_str::<Value>(line) else { return };
        let mut counts = self.counts.lock().unwrap();
        if answer["error"].is_null() {
            counts.longest_silence = counts.longest_silence.max(counts.last_answer.elapsed());
            counts.answered += 1;
            counts.last_answer = now();
            return;
        }
        let code = &answer["error"]["data"]["code"];
        // A process that is being stopped refuses what a client still asks for.
        if code != "not_renewed" || self.reason() != "refresh_outcome_unknown" {
            return;
        }
        counts.lost += 1;
        let input = self.provider.sign_in(&self.machine);
        run(&self.machine, &["reauthorize", NAME, "--input", &input]).exits(0);
        run(&self.machine, &["refresh", NAME]).exits(0);
    }

    /// Returns the reason that the connection has now.
    fn reason(&self) -> String {
        let shown = run(&self.machine, &["show", NAME, "--json"]).exits(0).json();
        shown["reason"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Ends a process at a random moment, and waits until the token was renewed twice after it.
    fn kill(&self, random: &mut Random, signal: Signal, exit: Option<i32>) {
        let place = &self.processes[usize::try_from(random.below(PROCESSES as u64)).unwrap()];
        until("the process is used", || place.lock().unwrap().is_used);
        let asked = self.provider.asked();
        if random.below(2) == 0 {
            self.provider.until_asked(asked);
            pause(random, LATE);
        } else {
            pause(random, Duration::from_secs(2));
        }
        {
            let mut process = place.lock().unwrap();
            process.is_used = false;
            kill_process(Pid::from_child(&process.child), signal).unwrap();
            let status = process.child.wait().unwrap();
            assert!(exit.is_none() || status.code() == exit, "{signal:?}: {status}");
        }
        // The provider may have taken a request of the process that was killed after this look.
        let rotated = self.provider.rotated();
        until("the token is renewed again", || self.provider.rotated() > rotated + 1);
    }
}

/// Waits for a random time.
fn pause(random: &mut Random, longest: Duration) {
    let longest = u64::try_from(longest.as_millis()).unwrap();
    thread::sleep(Duration::from_millis(random.below(longest + 1)));
}

#[test]
fn no_answer_is_lost_to_a_signal_and_no_token_is_spent_twice() {
    let kills = rounds(6, 120);
    let drill = &Drill::new();
    let mut random = Random::new(56);
    thread::scope(|scope| {
        let _end = End(&drill.is_over);
        for place in &drill.processes {
            scope.spawn(move || drill.call(place));
        }
        SIGNALS.into_iter().cycle().take(kills).for_each(|(signal, exit)| drill.kill(&mut random, signal, exit));
    });
    let counts = drill.counts.lock().unwrap();
    let summary = format!(
        "{kills} kills of {PROCESSES} processes, {} calls answered, {} refreshes: {} answers lost, {} tokens spent twice, \
         longest silence {:.1} s",
        counts.answered,
        drill.provider.rotated(),
        counts.lost,
        drill.provider.spent_twice(),
        counts.longest_silence.as_secs_f64(),
    );
    // Past the test harness, because the counts say how much the test has shown.
    std::io::stderr().write_all(format!("{summary}\n").as_bytes()).unwrap();
    assert_eq!((counts.lost, drill.provider.spent_twice()), (0, 0), "{summary}");
    assert!(counts.answered > kills, "{summary}");
}
