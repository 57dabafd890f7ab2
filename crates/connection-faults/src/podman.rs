//! A probe of podman, with arguments that our own functions do not make.

use std::process::Command;

/// Builds the image in a directory, with busybox in it, and runs it within the bounds of a tool. `tag` names the image,
/// and `podman` returns the command that the arguments are added to.
///
/// # Errors
///
/// Returns the reason why podman cannot do so on this machine.
pub fn runs(tag: &str, directory: &str, podman: impl Fn() -> Command) -> Result<(), String> {
    let bounds = [
        "run",
        "--rm",
        "--network=none",
        "--memory=268435456b",
        "--memory-swap=268435456b",
        "--pids-limit=64",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--http-proxy=false",
        tag,
        "/bin/busybox",
        "true",
    ];
    for arguments in [&["build", "--tag", tag, directory][..], &bounds] {
        let ended = podman().args(arguments).output().map_err(|error| format!("podman: {error}"))?;
        if !ended.status.success() {
            return Err(String::from_utf8_lossy(&ended.stderr).into_owned());
        }
    }
    Ok(())
}
