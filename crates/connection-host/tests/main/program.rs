//! The real binary in an environment of its own.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output, Stdio},
};

use connection_faults::postgres::Database;
use serde_json::Value;

use crate::{
    json_shapes::{may_be_absent, members_of},
    provider::{Provider, SECRETS},
};

pub(crate) use connection_faults::postgres::is_engine as on_postgres;

const CONFIG: &str = "config.toml";

/// Returns `true` if the tests write the files with which they otherwise compare something.
#[expect(clippy::disallowed_methods, reason = "the person who runs the tests decides it")]
pub(crate) fn is_recorded() -> bool {
    std::env::var_os("CONNECTIONS_TEST_RECORD").is_some()
}

/// The machine of a user: a home, a data directory, and a configuration that maps the providers' origins to a loopback
/// server.
pub(crate) struct Machine {
    home: tempfile::TempDir,
    pub(crate) provider: Provider,
    variables: Vec<(String, String)>,
    /// The database on the server of the tests. Without one, the program makes its file.
    database: Option<Database>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let mut machine = Self {
            home: tempfile::tempdir().unwrap(),
            provider: Provider::start(),
            variables: Vec::new(),
            database: on_postgres().then(Database::migrated_blocking),
        };
        if let Some(url) = machine.database.as_ref().map(Database::url) {
            machine.set("CONNECTIONS_DATABASE_URL", &url);
        }
        let origin = &machine.provider.origin;
        let origins = ["https://api.github.com", "https://api.notion.com", "https://api.twilio.com"];
        let endpoints: String = origins.iter().map(|from| format!("\"{from}\" = \"{origin}\"\n")).collect();
        machine.write("config.toml", format!("[http.endpoints]\n{endpoints}").as_bytes());
        machine
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        // The configuration has a directory of its own, because no connection reads the directory of the
        // configuration.
        if name == CONFIG { self.home.path().join("configuration").join(name) } else { self.home.path().join(name) }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Returns the address of the database, as a registry takes it.
    pub(crate) fn address(&self) -> String {
        let file = self.data().join("store").join("connections.db");
        self.database.as_ref().map_or_else(|| file.display().to_string(), Database::url)
    }

    /// Returns the state directory of this machine.
    pub(crate) fn state_directory(&self) -> PathBuf {
        match self.database {
            Some(_) => self.data().join("state"),
            None => self.data().join("store").join("connections.db.state"),
        }
    }

    /// Takes the database away from the processes that use it.
    pub(crate) fn lose_database(&self) {
        if let Some(database) = &self.database {
            database.lose_blocking();
        }
    }

    /// Deletes everything that the program has stored.
    pub(crate) fn wipe(&self) {
        // Before the first run, there is nothing to delete.
        std::fs::remove_dir_all(self.data()).ok();
        if let Some(database) = &self.database {
            database.wipe_blocking();
        }
    }

    /// Waits after a kill until the server has finished or undone what the killed run had requested.
    pub(crate) fn deserted(&self) {
        if let Some(database) = &self.database {
            database.deserted_blocking();
        }
    }

