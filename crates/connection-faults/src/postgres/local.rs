//! The programs of PostgreSQL and PgBouncer on this machine, run as a user that they accept.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Finds a program in the search path, or in the directories in which Debian keeps the versions of PostgreSQL and the
/// programs for root.
pub(super) fn program(name: &str) -> io::Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.push("/usr/sbin".into());
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let found = folders.into_iter().rev().map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| io::Error::other(format!("there is no {name} on this machine")))
}

pub(super) fn run(program: &Path, arguments: &[&str], directory: &Path) -> io::Result<()> {
    let mut command = Command::new(program);
    let command = as_postgres(command.args(arguments), directory).stdin(Stdio::null()).stdout(Stdio::null());
    let done = command.stderr(Stdio::null()).status()?;
    if done.success() { Ok(()) } else { Err(io::Error::other(format!("{} failed", program.display()))) }
}

/// Makes a command run as a user that PostgreSQL and its pooler accept, because both refuse to run as root.
///
/// The command gets its own process group: an interrupt at the terminal ends the tests, but a keeper must survive it
/// to stop its server.
#[cfg(unix)]
pub(super) fn as_postgres<'c>(command: &'c mut Command, directory: &Path) -> &'c mut Command {
    use std::os::unix::process::CommandExt as _;
    command.current_dir(directory).process_group(0);
    match user() {
        Some((user, group)) => command.uid(user).gid(group),
        None => command,
    }
}

#[cfg(not(unix))]
pub(super) fn as_postgres<'c>(command: &'c mut Command, directory: &Path) -> &'c mut Command {
    command.current_dir(directory)
}

#[cfg(unix)]
pub(super) fn own(path: &Path) -> io::Result<()> {
    match user() {
        Some((user, group)) => std::os::unix::fs::chown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}

#[cfg(not(unix))]
pub(super) fn own(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns the ids of the user `postgres` and its group if this process runs as root.
#[cfg(unix)]
fn user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.starts_with("postgres:"))?;
    let mut numbers = line.split(':').skip(2);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
