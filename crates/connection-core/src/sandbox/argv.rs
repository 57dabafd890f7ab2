//! The arguments of an engine. Docker and Podman take the same ones.

use std::{ffi::OsString, path::Path};

use connection_contract::MountMode;

use super::{SandboxEngine, SandboxMount, SandboxNetwork, SandboxRun};

impl SandboxRun {
    /// The engine and its arguments, as they are started: what is to be copied is shown where it is, and mounted from its
    /// copy by [`prepare`](Self::prepare).
    pub fn argv(&self) -> Vec<OsString> {
        let mut argv: Vec<OsString> = vec![self.engine.program().into()];
        argv.extend(self.engine_options.iter().map(OsString::from));
        let mut add = |args: &[&str]| argv.extend(args.iter().map(OsString::from));
        add(&["run", "--rm", "--interactive"]);
        let is_podman = self.engine == SandboxEngine::Podman;
        if is_podman {
            // It would hand on the proxies of the host, whose addresses may hold passwords; Docker does so where it is told to.
            add(&["--http-proxy=false"]);
        } else {
            // A first process that reaps what the tool leaves behind and passes signals on. Docker brings one; Podman needs a
            // package of its own for it.
            add(&["--init"]);
        }
        if let Some((user, group)) = self.user {
            // Root's own containers have the users of the host already, and Podman refuses to keep them.
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
        // An entry point of the image would take the program for an argument.
        add(&["--entrypoint", ""]);
        add(&[&self.image]);
        argv.push(self.program.clone());
        argv.extend(self.args.iter().cloned());
        argv
    }
}

impl SandboxMount {
    /// A path with a colon is written in the longer way, which ends it at a comma.
    fn option(&self) -> (&'static str, String) {
        let (source, target) = (text(&self.source), &self.target);
        let read_only = self.mode == MountMode::ReadOnly;
        match (source.contains(':'), read_only) {
            (false, true) => ("--volume", format!("{source}:{target}:ro")),
            (false, false) => ("--volume", format!("{source}:{target}")),
            (true, true) => ("--mount", format!("type=bind,source={source},target={target},readonly")),
            (true, false) => ("--mount", format!("type=bind,source={source},target={target}")),
        }
    }
}

/// It was checked to be Unicode.
fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}
