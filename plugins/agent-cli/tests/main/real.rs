//! The data against the real tools, as the registry of npm has them: what is told of a tool is what that tool does.
//!
//! `cargo xtask setup` installs them below `tests/tools`. Where a tool is not there, its tests are left out, loudly, in CI too.
//! Each runs with an empty home directory and a proxy that nobody serves, so nothing of a person is read and nothing is sent.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use connection_contract::prelude::*;

use crate::{made, signed_in};

/// Port 9 discards, and nobody serves it.
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
fn who_writes_when_it_is_asked_for_its_version_is_not_asked() {
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
        let (found, others) = (tool.status(true), tool.status(false));
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
                // It has no command that tells, but names the file that it looked into.
                let settings = tool.directory().join("settings.json");
                assert!(said(&found).contains(&settings.display().to_string()), "{}", said(&found));
                assert!(!said(&others).contains(&settings.display().to_string()), "{}", said(&others));
            }
        }
        // And it wrote to neither place that it uses by itself.
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

/// A tool that is installed, and where it runs.
struct Tool {
    kind: &'static str,
    program: PathBuf,
    place: PathBuf,
}

/// The tools that are here; of each other one it is said that it is left out.
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
            // Past what the test harness captures.
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
    /// Called as the tool insists.
    fn directory(&self) -> PathBuf {
        self.place.join("profile").join(self.profiles().dir_name.as_deref().unwrap_or("config"))
    }
    /// Another profile, in which nobody is signed in.
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
    /// The version that the lock file names.
    fn pinned(&self) -> String {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools").join(self.kind).join("package.json");
        let manifest = Value::parse(&fs::read(manifest).expect("a manifest")).expect("JSON");
        let Value::Map(dependencies) = &manifest["dependencies"] else { panic!("it depends on the tool") };
        dependencies[0].1.as_str().expect("a version").to_owned()
    }
    /// Asks who is signed in: in the profile, or in the other one.
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
    /// With the variables of the profile, by the data, and no other of this process but where programs are.
    #[expect(clippy::disallowed_methods, reason = "a test that runs a program has to find it")]
    fn run_in(&self, directory: &Path, args: &[String]) -> Output {
        let profiles = self.profiles();
        let mut command = Command::new("node");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.home());
        // Codex writes nothing into a directory that lies below that for temporary files, which that of a build may.
        command.env("TMPDIR", self.place.join("temporary"));
        for proxy in ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"] {
            command.env(proxy, NOBODY);
        }
        // One process is enough here: by itself it starts another one with more memory.
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
