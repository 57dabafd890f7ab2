//! Runs blocks as a person at a new machine would.
//!
//! The commands see nothing of the real machine except for the programs on its path, which come after the scripts
//! that replace local tools. They have their own home directory, environment and terminal.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::failure::Failure;
use crate::readme::blocks::{Block, Step, Venue, World, question};
use crate::readme::commands::{self, Plan};
use crate::readme::expected;
use crate::readme::provider::Provider;
#[cfg(unix)]
use crate::readme::terminal;
use crate::readme::tools;

/// Time limit for a block. No command of a document waits for long.
const MAX_DURATION: Duration = Duration::from_secs(120);

/// A line that separates the outputs of two commands.
const BETWEEN: &str = "-- end of command 7f3a9c51 --";

/// The input and output of a session's commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The input is empty, and the output goes into pipes.
    Pipes,
    /// The commands run at a terminal at which all lines were pasted.
    Terminal,
}

/// A home directory that is empty at the start, and the providers on this machine.
#[derive(Debug)]
pub(crate) struct Session {
    directory: TempDir,
    provider: Provider,
    path: std::ffi::OsString,
    /// The address of a PostgreSQL database. Without it, the program creates its SQLite file.
    database: Option<String>,
    place: Place,
}

impl Session {
    /// Makes the home directory and starts the providers.
    pub(crate) fn start(programs: &Path, database: Option<String>, place: Place) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("cannot prepare a home for the documents: {error}"));
        let directory = tempfile::tempdir().map_err(failed)?;
        for name in ["desk", "home", "temporary"] {
            fs::create_dir(directory.path().join(name)).map_err(failed)?;
        }
        let own = directory.path().join("tools");
        tools::install(&own).map_err(failed)?;
        let provider = Provider::start().map_err(failed)?;
        // The configuration is in a directory of its own, because no connection may read its directory.
        let settings = directory.path().join("settings");
        fs::create_dir_all(&settings).map_err(failed)?;
        fs::write(settings.join("provider.toml"), provider.configuration()).map_err(failed)?;
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let entries = [programs.to_owned(), own].into_iter().chain(std::env::split_paths(&inherited));
        let path = std::env::join_paths(entries).map_err(|error| Failure::new(format!("the search path: {error}")))?;
        Ok(Self { directory, provider, path, database, place })
    }

    /// Runs a block and returns the number of commands that ran.
    pub(crate) fn run(&self, block: &Block, mut say: impl FnMut(String)) -> Result<usize, Failure> {
        match block.venue {
            Venue::Everywhere => {}
            Venue::Terminal if self.place == Place::Terminal => {}
            Venue::Terminal => return Ok(0),
            Venue::Elsewhere => return skip(block, say),
        }
        let mut script = "exec 2>&1\n".to_owned();
        let mut steps = Vec::new();
        for step in &block.steps {
            match commands::plan(&step.command) {
                Plan::Run(command) => {
                    say(format!("{}: $ {}", step.line, step.command));
                    script.push_str(&format!("{command}\nprintf '\\n%s\\n' '{BETWEEN}'\n"));
                    steps.push(step);
                }
                Plan::Skip(reason) => say(format!("{}: not run here: {} ({reason})", step.line, step.command)),
                Plan::Unknown => {
                    return Err(Failure::new(format!("{}: there is no rule to run `{}`", step.line, step.command)));
                }
            }
        }
        if let Some(first) = steps.first() {
            let said = match self.place {
                Place::Pipes => self.shell(block.world, &script),
                Place::Terminal => self.terminal(block.world, &script, &self.answers(&steps)?),
            };
            let said = said.map_err(|failure| at(first, &failure.to_string()))?;
            compare(&steps, &said)?;
        }
        Ok(steps.len())
    }

    /// Runs a script to its end or to its first command that fails, and returns its output.
    fn shell(&self, world: World, script: &str) -> Result<String, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("cannot run `sh`: {error}"));
        let mut child = self.command(world, script).spawn().map_err(failed)?;
        let Some(mut stdout) = child.stdout.take() else {
            return Err(Failure::new("`sh` has no output"));
        };
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.read_to_end(&mut bytes).map(|_| bytes);
            // After the time limit the receiver is gone, so an error is ignored.
            let _ignored = sender.send(read);
        });
        let Ok(read) = receiver.recv_timeout(MAX_DURATION) else {
            child.kill().map_err(failed)?;
            child.wait().map_err(failed)?;
            return Err(Failure::new(format!("the block did not end within {} seconds", MAX_DURATION.as_secs())));
        };
        // A command that failed is recognized by the missing output after it.
        child.wait().map_err(failed)?;
        Ok(String::from_utf8_lossy(&read.map_err(failed)?).into_owned())
    }

    /// Runs a script like `shell`, but at a terminal.
    #[cfg(unix)]
    fn terminal(&self, world: World, script: &str, answers: &[(String, String)]) -> Result<String, Failure> {
        terminal::run(|script| self.command(world, script), script, answers, MAX_DURATION, BETWEEN)
    }

    /// Runs the script with pipes, because this platform has no terminal for it.
    #[cfg(not(unix))]
    fn terminal(&self, world: World, script: &str, _: &[(String, String)]) -> Result<String, Failure> {
        self.shell(world, script)
    }

    /// Returns the questions and the answers that a person types. `(GITHUB_TOKEN, not shown)` stands for the
    /// credential with that name.
    fn answers(&self, steps: &[&Step]) -> Result<Vec<(String, String)>, Failure> {
        let credentials = self.provider.credentials();
        let mut answers = Vec::new();
        for step in steps {
            for (question, answer) in step.answers() {
                let typed = match answer.strip_prefix('(').and_then(|name| name.strip_suffix(", not shown)")) {
                    None => answer.to_owned(),
                    Some(name) => match credentials.iter().find(|(other, _)| *other == name) {
                        Some((_, value)) => value.clone(),
                        None => return Err(at(step, &format!("there is no credential `{answer}` to answer with"))),
                    },
                };
                answers.push((question.to_owned(), typed));
            }
        }
        Ok(answers)
    }

    fn command(&self, world: World, script: &str) -> Command {
        let inside = |name: &str| self.directory.path().join(name);
        let home = inside("home");
        let mut command = Command::new("sh");
        command.args(["-e", "-c", script]).current_dir(inside("desk")).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let directories: [(&str, PathBuf); 7] = [
            ("HOME", home.clone()),
            ("TMPDIR", inside("temporary")),
            ("XDG_CACHE_HOME", home.join(".cache")),
            ("XDG_CONFIG_HOME", home.join(".config")),
            ("XDG_DATA_HOME", home.join(".local/share")),
            ("XDG_RUNTIME_DIR", inside("temporary")),
            ("XDG_STATE_HOME", home.join(".local/state")),
        ];
        command.envs(directories).env("PATH", &self.path);
        command.envs([("COLUMNS", "100"), ("LANG", "C.UTF-8"), ("NO_COLOR", "1"), ("TERM", "dumb"), ("TZ", "UTC")]);
        command.envs(self.database.iter().map(|url| ("CONNECTIONS_DATABASE_URL", url)));
        if world == World::Provider {
            command
                .env("CONNECTIONS_CONFIG", inside("settings").join("provider.toml"))
                .envs(self.provider.credentials());
        }
        command
    }
}