    /// Writes a file in the home, and returns its path as an argument.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // The file is private, because it may hold a secret.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path).unwrap().write_all(content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.retain(|(known, _)| known != name);
    }

    pub(crate) fn command(&self) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_connections")))
    }

    /// Returns a command for a program of the system, with the environment of our own.
    #[cfg(unix)]
    pub(crate) fn command_of_system(&self, name: &str) -> Command {
        self.command_of(Path::new(name))
    }

    fn command_of(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.home.path()).current_dir(self.home.path());
        command.env("CONNECTIONS_DATA_DIR", self.data()).env("CONNECTIONS_CONFIG", self.path("config.toml"));
        command.envs(self.variables.iter().cloned()).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end, with nothing on standard input.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(arguments, self.command().args(arguments).output().unwrap())
    }

    /// Replaces the configuration file.
    pub(crate) fn configure(&self, text: &str) {
        self.write("config.toml", text.as_bytes());
    }

    /// Runs an example of this package to its end.
    pub(crate) fn run_example(&self, name: &str, arguments: &[&str]) -> Ran {
        Ran::of(arguments, self.example(name).args(arguments).output().unwrap())
    }

    /// Returns a command for an example of this package, which cargo builds with the tests.
    pub(crate) fn example(&self, name: &str) -> Command {
        let directory = Path::new(env!("CARGO_BIN_EXE_connections")).parent().unwrap().join("examples");
        let program = directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        assert!(program.exists(), "`cargo build -p connection-host --example {name}` makes it");
        self.command_of(&program)
    }

    /// Runs the program to its end, with this text on standard input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that refuses its arguments does not read its input.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        Ran::of(arguments, child.wait_with_output().unwrap())
    }

    /// Connects the GitHub account of these tests.
    pub(crate) fn add_github(&self, label: &str) -> Ran {
        let token = self.write("token", format!("{}\n", crate::provider::TOKEN).as_bytes());
        self.run(&["add", "github", "--label", label, "--field", &format!("accessToken=@{token}")])
    }
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    arguments: String,
    /// The exit code, or the signal that ended the process.
    status: ExitStatus,
    pub(crate) exit: i32,
    pub(crate) bytes: Vec<u8>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Returns the result of a run, after checking that it prints no secret, and no colours without a terminal.
    #[track_caller]
    pub(crate) fn of(arguments: &[&str], output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let out = text(&output.stdout);
        let err = text(&output.stderr);
        for secret in SECRETS {
            assert!(!out.contains(secret) && !err.contains(secret), "{arguments:?} prints a secret:\n{out}{err}");
        }
        assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{arguments:?} prints colours:\n{out}{err}");
        Self {
            arguments: arguments.join(" "),
            status: output.status,
            exit: output.status.code().unwrap_or(-1),
            bytes: output.stdout,
            out,
            err,
        }
    }

    #[track_caller]
    pub(crate) fn exits(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "{}: {}\n{}{}", self.arguments, self.status, self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn says(self, part: &str) -> Self {
        assert!(self.out.contains(part), "{}: {part:?} is not in\n{}{}", self.arguments, self.out, self.err);
        self
    }

    /// Checks that standard error has this part of a message. The command prints messages as sentences, so the first
    /// letter may be a capital.
    #[track_caller]
    pub(crate) fn warns(self, part: &str) -> Self {
        let mut letters = part.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        let capital: String = first.into_iter().chain(letters).collect();
        let is_said = self.err.contains(part) || self.err.contains(&capital);
        assert!(is_said, "{}: {part:?} is not in\n{}", self.arguments, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|_| panic!("{}: no JSON:\n{}{}", self.arguments, self.out, self.err))
    }

    /// Returns the error, which is the only line on standard error. Nothing may be on standard output.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        assert!(self.out.is_empty(), "{}: {}", self.arguments, self.out);
        serde_json::from_str(&self.err).unwrap_or_else(|_| panic!("{}: no JSON:\n{}", self.arguments, self.err))
    }
}

/// Asserts that an object has exactly the members of its shape, in any order.
#[track_caller]
pub(crate) fn check(value: &Value, shape: &str) {
    let all = members_of(shape).expect("the shape is on the page");
    let actual = value.as_object().expect("an object");
    let is_missing = |member: &&String| !actual.contains_key(*member) && !may_be_absent(shape, member);
    let missing: Vec<_> = all.iter().filter(is_missing).collect();
    let unknown: Vec<_> = actual.keys().filter(|member| !all.contains(member)).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "{shape} lacks {missing:?} and has {unknown:?}: {value}");
}

/// Returns the path and the content of each file below a directory.
pub(crate) fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(directory) else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(contents(&path))
        } else {
            found.push((path.clone(), std::fs::read(&path).unwrap()))
        }
    }
    found
}
