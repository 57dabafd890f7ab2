//! The test binaries of the workspace, as cargo builds them, and the tests in them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

/// A binary that contains tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binary {
    /// The name of the package that cargo built it from.
    pub(super) package: String,
    /// The name of its target, such as `main`.
    pub(super) name: String,
    pub(super) program: PathBuf,
    /// The package's directory, which is the working directory of its tests.
    pub(super) directory: PathBuf,
    /// `true` for a benchmark, which is one test: it runs once, with few rounds.
    pub(super) is_benchmark: bool,
}

/// One test, which runs in a process of its own.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) package: String,
    pub(super) binary: String,
    /// The path of the test, or the name of a benchmark.
    pub(super) name: String,
    program: PathBuf,
    directory: PathBuf,
    is_benchmark: bool,
}

impl Test {
    /// Returns the name by which a person finds the test.
    pub(super) fn title(&self) -> String {
        format!("{} {} {}", self.package, self.binary, self.name)
    }

    /// Returns `true` if the test's name contains one of these parts, or if the test is a benchmark.
    pub(super) fn is_named(&self, parts: &[&str]) -> bool {
        self.is_benchmark || parts.iter().any(|part| self.name.contains(part))
    }

    /// Returns the command that runs this test alone, as cargo would.
    pub(super) fn command(&self) -> Command {
        let mut command = process::program(&self.program, &self.directory);
        command.env("CARGO_MANIFEST_DIR", &self.directory).env("CARGO_PKG_NAME", &self.package);
        if !self.is_benchmark {
            command.args([self.name.as_str(), "--exact"]);
        }
        command.stdin(Stdio::null());
        command
    }
}

/// The programs of one build.
#[derive(Debug)]
pub(super) struct Binaries {
    tested: Vec<Binary>,
    /// Programs that are not tests, with their names.
    programs: Vec<(String, PathBuf)>,
}

impl Binaries {
    /// Builds every test, example and benchmark of the workspace.
    pub(super) fn build(workspace: &Workspace) -> Result<Self, Failure> {
        let arguments = ["test", "--workspace", "--locked", "--no-run", "--message-format", "json-render-diagnostics"];
        println!("$ cargo {}", arguments.join(" "));
        let mut build = process::cargo(workspace.root(), &arguments);
        let failed = |error| Failure::new(format!("the tests cannot be built: {error}"));
        let output = build.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(failed)?;
        if !output.status.success() {
            return Err(Failure::new("the tests do not build"));
        }
        Ok(Self::of(&String::from_utf8_lossy(&output.stdout)))
    }

    /// Reads the JSON messages that cargo prints about a build.
    pub(super) fn of(messages: &str) -> Self {
        let mut tested = Vec::new();
        let mut programs = Vec::new();
        for message in messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
            let (Some(program), Some(manifest), Some(name), Some(id)) =
                (text("/executable"), text("/manifest_path"), text("/target/name"), text("/package_id"))
            else {
                continue;
            };
            if message.pointer("/profile/test") != Some(&Value::Bool(true)) {
                programs.push((name.to_owned(), program.into()));
                continue;
            }
            tested.push(Binary {
                package: package(id).to_owned(),
                name: name.to_owned(),
                program: program.into(),
                directory: Path::new(manifest).parent().map(Path::to_owned).unwrap_or_default(),
                is_benchmark: text("/target/kind/0") == Some("bench"),
            });
        }
        Self { tested, programs }
    }

    /// Returns the tests for which `wanted` returns `true`.
    pub(super) fn tests(&self, wanted: impl Fn(&Test) -> bool) -> Result<Vec<Test>, Failure> {
        let mut tests = Vec::new();
        for binary in &self.tested {
            let test = |name: &str| Test {
                package: binary.package.clone(),
                binary: binary.name.clone(),
                name: name.to_owned(),
                program: binary.program.clone(),
                directory: binary.directory.clone(),
                is_benchmark: binary.is_benchmark,
            };
            if binary.is_benchmark {
                tests.push(test("benchmark"));
                continue;
            }
            let mut list = process::program(&binary.program, &binary.directory);
            let listed = process::output(list.args(["--list", "--format", "terse"]))?;
            tests.extend(listed.lines().filter_map(|line| line.strip_suffix(": test")).map(test));
        }
        tests.retain(wanted);
        Ok(tests)
    }

    /// Returns the path of a program that is not a test.
    pub(super) fn program(&self, name: &str) -> Option<&Path> {
        self.programs.iter().find(|(known, _)| known == name).map(|(_, program)| program.as_path())
    }
}

/// Returns the name in a package id such as `path+file:///a/plugins/twilio#connection-plugin-twilio@0.1.0`. The id
/// omits the name if it is that of the package's directory.
fn package(id: &str) -> &str {
    let (place, rest) = id.rsplit_once('#').unwrap_or((id, ""));
    match rest.split_once('@') {
        Some((name, _)) => name,
        None => place.rsplit('/').next().unwrap_or(place),
    }
}
