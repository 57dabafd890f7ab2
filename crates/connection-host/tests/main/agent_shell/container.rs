//! The container of a tool, as `connections run --sandbox --with AGENT` composes it, run with `bwrap`.

use std::process::Command;

use connection_faults::skip_notice;

use crate::{
    program::Machine,
    tooled::{program, signed_in},
};

/// An engine that runs the program of a container with `bwrap`. It has a system like that of the images in
/// `crates/connection-host/images`, the mounts and the variables of the arguments, and namespaces of its own. As in the
/// containers of real engines, the settings of the kernel are read-only, and the environment of the engine is not that
/// of a process in the container.
const ENGINE: &str = r#"#!/bin/bash
mounts=() variables=() network=() directory=/
while [ $# -gt 0 ]; do
  case "$1" in
    --volume)
      IFS=: read -r from to mode <<< "$2"
      if [ "$mode" = ro ]; then mounts+=(--ro-bind "$from" "$to"); else mounts+=(--bind "$from" "$to"); fi
      shift 2 ;;
    --env) case "$2" in *=*) variables+=("$2") ;; *) variables+=("$2=${!2}") ;; esac; shift 2 ;;
    --network) [ "$2" = none ] && network=(--unshare-net); shift 2 ;;
    --workdir) directory="$2"; shift 2 ;;
    --entrypoint) shift 3; break ;;
    *) shift ;;
  esac
done
for kernel in /proc/sys /proc/sysrq-trigger /proc/irq /proc/bus; do
  mounts+=(--ro-bind-try "$kernel" "$kernel")
done
here=$(dirname "$0")
exec env -i PATH="$PATH" bwrap --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try "${network[@]}" \
  --new-session --die-with-parent --cap-drop ALL --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/sbin /sbin \
  --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp --tmpfs /run --tmpfs /var \
  --dir /agent --bind "$here/../container/etc" /etc --ro-bind "$here" /opt/tools "${mounts[@]}" \
  --chdir "$directory" --clearenv /usr/bin/env PATH=/opt/tools:/usr/bin "${variables[@]}" "$@"
"#;

/// A tool that runs its arguments.
const TOOL: &str = r#"#!/bin/sh
case "$1" in --version) echo "2.1.0 (Claude Code)"; exit 0 ;; esac
exec "$@"
"#;

/// The arguments of a run with the doors of the agent, up to the program in the container.
pub(super) const RUN: [&str; 10] =
    ["run", "claude", "--profile", "work", "--sandbox", "--with", "deploy", "--workspace", "project", "--"];

/// Puts the engine and the tool on the path of the machine, with a profile and a workspace. Returns `false` if no
/// container can run here, after a notice about it.
pub(super) fn equip(machine: &mut Machine) -> bool {
    let namespaces = ["--unshare-net", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "/bin/true"];
    let starts = Command::new("bwrap").args(namespaces).status();
    if !starts.is_ok_and(|status| status.success()) {
        skip_notice::say("of an agent with a shell in a container", "`bwrap` does not start a program here");
        return false;
    }
    program(machine, "podman", ENGINE);
    program(machine, "claude", TOOL);
    machine.write("container/etc/passwd", b"root:x:0:0::/agent:/bin/sh\nagent:x:1000:1000::/agent:/bin/sh\n");
    machine.write("container/etc/hosts", b"127.0.0.1 localhost\n");
    machine.set("PATH", &format!("{}:/usr/bin:/bin", machine.path("bin").display()));
    machine.set("CONNECTIONS_SANDBOX__NETWORK", "none");
    let work = signed_in(machine, "work", "ada@example.com");
    machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
    std::fs::create_dir(machine.path("project")).unwrap();
    true
}
