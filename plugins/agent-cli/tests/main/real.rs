//! The table against the real tools from the npm registry: each entry of the table is compared with the tool's
//! behaviour.
//!
//! `cargo xtask setup` installs the tools below `tests/tools`. If a tool is not installed, its tests are skipped with a
//! message, in CI too. Each tool runs with an empty home directory and with the address of a proxy that does not exist,
//! so it reads nothing of a person and sends nothing.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use connection_contract::prelude::*;

use crate::{made, signed_in};

/// The address of a proxy that does not exist: no program listens on port 9 (discard).
const NOBODY: &str = "http://127.0.0.1:9";

#[test]
fn each_tool_tells_its_version() {
    for tool in installed("tells its version") {
        let output = tool.run(&[tool.spec().version_form.argument().to_owned()]);
        let said = String::from_utf8_lossy(&output.stdout);
        let first = said.lines().next().unwrap_or_default();
        assert!(output.status.success() && first.contains(&tool.pinned()), "{}: {first}", tool.kind);
    }
}

#[test]
fn a_tool_that_writes_during_its_version_command_is_not_run() {
    for tool in installed("writes when it tells its version") {
        let spec = tool.spec();
        tool.run(&[spec.version_form.argument().to_owned()]);
        let writes = [tool.directory(), tool.home()].iter().any(|place| {
            let mut entries = fs::read_dir(place).expect("a directory of the test");
            entries.next().is_some()
        });
        assert_eq!(spec.is_version_asked, !writes, "{}", tool.kind);
    }
}

#[test]
fn who_wants_its_directory_to_be_there_ends_without_it() {
    for tool in installed("wants its directory to be there") {
        let gone = tool.place.join("gone").join(tool.profiles().dir_name.as_deref().unwrap_or("config"));
        let ended = tool.status_in(&gone);
        let insists = !gone.exists() && said(&ended).contains("that path does not exist");
        assert_eq!(tool.profiles().needs_directory, insists, "{}: {}", tool.kind, said(&ended));
    }
}

#[test]
fn a_login_is_found_in_the_directory_that_the_profile_names_and_nowhere_else() {
    for tool in installed("reads the directory of a profile") {
        tool.write(&signed_in(tool.kind));
        let found = tool.status(true);
        let others = tool.status(false);
        match tool.kind {
            "claude" => {
                let status = Value::parse(&found.stdout).expect("it prints JSON");
                assert_eq!(status["loggedIn"].as_bool(), Some(true));
                assert_eq!(status["email"].as_str(), Some("ada@example.com"));
                assert_eq!(Value::parse(&others.stdout).expect("JSON")["loggedIn"].as_bool(), Some(false));
            }
            "codex" => {
                assert!(said(&found).contains("Logged in using ChatGPT"), "{}", said(&found));
                assert!(said(&others).contains("Not logged in"), "{}", said(&others));
            }
            _ => {
                // Gemini CLI has no command that prints the account, but it names the file that it read.
                let settings = tool.directory().join("settings.json");
                assert!(said(&found).contains(&settings.display().to_string()), "{}", said(&found));
                assert!(!said(&others).contains(&settings.display().to_string()), "{}", said(&others));
            }
        }
        // The tool also wrote to neither of its default places.
        let implicit = tool.home().join(tool.profiles().implicit_dir.relative.as_ref());
        assert!(!implicit.exists(), "{} is there", implicit.display());
        assert!(!tool.home().join(".claude.json").exists());
    }
}

#[test]
fn each_permission_mode_and_each_way_to_sign_in_is_one_of_the_tools_own() {
    for tool in installed("has the modes and the command to sign in") {
        let help = said(&tool.run(&["--help".to_owned()]));
        for mode in made(tool.kind).descriptor().permission_modes {
            assert!(help.contains(mode.as_ref()), "{} has no mode {mode}", tool.kind);
        }
        let command = tool.spec().sign_in.expect("a way to sign in").command;
        match &command[..] {
            [_] => {}
            [_, word] => assert!(help.contains(word.as_ref()), "{} knows no {word}", tool.kind),
            [_, word, option] => {
                let help = said(&tool.run(&[word.to_string(), "--help".to_owned()]));
                assert!(help.contains(option.as_ref()), "{} knows no {option}", tool.kind);
            }
            _ => panic!("a longer command than this test knows"),
        }
    }
}

/// An installed tool, and the directory in which it runs.
struct Tool {
    kind: &'static str,
    program: PathBuf,
    place: PathBuf,
}