/// Prints which checks run the commands of a block that is not run here.
fn skip(block: &Block, mut say: impl FnMut(String)) -> Result<usize, Failure> {
    for step in &block.steps {
        let Some(reason) = commands::elsewhere(&step.command) else {
            let text = format!(
                "`{}` is shown, but nothing runs it: call the block `console`, or add a rule to `SHOWN`",
                step.command
            );
            return Err(at(step, &text));
        };
        say(format!("{}: not run here: {} ({reason})", step.line, step.command));
    }
    Ok(0)
}

/// Compares the output of each command with the output in its document.
pub(crate) fn compare(steps: &[&Step], said: &str) -> Result<(), Failure> {
    let mut outputs = said.split(&format!("\n{BETWEEN}\n")).map(str::to_owned).collect::<Vec<_>>();
    // The text after the last mark is the output of the command that failed, if there is one.
    let unfinished = outputs.pop().unwrap_or_default();
    for (index, step) in steps.iter().enumerate() {
        let Some(output) = outputs.get(index) else {
            return Err(at(step, &format!("`{}` failed, and wrote:\n{}", step.command, unfinished.trim_end())));
        };
        // A terminal shows the question, and draws the answer in its own way.
        let shown =
            step.expected.iter().map(|line| question(line).map_or(line.clone(), |(text, _)| format!("? {text}")));
        let shown: Vec<String> = shown.collect();
        if !shown.is_empty() && !expected::matches(&shown, output) {
            let shown = shown.join("\n");
            return Err(at(step, &format!("`{}` should write:\n{shown}\nbut wrote:\n{output}", step.command)));
        }
    }
    Ok(())
}

fn at(step: &Step, text: &str) -> Failure {
    Failure::new(format!("{}: {text}", step.line))
}
