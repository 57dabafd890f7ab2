//! The trials of the artifacts: each is installed in an empty root, and used.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::failure::Failure;
use crate::process;
use crate::readme;
use crate::release::image;
use crate::release::rehearsal::first;
use crate::release::rehearsal::sandbox::{self, Container};
use crate::release::{IN_PACKAGE, archive, epoch, write};
use crate::third_party::Packages;
use crate::workspace::Workspace;

/// The address of the server in a container of this machine.
const ADDRESS: &str = "127.0.0.1:8745";

/// Time limit for a server to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the trials have in common.
#[derive(Debug)]
pub(super) struct Trials<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) place: &'a Path,
    pub(super) version: &'a str,
}

impl Trials<'_> {
    /// Unpacks an archive, and runs the commands of README with its program.
    pub(super) fn archive(&self, path: &Path, target: &str) -> Result<(), Failure> {
        let root = self.empty("try-archive")?;
        process::run(process::tool(&root, "tar", &["-xzf"]).arg(path))?;
        let inside = root.join(archive::name(self.version, target));
        has_files(
            &inside,
            &[
                "README.md",
                "LICENSE-MIT",
                "LICENSE-APACHE",
                "CHANGELOG.md",
                "THIRD-PARTY-NOTICES.txt",
                "sbom.cdx.json",
                "man/connections.1",
                "completions/connections.bash",
                "completions/connections.fish",
                "completions/connections.ps1",
                "completions/_connections",
                "packaging/systemd/connections.service",
            ],
        )?;
        self.says_version(&mut process::program(&inside.join("connections"), &inside))?;
        readme::first_commands(self.workspace, &inside)
    }

    /// Installs the Debian package with apt in an empty system, uses it there, and removes it.
    pub(super) fn debian_package(&self, path: &Path, debs: &Path) -> Result<(), Failure> {
        let root = self.empty("try-deb")?;
        let kind = image::root::Kind::System { with: super::OF_THE_TRIAL };
        image::root::make(path, debs, &kind, &root, &epoch(self.workspace))?;
        has_files(
            &root,
            &[
                "etc/connections/config.toml",
                "usr/lib/systemd/system/connections.service",
                "usr/lib/sysusers.d/connections.conf",
                "usr/share/bash-completion/completions/connections",
                "usr/share/doc/connections/THIRD-PARTY-NOTICES.txt",
                "usr/share/doc/connections/copyright",
                "usr/share/doc/connections/sbom.cdx.json",
                "usr/share/fish/vendor_completions.d/connections.fish",
                "usr/share/man/man1/connections.1.gz",
                "usr/share/zsh/vendor-completions/_connections",
            ],
        )?;
        self.says_version(&mut sandbox::as_root(&root, &[IN_PACKAGE]))?;
        // The script of the package has created the user of the unit.
        process::run(&mut sandbox::as_root(&root, &["getent", "passwd", "connections"]))?;
        process::run(&mut sandbox::as_root(&root, &["systemd-analyze", "verify", "connections.service"]))?;
        readme::first_commands(self.workspace, &sandbox::command_in(&root, &self.empty("try-deb-command")?)?)?;
        process::run(&mut sandbox::as_root(&root, &["dpkg", "--purge", "connections"]))?;
        match root.join(&IN_PACKAGE[1..]).exists() {
            true => Err(Failure::new("the program is still there after the removal of the package")),
            false => Ok(()),
        }
    }

    /// Unpacks the image and runs it as the user and with the command that it names.
    pub(super) fn image(&self, layout: &Path) -> Result<(), Failure> {
        let place = self.empty("try-image")?;
        let bundle = place.join("bundle");
        let named = format!("{}:{}", layout.display(), image::named(self.version));
        // This program of another project also checks all digests.
        process::run(process::tool(&place, "umoci", &["unpack", "--image", &named]).arg(&bundle))?;
        let config = self.workspace.text(image::CONFIG)?.unwrap_or_default();
        let config: Value =
            serde_json::from_str(&config).map_err(|error| Failure::new(format!("{}: {error}", image::CONFIG)))?;
        let volumes = config.get("Volumes").and_then(Value::as_object).into_iter().flatten();
        let volumes: Vec<String> = volumes.map(|(path, _)| path.clone()).collect();
        let container = Container::read(&bundle, &place, &volumes)?;
        self.says_version(&mut container.command(&[IN_PACKAGE]))?;

        let check = config.pointer("/Healthcheck/Test").and_then(Value::as_array).into_iter().flatten().skip(1);
        let check: Vec<&str> = check.filter_map(Value::as_str).collect();
        let mut server = container
            .command(&container.words())
            .spawn()
            .map_err(|error| Failure::new(format!("cannot start `bwrap`: {error}")))?;
        let served = serves(&mut server, &container, &check);
        let ended = end(&mut server);
        served.and(ended)?;
        let root = bundle.join("rootfs");
        readme::first_commands(self.workspace, &sandbox::command_in(&root, &self.empty("try-image-command")?)?)
    }

    /// Installs the client in an empty directory, and imports it there.
    pub(super) fn client(&self, path: &Path) -> Result<(), Failure> {
        let user = self.empty("try-npm")?;
        write(&user.join("package.json"), "{ \"private\": true, \"type\": \"module\" }\n")?;
        let mut install = process::tool(&user, "npm", &["install", "--offline", "--ignore-scripts", "--no-audit"]);
        let cache = self.place.join(first::NPM_CACHE);
        process::run(install.args(["--no-fund", "--loglevel=error", "--cache"]).arg(cache).arg(path))?;
        let program = "import { connect, ConnectionsError } from 'connections-client';\n\
            import manifest from 'connections-client/package.json' with { type: 'json' };\n\
            const connections = connect({ baseUrl: 'http://127.0.0.1:1', token: 'none' });\n\
            if (typeof connections.get !== 'function' || typeof ConnectionsError !== 'function') process.exit(1);\n\
            console.log(manifest.version);\n";
        write(&user.join("try.js"), program)?;
        let said = process::output(&mut process::tool(&user, "node", &["try.js"]))?;
        self.is_version(&said)
    }

    /// Installs the program from the packed crates, and runs the commands of README with it.
    ///
    /// The directory in which the program was built has what the crates need, compiled in the same way.
    pub(super) fn crates(&self, packages: &Packages) -> Result<(), Failure> {
        let root = self.empty("try-crates")?;
        let target = self.workspace.target_directory()?;
        let host = packages.directory().join(format!("connection-host-{}", self.version));
        let patches = packages.names().map(|name| packages.patch(name)).collect::<Result<Vec<_>, _>>()?;
        let patches = || patches.iter().flat_map(|patch| ["--config", patch]);
        // The package lies below the directory of this workspace, and is not a part of it.
        let manifest = host.join("Cargo.toml");
        let described = fs::read_to_string(&manifest).map_err(|error| Failure::new(format!("no manifest: {error}")))?;
        write(&manifest, &format!("{described}\n[workspace]\n"))?;
        // The lock file in the package names the registry for our crates. Cargo corrects only that.
        let describe = ["metadata", "--offline", "--quiet", "--format-version", "1"];
        process::output(process::cargo(&host, &describe).args(patches()))?;
        let mut install = process::cargo(&root, &["install", "--locked", "--offline", "--quiet", "--path"]);
        process::run(install.arg(host).arg("--root").arg(&root).arg("--target-dir").arg(target).args(patches()))?;
        let programs = root.join("bin");
        self.says_version(&mut process::program(&programs.join("connections"), &root))?;
        readme::first_commands(self.workspace, &programs)
    }

    /// Creates an empty directory.
    fn empty(&self, name: &str) -> Result<PathBuf, Failure> {
        let directory = self.place.join(name);
        fs::create_dir(&directory)
            .map_err(|error| Failure::new(format!("cannot create {}: {error}", directory.display())))?;
        Ok(directory)
    }

    fn says_version(&self, command: &mut std::process::Command) -> Result<(), Failure> {
        self.is_version(&process::output(command.arg("--version"))?)
    }

    fn is_version(&self, said: &str) -> Result<(), Failure> {
        match said.split_whitespace().any(|word| word == self.version) {
            true => Ok(()),
            false => Err(Failure::new(format!("the version should be {}, but is `{}`", self.version, said.trim()))),
        }
    }
}

