//! A container that really runs, if an engine does: from an empty image with one static program.
//!
//! Without a running engine, the test says so on standard error and is skipped.

use std::{
    ffi::OsString,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use connection_agent::{Sandbox, SandboxAccess, SandboxNetwork, SandboxPolicy, SandboxRun};
use connection_core::{Environment as _, NewProfile, SpawnOptions, SystemEnvironment};
use connection_faults::podman;

use crate::tool::{TOOL, Tools};

const IMAGE: &str = "localhost/connections/test-of-sandbox:1";
/// The image runs as a separate user, like the images that kinds provide.
const IMAGE_FILE: &str = "FROM scratch\nCOPY busybox tool /bin/\nENV PATH=/bin\nUSER 1000:1000\n";
/// A static program of Debian's package `busybox-static`.
const BUSYBOX: &str = "/bin/busybox";
/// Options for running a container, the usual ones first: some machines have an older version of control groups,
/// and some do not let even root raise a limit.
const WAYS: [&[&str]; 3] = [&[], &["--cgroup-manager=cgroupfs"], &["--cgroup-manager=cgroupfs", "--runtime=runc"]];

/// Runs one of the program's many tools; it knows the argument of a profile.
const TOOL_OF_IMAGE: &str = "#!/bin/busybox sh\n[ \"$1\" = --isolated ] && shift\nexec /bin/busybox \"$@\"\n";

#[cfg(unix)]
fn executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

#[cfg(not(unix))]
fn executable(_: &Path) {}

#[cfg(not(unix))]
fn private(_: &Path) {}

/// The variables that an engine needs.
fn variables() -> impl Iterator<Item = (OsString, OsString)> {
    let names = ["PATH", "HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "CONTAINERS_CONF"];
    names.into_iter().filter_map(|name| Some((name.into(), SystemEnvironment.variable(name)?)))
}

/// Prints a line that the test harness does not capture, because a skipped test must not look like a passed one.
fn skipped(why: &str) {
    let line = format!("SKIPPED: no container was run, since {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// An engine that runs on this machine, with an image built by the function that hosts use.
struct Engine {
    it: Tools,
    policy: SandboxPolicy,
    limits: PathBuf,
}

impl Engine {
    async fn find() -> Option<Self> {
        if !Path::new(BUSYBOX).exists() {
            skipped("busybox-static is not installed");
            return None;
        }
        let it = Tools::new().await;
        it.write("image/Containerfile", IMAGE_FILE);
        fs::copy(BUSYBOX, it.path("image/busybox")).unwrap();
        it.write("image/tool", TOOL_OF_IMAGE);
        executable(&it.path("image/tool"));
        // The engine's own limits may be above what this machine allows.
        let limits = "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=1024:1024\"]\n";
        let limits = it.write("containers.conf", limits);
        let mut said = String::new();
        for way in WAYS {
            let policy = way.iter().fold(SandboxPolicy::new(), |policy, option| policy.engine_option(*option));
            let policy = policy
                .scratch(it.path("scratch"))
                .image(Some(IMAGE.into()))
                .memory(256 << 20)
                .pids(64)
                .network(SandboxNetwork::None);
            let sandbox = Sandbox::new(&it.registry, &TOOL).unwrap();
            if let Err(why) = runs(way, &it, &limits) {
                said = why;
                continue;
            }
            // The engine can build and run by itself on this machine, so it must also do so through our code.
            sandbox.build(&policy, &it.path("image"), variables()).unwrap();
            let run = sandbox.compose(&policy, &SpawnOptions::new("tool").arg("true")).unwrap();
            let output = output(run, &limits);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            return Some(Self { it, policy, limits });
        }
        skipped(said.trim());
        None
    }

    fn run(&self, policy: &SandboxPolicy, options: &SpawnOptions) -> (i32, String) {
        let run = Sandbox::new(&self.it.registry, &TOOL).unwrap().compose(policy, options).unwrap();
        let output = output(run, &self.limits);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code().unwrap(), said + &String::from_utf8_lossy(&output.stderr))
    }
}

/// Returns an error if podman cannot build and run something similar on this machine.
fn runs(way: &[&str], it: &Tools, limits: &Path) -> Result<(), String> {
    it.write("probe/Containerfile", "FROM scratch\nCOPY busybox /bin/busybox\n");
    fs::copy(BUSYBOX, it.path("probe/busybox")).unwrap();
    podman::runs("localhost/connections-test/probe:1", it.path("probe").to_str().unwrap(), || {
        let mut podman = Command::new("podman");
        podman.args(way).env("CONTAINERS_CONF", limits).stdin(std::process::Stdio::null());
        podman
    })
}

fn output(run: SandboxRun, limits: &Path) -> Output {
    let prepared = run.prepare().unwrap();
    let mut command: Command = prepared.command();
    command.env("CONTAINERS_CONF", limits).stdin(std::process::Stdio::null()).output().unwrap()
}

fn shell(script: &str) -> SpawnOptions {
    SpawnOptions::new("/opt/host/tool").arg("sh").arg("-c").arg(script)
}

#[tokio::test]
async fn a_container_has_no_capability_reads_its_configuration_and_ends_as_its_tool_does() {
    let Some(engine) = Engine::find().await else { return };
    let it = &engine.it;
    it.write("work/account", "ada");
    it.write(".toolrc", "the user's");
    let project = it.write("project/file", "before").parent().unwrap().to_owned();
    let work = it.profiles().create(NewProfile::new("work", it.path("work"))).await.unwrap();
    let policy = engine.policy.clone().project(&project, "/project", SandboxAccess::Writable);
    // Only the owner can access the directory, as with the copies.
    private(&project);
    let capabilities = "tool grep -E '^(Cap|NoNew)' /proc/self/status";
    let script = format!(
        "{capabilities}; tool pwd; tool cat $TOOL_HOME/account; echo; \
         (echo x > $TOOL_HOME/account) 2>/dev/null && echo WRITTEN; (echo y > /config/.toolrc) && tool cat /config/.toolrc; \
         echo after > file; echo $TOKEN $TOOL_TELEMETRY $TOOL_PARENT; exit 7"
    );
    let mut options = shell(&script).env("TOKEN", "canary value").env("TOOL_TELEMETRY", "on");
    it.profiles().apply_profile(&mut options, work.id).await.unwrap();
    let (code, said) = engine.run(&policy, &options);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(code, 7, "{said}");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert!(lines.contains(&&*format!("{set}:\t0000000000000000")), "{said}");
    }
    assert!(lines.contains(&"NoNewPrivs:\t1") && lines.contains(&"/project"), "{said}");
    assert!(said.contains("ada") && !said.contains("WRITTEN"), "{said}");
    assert!(lines.contains(&"y") && lines.contains(&"canary value off /config"), "{said}");
    assert_eq!(fs::read_to_string(project.join("file")).unwrap(), "after\n");
    assert_eq!(fs::read_to_string(it.path("work/account")).unwrap(), "ada");
    assert_eq!(fs::read_to_string(it.path(".toolrc")).unwrap(), "the user's");
    // The control: a writable mount is written.
    let policy = engine.policy.clone().project(it.path("work"), "/config/work", SandboxAccess::Writable);
    let (code, said) = engine.run(&policy, &shell("echo x > /config/work/account"));
    assert_eq!((code, fs::read_to_string(it.path("work/account")).unwrap()), (0, "x\n".into()), "{said}");
}

/// R-JACK-068: engines mount by depth, so the order matters only for mounts at the same target.
#[tokio::test]
async fn what_is_mounted_below_another_place_lies_in_that_one_whichever_comes_first() {
    let Some(engine) = Engine::find().await else { return };
    let it = &engine.it;
    let directory = |path: &str| it.write(path, path).parent().unwrap().to_owned();
    let outer = directory("outer/below/file");
    let inner = directory("inner/file");
    let last = directory("last/file");
    let outer = outer.parent().unwrap().to_owned();
    let policy = |first: (&Path, &str), second: (&Path, &str)| {
        let policy = engine.policy.clone().shared_directory(first.0, first.1, SandboxAccess::Writable);
        policy.shared_directory(second.0, second.1, SandboxAccess::Writable)
    };
    let above = (&*outer, "/a");
    let below = (&*inner, "/a/below");
    for policy in [policy(above, below), policy(below, above)] {
        assert_eq!(engine.run(&policy, &shell("tool cat /a/below/file")), (0, "inner/file".into()));
    }
    assert_eq!(
        engine.run(&policy(below, (&last, "/a/below")), &shell("tool cat /a/below/file")),
        (0, "last/file".into())
    );
}
