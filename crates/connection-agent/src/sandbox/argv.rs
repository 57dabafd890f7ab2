//! The arguments of a container engine. Docker and Podman accept the same ones.

use std::{ffi::OsString, path::Path};

use connection_contract::MountMode;

use super::{SandboxEngine, SandboxMount, SandboxNetwork, SandboxRun};

impl SandboxRun {
    /// Returns the engine and its arguments. A mount that is to be copied has its original source here;
    /// [`prepare`](Self::prepare) replaces it with the copy.
    pub fn argv(&self) -> Vec<OsString> {
        let mut argv: Vec<OsString> = vec![self.engine.program().into()];
        argv.extend(self.engine_options.iter().map(OsString::from));
        let mut add = |args: &[&str]| argv.extend(args.iter().map(OsString::from));
        add(&["run", "--rm", "--interactive"]);
        let is_podman = self.engine == SandboxEngine::Podman;
        if is_podman {
            // Podman would pass on the proxies of the host, whose addresses may hold passwords. Docker does so only
            // if configured.
            add(&["--http-proxy=false"]);
        } else {
            // Adds an init process that reaps orphaned processes and passes signals on. Docker includes one; Podman
            // needs a separate package for it.
            add(&["--init"]);
        }
        if let Some((user, group)) = self.user {
            // Containers of root already have the users of the host, and Podman refuses to keep them.
            if is_podman && user != 0 {
                add(&["--userns=keep-id"]);
            }
            add(&["--user", &format!("{user}:{group}")]);
        }
        if self.terminal {
            add(&["--tty"]);
        }
        let memory = format!("{}b", self.memory);
        add(&["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]);
        add(&["--memory", &memory, "--memory-swap", &memory, "--pids-limit", &self.pids.to_string()]);
        if let Some(millicpus) = self.millicpus {
            add(&["--cpus", &format!("{}.{:03}", millicpus / 1000, millicpus % 1000)]);
        }
        match &self.network {
            SandboxNetwork::EngineDefault => {}
            SandboxNetwork::Named(name) => add(&["--network", name]),
            SandboxNetwork::None => add(&["--network", "none"]),
        }
        for mount in &self.mounts {
            let (option, text) = mount.option();
            add(&[option, &text]);
        }
        if let Some(workdir) = &self.workdir {
            add(&["--workdir", workdir]);
        }
        for name in self.env.keys() {
            add(&["--env", name]);
        }
        for (name, value) in &self.public_env {
            add(&["--env", &format!("{name}={value}")]);
        }
        // Otherwise, an entry point of the image would take the program as an argument.
        add(&["--entrypoint", ""]);
        add(&[&self.image]);
        argv.push(self.program.clone());
        argv.extend(self.args.iter().cloned());
        argv
    }
}

impl SandboxMount {
    /// Returns the option and its value. A path with a colon needs the long form, in which a comma ends the path.
    fn option(&self) -> (&'static str, String) {
        let source = text(&self.source);
        let target = &self.target;
        let read_only = self.mode == MountMode::ReadOnly;
        match (source.contains(':'), read_only) {
            (false, true) => ("--volume", format!("{source}:{target}:ro")),
            (false, false) => ("--volume", format!("{source}:{target}")),
            (true, true) => ("--mount", format!("type=bind,source={source},target={target},readonly")),
            (true, false) => ("--mount", format!("type=bind,source={source},target={target}")),
        }
    }
}

/// Returns the path as text. The path was checked to be Unicode.
fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}
