//! Programs that run in a root file system of their own, by `bwrap`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::Failure;
use crate::process;
use crate::release::{IN_PACKAGE, write};

/// What the guide for operators adds to the variables of the image.
const PUBLIC_URL: &str = "CONNECTIONS_INBOUND__PUBLIC_URL=https://connections.example";

/// Writes a command `connections` that runs the program in a root file system, with the home directory and the
/// variables of the caller. Returns the directory of the command.
pub(super) fn command_in(root: &Path, directory: &Path) -> Result<PathBuf, Failure> {
    let script = directory.join("connections");
    let text = format!(
        "#!/bin/sh\nplace=$(dirname \"$HOME\")\nexec bwrap --ro-bind '{}' / --proc /proc --dev /dev --tmpfs /tmp \
         --bind \"$place\" \"$place\" --chdir \"$PWD\" --die-with-parent {IN_PACKAGE} \"$@\"\n",
        root.display()
    );
    write(&script, &text)?;
    process::run(process::tool(directory, "chmod", &["0755"]).arg(&script))?;
    Ok(directory.to_owned())
}

/// Returns a command that runs words in a root file system as root, so that they may change it.
pub(super) fn as_root(root: &Path, words: &[&str]) -> Command {
    let mut command = process::tool(Path::new("/"), "bwrap", &["--bind"]);
    command.arg(root).args([
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        "--cap-add",
        "ALL",
        "--clearenv",
    ]);
    command.args(["--setenv", "PATH", "/usr/sbin:/usr/bin", "--setenv", "DEBIAN_FRONTEND", "noninteractive", "--"]);
    command.args(words);
    command
}

/// The process that an image asks for, as `umoci` writes it for a runtime.
#[derive(Debug)]
pub(super) struct Container {
    root: PathBuf,
    /// The directories that stand for the volumes, each with the path in the container.
    volumes: Vec<(PathBuf, String)>,
    user: String,
    group: String,
    directory: String,
    variables: Vec<String>,
    words: Vec<String>,
}

impl Container {
    /// Reads an unpacked image. The volumes are below `place`.
    pub(super) fn read(bundle: &Path, place: &Path, volumes: &[String]) -> Result<Self, Failure> {
        let path = bundle.join("config.json");
        let failed = |error: String| Failure::new(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        let config: Value = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        let said = |pointer: &str| config.pointer(pointer).cloned().unwrap_or_default();
        let list = |pointer: &str| -> Vec<String> {
            said(pointer).as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
        };
        let container = Self {
            root: bundle.join("rootfs"),
            volumes: volumes.iter().map(|path| (place.join(path.replace('/', "_")), path.clone())).collect(),
            user: said("/process/user/uid").to_string(),
            group: said("/process/user/gid").to_string(),
            directory: said("/process/cwd").as_str().unwrap_or("/").to_owned(),
            // The server asks for an `https` address, because other machines reach the address on which it listens.
            variables: [list("/process/env"), vec![PUBLIC_URL.to_owned()]].concat(),
            words: list("/process/args"),
        };
        for (volume, path) in &container.volumes {
            // A new volume begins as a copy of the directory in the image, with its owner.
            let mut copy = process::tool(place, "cp", &["--archive"]);
            process::run(copy.arg(format!("{}{path}", container.root.display())).arg(volume))?;
        }
        Ok(container)
    }

    /// Returns the user as which the container runs.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// Returns the words that the image runs.
    pub(super) fn words(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }

    /// Returns a command that runs words in the container: its root cannot be written, and its volumes can.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = process::tool(Path::new("/"), "bwrap", &["--ro-bind"]);
        command.arg(&self.root).args(["/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]);
        for (volume, path) in &self.volumes {
            command.arg("--bind").arg(volume).arg(path);
        }
        command.args(["--unshare-ipc", "--unshare-uts", "--die-with-parent", "--clearenv"]);
        for variable in &self.variables {
            let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
            command.args(["--setenv", name, value]);
        }
        // The user is changed inside, because the user of the container cannot read each directory outside. The
        // directory is changed last, because root without its rights cannot enter that of the user.
        command.args(["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--"]);
        command.args(["setpriv", "--reuid", &self.user, "--regid", &self.group, "--clear-groups"]);
        command.args(["--no-new-privs", "--"]);
        command.args(["env", "--chdir", &self.directory, "--"]).args(words);
        command
    }
}
