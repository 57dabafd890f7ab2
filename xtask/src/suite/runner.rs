//! A runner for tests in parallel, each in its own process and with a deadline.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::process;
use crate::suite::binaries::Test;

/// Number of finished tests after which the runner reports its progress.
const SAYS: usize = 250;

/// A test that has ended.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) title: String,
    pub(super) took: Duration,
    /// The reason why it failed, if it did.
    pub(super) failure: Option<String>,
}

/// Runs tests in parallel, with the same deadline and environment for each.
#[derive(Debug)]
pub(super) struct Runner {
    deadline: Duration,
    variables: Vec<(&'static str, String)>,
    workers: usize,
    /// Hides the output of tests that pass.
    skips_quietly: bool,
}

impl Runner {
    /// Creates a runner that ends each test at this deadline.
    pub(super) fn new(deadline: Duration) -> Self {
        // Most tests wait for a disk, a server or another process, so three tests run for each core.
        let workers = 3 * thread::available_parallelism().map_or(1, usize::from);
        Self { deadline, variables: Vec::new(), workers, skips_quietly: false }
    }

    /// Sets a variable in the environment of all later tests.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.variables.push((name, value.into()));
    }

    /// Lets tests skip what this machine lacks without a notice, even in continuous integration.
    pub(super) fn skip_quietly(&mut self) {
        self.skips_quietly = true;
    }

    /// Runs the tests, the known slow ones first, and prints the output of those that fail.
    pub(super) fn run(&self, mut tests: Vec<Test>) -> (Duration, Vec<Done>) {
        let start = Instant::now();
        let count = tests.len();
        println!("{count} tests, {} side by side", self.workers);
        // The workers take tests from the end of the list.
        tests.sort_by_key(|test| test.is_named(&super::NOT_QUICK));
        let waiting = Mutex::new(tests);
        let done = Mutex::new(Vec::with_capacity(count));
        thread::scope(|scope| {
            for _ in 0..self.workers {
                scope.spawn(|| {
                    loop {
                        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
                        let Some(test) = next else { break };
                        let ended = self.one(&test);
                        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                        done.push(ended);
                        if done.len().is_multiple_of(SAYS) {
                            println!("{} of {count} tests", done.len());
                        }
                    }
                });
            }
        });
        (start.elapsed(), done.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn one(&self, test: &Test) -> Done {
        let mut command = test.command();
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if self.skips_quietly {
            command.env_remove("CI");
        }
        let start = Instant::now();
        let ended = run(&mut command, self.deadline);
        let took = start.elapsed();
        let title = test.title();
        let (failure, output, aside) = match ended {
            Ok(ended) => ended,
            Err(error) => (Some(format!("cannot run it: {error}")), String::new(), String::new()),
        };
        // Tests that pass use standard error for results that a person should see, such as the number of kills.
        let shown = match &failure {
            Some(why) => format!("\nFAILED {title}: {why}\n{output}{aside}\n"),
            None if self.skips_quietly => String::new(),
            None => aside,
        };
        std::io::stdout().lock().write_all(shown.as_bytes()).unwrap_or_default();
        Done { title, took, failure }
    }
}

type TestResult = (Option<String>, String, String);

/// Runs a command to its end or to the deadline. Returns the reason of a failure, its standard output and its
/// standard error.
fn run(command: &mut Command, deadline: Duration) -> std::io::Result<TestResult> {
    // The output goes to files, because a program that outlives its test would keep a pipe open.
    let mut output = tempfile::tempfile()?;
    let mut aside = tempfile::tempfile()?;
    command.stdout(Stdio::from(output.try_clone()?)).stderr(Stdio::from(aside.try_clone()?));
    let mut child = process::spawn(command)?;
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    let failure = loop {
        if let Some(status) = child.try_wait()? {
            break (!status.success()).then(|| format!("{status}"));
        }
        if start.elapsed() > deadline {
            process::end(&mut child);
            break Some(format!("it did not finish within {} seconds", deadline.as_secs()));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    Ok((failure, read(&mut output)?, read(&mut aside)?))
}

fn read(file: &mut File) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
