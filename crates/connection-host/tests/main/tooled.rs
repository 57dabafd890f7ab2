//! A machine with command-line tools on its path. They are scripts that resemble the real ones and print what they
//! were given.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use crate::program::{Machine, Ran};

/// A tool that answers `--version` as the real one does. Otherwise it does what its first argument says, or prints its
/// arguments, its directory and its environment.
const TOOL: &str = r#"#!/bin/sh
case "$1" in
  --version) echo "VERSION"; exit 0 ;;
  exit) exit "$2" ;;
  die) kill -s "$2" $$ ;;
  wait)
    trap 'echo "got TERM"; kill $! 2>/dev/null; exit 7' TERM
    trap 'echo "got INT"; kill $! 2>/dev/null; exit 8' INT
    echo ready
    while :; do sleep 60 & wait $!; done ;;
  write) echo changed > "$2"; exit 0 ;;
  terminal) if [ -t 0 ] && [ -t 1 ]; then echo "a terminal"; else echo "no terminal"; fi; exit 0 ;;
esac
for argument in "$@"; do printf 'argument: %s\n' "$argument"; done
printf 'directory: %s\n' "$(pwd)"
env
"#;

/// Returns a machine whose path has the three tools and the programs of the system.
pub(crate) fn tooled() -> Machine {
    let mut machine = Machine::new();
    equip(&mut machine);
    machine
}

/// Puts the three tools on the path of the machine.
pub(crate) fn equip(machine: &mut Machine) {
    for (name, version) in [("claude", "2.1.197 (Claude Code)"), ("codex", "codex-cli 0.169.0"), ("gemini", "0.61.0")] {
        program(machine, name, &TOOL.replace("VERSION", version));
    }
    let path = format!("{}:/usr/bin:/bin", machine.path("bin").display());
    machine.set("PATH", &path);
}

/// Writes an executable program. Its name is relative to the directory on the path.
pub(crate) fn program(machine: &Machine, name: &str, text: &str) {
    let path = machine.write(&format!("bin/{name}"), text.as_bytes());
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Writes a directory in which a person is signed in with Claude Code, and returns its path.
pub(crate) fn signed_in(machine: &Machine, name: &str, account: &str) -> String {
    let account = format!(r#"{{"oauthAccount": {{"accountUuid": "{account}", "emailAddress": "{account}"}}}}"#);
    machine.write(&format!("{name}/.claude.json"), account.as_bytes());
    let login = r#"{"claudeAiOauth": {"accessToken": "a", "refreshToken": "b", "expiresAt": 4102444800000,
        "scopes": ["user:inference", "user:profile"], "subscriptionType": "max"}}"#;
    machine.write(&format!("{name}/.credentials.json"), login.as_bytes());
    text(&machine.path(name))
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

impl Ran {
    /// Returns a variable that a tool printed.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.out.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }

    /// Returns the arguments that a tool printed.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        self.out.lines().filter_map(|line| line.strip_prefix("argument: ")).collect()
    }
}