/// Returns the installed tools, and prints a message for each of the others.
fn installed(what: &str) -> Vec<Tool> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools");
    let programs = [
        ("claude", "@anthropic-ai/claude-code/cli-wrapper.cjs"),
        ("codex", "@openai/codex/bin/codex.js"),
        ("gemini", "@google/gemini-cli/bundle/gemini.js"),
    ];
    let here = programs.into_iter().filter_map(|(kind, program)| {
        let program = tools.join(kind).join("node_modules").join(program);
        if !program.is_file() {
            // Writing to `stderr` directly is not captured by the test harness.
            let message =
                format!("\n\nSKIPPED: that the real {kind} {what} (tests/tools/{kind} is not installed).\n\n");
            io::stderr().write_all(message.as_bytes()).unwrap_or_default();
            return None;
        }
        let words: String = what.chars().filter(|c| c.is_ascii_alphabetic()).collect();
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("agent-cli-{kind}-{words}"));
        drop(fs::remove_dir_all(&place));
        let tool = Tool { kind, program, place };
        for directory in [tool.directory(), tool.home(), tool.other()] {
            fs::create_dir_all(directory).expect("a directory of the test");
        }
        Some(tool)
    });
    here.collect()
}

impl Tool {
    fn profiles(&self) -> ProfileSpec {
        made(self.kind).profiles().expect("profiles")
    }

    fn spec(&self) -> ToolSpec {
        made(self.kind).descriptor().tools.into_iter().next().expect("one tool")
    }

    /// Returns the directory of the profile, with the name that the tool requires.
    fn directory(&self) -> PathBuf {
        self.place.join("profile").join(self.profiles().dir_name.as_deref().unwrap_or("config"))
    }

    /// Returns the directory of another profile, which is not signed in.
    fn other(&self) -> PathBuf {
        self.place.join("other").join(self.profiles().dir_name.as_deref().unwrap_or("config"))
    }

    fn home(&self) -> PathBuf {
        self.place.join("home")
    }

    fn write(&self, files: &[(&'static str, String)]) {
        for (name, content) in files {
            fs::write(self.directory().join(name), content).expect("a file of the test");
        }
    }

    /// Returns the version that `package.json` names.
    fn pinned(&self) -> String {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools").join(self.kind).join("package.json");
        let manifest = Value::parse(&fs::read(manifest).expect("a manifest")).expect("JSON");
        let Value::Map(dependencies) = &manifest["dependencies"] else { panic!("it depends on the tool") };
        dependencies[0].1.as_str().expect("a version").to_owned()
    }

    /// Asks the tool who is signed in, in the profile or in the other one.
    fn status(&self, in_profile: bool) -> Output {
        self.status_in(&if in_profile { self.directory() } else { self.other() })
    }

    fn status_in(&self, directory: &Path) -> Output {
        let args: &[&str] = match self.kind {
            "claude" => &["auth", "status"],
            "codex" => &["login", "status"],
            _ => &["--list-extensions"],
        };
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        self.run_in(directory, &args)
    }

    fn run(&self, args: &[String]) -> Output {
        self.run_in(&self.directory(), args)
    }

    /// Runs the tool with the variables that the table names for the profile. Of the variables of this process, only
    /// `PATH` is passed on.
    #[expect(clippy::disallowed_methods, reason = "a test that runs a program has to find it")]
    fn run_in(&self, directory: &Path, args: &[String]) -> Output {
        let profiles = self.profiles();
        let mut command = Command::new("node");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.home());
        // Codex writes nothing into a directory below the one for temporary files, and the directory of a build may lie
        // there.
        command.env("TMPDIR", self.place.join("temporary"));
        for proxy in ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"] {
            command.env(proxy, NOBODY);
        }
        // One process is enough here. By default, the tool starts a second one with more memory.
        command.env("GEMINI_CLI_NO_RELAUNCH", "true").env(&*profiles.env_var, directory);
        for (name, value) in &profiles.extra_env {
            match value {
                EnvValue::Directory => command.env(&**name, directory),
                EnvValue::Parent => command.env(&**name, directory.parent().expect("it lies in one")),
                EnvValue::Text(text) => command.env(&**name, &**text),
                _ => panic!("a value that this test does not know"),
            };
        }
        command.arg(&self.program).args(args).current_dir(&self.place).output().expect("node runs")
    }
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}
