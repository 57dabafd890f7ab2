//! When a run is killed: drawn from a seed over what an undisturbed run was seen to do. No expectation depends on how
//! fast this machine is; a kill that comes too late is counted as such.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::program::Machine;

const SIGKILL: i32 = 9;

/// The course of a command that nobody stops.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    span: Duration,
    /// The maximum length of its write-ahead log, in bytes.
    written: u64,
    asks: bool,
}

impl Course {
    /// Runs it to its end, three times, and takes the shortest: most kills are to find it running.
    pub(super) fn of(machine: &Machine, arguments: &[&str], mut prepare: impl FnMut(u64)) -> Self {
        let runs = (0..3).map(|number| {
            prepare(number);
            Self::run(machine, arguments)
        });
        runs.min_by_key(|course| course.span).unwrap()
    }

    fn run(machine: &Machine, arguments: &[&str]) -> Self {
        let asked = machine.provider.seen().len();
        let mut child = start(machine, arguments);
        let begun = now();
        let mut written = 0;
        while child.try_wait().unwrap().is_none() {
            written = written.max(log_size(machine));
            pause();
        }
        Self { span: now() - begun, written, asks: machine.provider.seen().len() > asked }
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
    /// So long after the start.
    After(Duration),
    /// So long after the provider got the request, which it answers.
    Answered(Duration),
    /// The provider has the request in hand and says nothing.
    Asked,
    /// This long after the write-ahead log has reached this number of bytes.
    Written(u64, Duration),
}

impl Moment {
    /// Half of them by time alone, half by what the run does.
    fn draw(random: &mut Random, course: &Course) -> Self {
        let drawn = random.below(8);
        match drawn {
            0..4 => Self::After(random.up_to(course.span)),
            4 if course.asks => Self::Asked,
            5 if course.asks => Self::Answered(random.up_to(course.span / 4)),
            // A server has its log elsewhere.
            _ if course.written == 0 => Self::After(random.up_to(course.span)),
            _ => {
                // Towards the end it writes what matters, so half of these are there.
                let earliest = if drawn.is_multiple_of(2) { 1 } else { course.written / 2 };
                let size = earliest + random.below(course.written.saturating_sub(earliest) + 1);
                Self::Written(size, random.up_to(course.span / 64))
            }
        }
    }

    fn kill(self, machine: &Machine, arguments: &[&str]) -> Killed {
        let asked = machine.provider.seen().len();
        let silence = matches!(self, Self::Asked).then(|| machine.provider.fall_silent());
        let mut child = start(machine, arguments);
        match self {
            Self::After(time) => std::thread::sleep(time),
            Self::Answered(time) => {
                wait(&mut child, || machine.provider.seen().len() > asked);
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
        // One that had ended by itself has its own status.
        Killed { moment: self, running: status.signal() == Some(SIGKILL) }
    }
}

/// A run that was killed; says when, if what it left is not as it should be.
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

/// Numbers that are the same in each run of these tests (SplitMix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub(super) fn coin(&mut self) -> bool {
        self.below(2) == 1
    }

    fn up_to(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap();
        Duration::from_micros(self.below(micros + 1))
    }
}

fn start(machine: &Machine, arguments: &[&str]) -> Child {
    let mut command: Command = machine.command();
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Until it is so, or the program has ended.
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
