//! The moment of a kill, drawn from a seed over the course of an undisturbed run. No expectation depends on the speed
//! of the machine; a kill that comes too late is counted as such.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use connection_faults::random::Random;

use crate::program::Machine;

const SIGKILL: i32 = 9;

/// The course of a command that is not killed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    span: Duration,
    /// The maximum length of its write-ahead log, in bytes.
    written: u64,
    asks: bool,
}

impl Course {
    /// Runs the command to its end three times and takes the shortest course, so that most kills find the command
    /// running.
    pub(super) fn of(machine: &Machine, arguments: &[&str], mut prepare: impl FnMut(u64)) -> Self {
        let runs = (0..3).map(|number| {
            prepare(number);
            Self::run(machine, arguments)
        });
        runs.min_by_key(|course| course.span).unwrap()
    }

    fn run(machine: &Machine, arguments: &[&str]) -> Self {
        let requests = machine.provider.seen().len();
        let mut child = start(machine, arguments);
        let begun = now();
        let mut written = 0;
        while child.try_wait().unwrap().is_none() {
            written = written.max(log_size(machine));
            pause();
        }
        Self { span: now() - begun, written, asks: machine.provider.seen().len() > requests }
    }

    /// Starts the command and kills it at a random moment. If a kill comes too late, the later ones are earlier.
    pub(super) fn kill(&mut self, random: &mut Random, machine: &Machine, arguments: &[&str]) -> Killed {
        let killed = Moment::draw(random, self).kill(machine, arguments);
        if !killed.running {
            self.span = self.span * 7 / 8;
            self.written = self.written * 7 / 8;
        }
        killed
    }
}

/// The moment at which the command is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// This long after the start of the command.
    After(Duration),
    /// This long after the provider received the request, which it answers.
    Answered(Duration),
    /// While the provider has received the request and does not answer.
    Asked,
    /// This long after the write-ahead log has reached this number of bytes.
    Written(u64, Duration),
}

impl Moment {
    /// Draws a moment: half of them by time alone, half by the progress of the run.
    fn draw(random: &mut Random, course: &Course) -> Self {
        let drawn = random.below(8);
        match drawn {
            0..4 => Self::After(up_to(random, course.span)),
            4 if course.asks => Self::Asked,
            5 if course.asks => Self::Answered(up_to(random, course.span / 4)),
            // A database server writes its log elsewhere.
            _ if course.written == 0 => Self::After(up_to(random, course.span)),
            _ => {
                // The important writes are at the end, so half of these moments are in the second half of the log.
                let earliest = if drawn.is_multiple_of(2) { 1 } else { course.written / 2 };
                let size = earliest + random.below(course.written.saturating_sub(earliest) + 1);
                Self::Written(size, up_to(random, course.span / 64))
            }
        }
    }

    fn kill(self, machine: &Machine, arguments: &[&str]) -> Killed {
        let requests = machine.provider.seen().len();
        let silence = matches!(self, Self::Asked).then(|| machine.provider.fall_silent());
        let mut child = start(machine, arguments);
        match self {
            Self::After(time) => std::thread::sleep(time),
            Self::Answered(time) => {
                wait(&mut child, || machine.provider.seen().len() > requests);
                std::thread::sleep(time);
            }
            Self::Asked => wait(&mut child, || silence.as_ref().is_some_and(|silence| silence.try_recv().is_ok())),
            Self::Written(size, time) => {
                wait(&mut child, || log_size(machine) >= size);
                std::thread::sleep(time);
            }
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        machine.provider.speak();
        machine.deserted();
        // A process that ended by itself has another status.
        Killed { moment: self, running: status.signal() == Some(SIGKILL) }
    }
}

/// A run that was killed. If the test fails, it prints the moment of the kill.
pub(super) struct Killed {
    moment: Moment,
    /// `true` if the kill found the process running.
    pub(super) running: bool,
}

impl Drop for Killed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            writeln!(std::io::stderr(), "killed at {:?}; running: {}", self.moment, self.running).ok();
        }
    }
}

fn up_to(random: &mut Random, longest: Duration) -> Duration {
    let micros = u64::try_from(longest.as_micros()).unwrap();
    Duration::from_micros(random.below(micros + 1))
}

fn start(machine: &Machine, arguments: &[&str]) -> Child {
    let mut command: Command = machine.command();
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until the condition holds or the program has ended.
fn wait(child: &mut Child, so: impl Fn() -> bool) {
    while !so() && child.try_wait().unwrap().is_none() {
        pause();
    }
}

fn log_size(machine: &Machine) -> u64 {
    let log = machine.data().join("store").join("connections.db-wal");
    log.metadata().map_or(0, |metadata| metadata.len())
}

fn pause() {
    std::thread::sleep(Duration::from_micros(50));
}

#[expect(clippy::disallowed_methods, reason = "moments to kill at are drawn over what a run takes here")]
fn now() -> Instant {
    Instant::now()
}