fn has_files(directory: &Path, paths: &[&str]) -> Result<(), Failure> {
    match paths.iter().find(|path| !directory.join(path).is_file()) {
        Some(path) => Err(Failure::new(format!("there is no {path}"))),
        None => Ok(()),
    }
}

/// Checks that the server of a container answers, and that it runs as the user of the image.
fn serves(server: &mut Child, container: &Container, check: &[&str]) -> Result<(), Failure> {
    for path in ["/healthz", "/readyz"] {
        wait("the server does not answer", || match server.try_wait() {
            Ok(None) => Ok(answers(path)),
            _ => Err(Failure::new("the server has ended")),
        })?;
        println!("release: the image answers {path}");
    }
    process::run(&mut container.command(check))?;
    let status = fs::read_to_string(format!("/proc/{}/status", child_of(server.id())?)).unwrap_or_default();
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or_default();
    match user.split_whitespace().all(|user| user == container.user()) && container.user() != "0" {
        true => Ok(()),
        false => Err(Failure::new(format!("the server runs as the user{user}"))),
    }
}

/// Asks the server to stop, and waits for its end.
fn end(server: &mut Child) -> Result<(), Failure> {
    let asked = child_of(server.id()).and_then(|id| process::run(&mut process::tool(Path::new("/"), "kill", &[&id])));
    let ended = asked.and_then(|()| {
        wait("the server does not stop", || match server.try_wait() {
            Ok(Some(status)) if status.success() => Ok(true),
            Ok(Some(status)) => Err(Failure::new(format!("the server ended with {status}"))),
            _ => Ok(false),
        })
    });
    if ended.is_err() {
        process::end(server);
    }
    ended
}

/// Returns the process that `bwrap` has started, because `bwrap` passes no signal on.
fn child_of(id: u32) -> Result<String, Failure> {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let first = children.split_whitespace().next();
    first.map(str::to_owned).ok_or_else(|| Failure::new("`bwrap` runs nothing"))
}

/// Returns `true` if the server answers 200.
fn answers(path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(ADDRESS) else { return false };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {ADDRESS}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let exchanged = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
    exchanged.is_ok() && answer.starts_with("HTTP/1.1 200 ")
}

/// Waits until a condition holds.
fn wait(otherwise: &str, mut holds: impl FnMut() -> Result<bool, Failure>) -> Result<(), Failure> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > PATIENCE {
            return Err(Failure::new(otherwise));
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
