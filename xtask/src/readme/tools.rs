//! Scripts that replace the local tools which documents run and which are not installed here.

use std::fs;
use std::io;
use std::path::Path;

/// A script that answers `--version`, prints a reply to a prompt, and creates the directory in which the real tool
/// keeps its sessions.
const CLAUDE: &str = r#"#!/bin/sh
case "$1" in
  --version) echo "2.1.197 (Claude Code)" ;;
  -p)
    mkdir -p "${CLAUDE_CONFIG_DIR:-$HOME/.claude}/projects"
    echo "Hello!" ;;
  *) echo "this stands in for Claude Code" ;;
esac
"#;

/// Writes the scripts into a directory.
pub(crate) fn install(directory: &Path) -> io::Result<()> {
    fs::create_dir(directory)?;
    let path = directory.join("claude");
    fs::write(&path, CLAUDE)?;
    runnable(&path)
}

#[cfg(unix)]
fn runnable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn runnable(_: &Path) -> io::Result<()> {
    Ok(())
}
