//! Local tools in containers: what is composed, what a host decides, and what is left behind. With an engine that is a
//! script; with podman, where it is, a container is really run.

use std::{io::Write as _, path::Path};

use serde_json::json;

use crate::{
    program::{Machine, check, contents},
    tooled::{program, signed_in, text, tooled},
};

/// Tells its arguments and its environment, shows what is mounted first and last, and ends as it is told.
const ENGINE: &str = r#"#!/bin/sh
for argument in "$@"; do
  printf 'argument: %s\n' "$argument"
  case "$argument" in
    */.claude.json:*|*/work:*) from="${argument%%:*}"; printf 'mounted: %s\n' "$from"
      [ -f "$from/.credentials.json" ] && echo changed > "$from/.credentials.json" ;;
  esac
done
env
for last in "$@"; do :; done
exit "${last:-0}"
"#;

/// Where the engine and the workspace are, and somebody is signed in.
fn machine() -> (Machine, String) {
    let machine = tooled();
    program(&machine, "podman", ENGINE);
    let work = signed_in(&machine, "work", "ada@example.com");
    machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
    std::fs::create_dir(machine.path("project")).expect("a home can be written");
    (machine, work)
}

const RUN: [&str; 7] = ["run", "claude", "--profile", "work", "--sandbox", "--workspace", "project"];

fn argv(machine: &Machine, more: &[&str]) -> Vec<String> {
    let shown = machine.run(&[&RUN[..], &["--dry-run", "--json"], more].concat()).exits(0).json();
    check(&shown, "run");
    let argv = shown["argv"].as_array().expect("an array").iter();
    argv.map(|word| word.as_str().expect("a text").to_owned()).collect()
}

#[test]
fn the_argument_vector_is_as_the_snapshot() {
    let (machine, work) = machine();
    let mut argv = argv(&machine, &["--", "-p", "a b"]);
    // Who is not root runs it as itself.
    if let Some(at) = argv.iter().position(|argument| *argument == *"--userns=keep-id") {
        argv.drain(at..at + 3);
    }
    let argv = argv.join("\n");
    let argv = argv.replace(&work, "WORK").replace(&text(&machine.path("project")), "PROJECT");
    let expected = "\
podman
run
--rm
--interactive
--http-proxy=false
--cap-drop
ALL
--security-opt
no-new-privileges
--memory
4294967296b
--memory-swap
4294967296b
--pids-limit
512
--volume
PROJECT:/workspace
--volume
WORK:/agent/.claude
--workdir
/workspace
--env
CLAUDE_CONFIG_DIR
--env
CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
--env
HOME=/agent
--entrypoint

localhost/connections/claude:1
claude
-p
a b";
    assert_eq!(argv, expected);
    let shown = machine.run(&[&RUN[..], &["--dry-run"]].concat()).exits(0);
    assert!(shown.out.starts_with("CLAUDE_CONFIG_DIR=/agent/.claude podman run --rm "), "{}", shown.out);
    let env = machine.run(&[&RUN[..], &["--dry-run", "--json"]].concat()).json()["env"].clone();
    assert_eq!(env, json!({"CLAUDE_CONFIG_DIR": "/agent/.claude"}));
    assert!(!machine.data().join("copies").exists(), "a look makes no copy");
}

#[test]
fn the_host_decides_of_engine_image_limits_network_and_volumes() {
    let (mut machine, _) = machine();
    std::fs::create_dir(machine.path("cache")).expect("a home can be written");
    for (name, value) in [
        ("ENGINE", "docker"),
        ("IMAGE__CLAUDE", "localhost/mine:2"),
        ("MEMORY", "256"),
        ("PIDS", "32"),
        ("NETWORK", "none"),
        ("VOLUMES", r#"{"./cache": "/cache:ro", "shared": "/shared"}"#),
    ] {
        let value = value.replace("./cache", &text(&machine.path("cache")));
        machine.set(&format!("CONNECTIONS_SANDBOX__{name}"), &value);
    }
    let argv = argv(&machine, &[]).join(" ");
    assert!(argv.starts_with("docker run "), "{argv}");
    for part in [
        "--memory 268435456b --memory-swap 268435456b --pids-limit 32",
        "--network none",
        &format!("--volume {}:/cache:ro", machine.path("cache").display()),
        "--volume shared:/shared",
        "localhost/mine:2 claude",
    ] {
        assert!(argv.contains(part), "{part}: {argv}");
    }
    assert!(!argv.contains("--privileged"), "{argv}");
}

#[test]
fn what_cannot_be_contained_is_refused_before_anything_starts() {
    let (mut machine, _) = machine();
    machine.run(&["run", "github", "--sandbox"]).exits(6).warns("has no local tool");
    machine.run_example("tools", &["run", "plain", "--sandbox"]).exits(6).warns("kind 'plain' has no container");
    machine.run_example("tools", &["run", "plain", "--dry-run"]).exits(5).warns("'plain' is not installed");
    machine.run_example("tools", &["sandbox", "build", "plain"]).exits(6).warns("has no container");
    machine.run(&["run", "claude", "--sandbox"]).exits(2).warns("/.claude' cannot be mounted: it is not there");
    machine.set("CONNECTIONS_SANDBOX__IMAGE__CLAUDE", "untagged");
    machine.run(&RUN).exits(2).warns("the image 'untagged' has no tag");
    machine.set("CONNECTIONS_SANDBOX__IMAGE__CLAUDE", "localhost/a:1");
    machine.set("CONNECTIONS_SANDBOX__NETWORK", "host");
    machine.run(&RUN).exits(2).warns("the network 'host'");
    machine.set("CONNECTIONS_SANDBOX__NETWORK", "none");
    machine.set("CONNECTIONS_SANDBOX__IMAGE__GONE", "localhost/a:1");
    machine.run(&RUN).exits(2).warns("sandbox.image.gone: there is no kind 'gone'");
}

#[test]
fn an_engine_that_is_not_here_is_told_and_nothing_is_left() {
    let (mut machine, work) = machine();
    machine.set("PATH", &text(&machine.path("nowhere")));
    let error = machine.run(&[&RUN[..], &["--json"]].concat()).exits(5).error();
    assert_eq!(error["error"]["code"], "engine_missing");
    machine.run(&["sandbox", "build", "claude"]).exits(5).warns("'podman', which runs containers, is not installed");
    assert!(left(&machine).is_empty(), "{:?}", left(&machine));
    assert!(Path::new(&work).join(".credentials.json").exists());
}

/// What is left where private copies are made.
fn left(machine: &Machine) -> Vec<std::path::PathBuf> {
    let mut left: Vec<_> = contents(&machine.data().join("copies")).into_iter().map(|(path, _)| path).collect();
    left.retain(|path| !path.ends_with("lock"));
    left
}

#[test]
fn a_contained_tool_writes_to_a_copy_that_goes_with_it() {
    let (machine, work) = machine();
    let ran = machine.run(&[&RUN[..], &["--", "7"]].concat()).exits(7);
    assert_eq!(ran.arguments().last(), Some(&"7"));
    let mounted: Vec<_> = ran.out.lines().filter_map(|line| line.strip_prefix("mounted: ")).collect();
    let copies = text(&machine.data().join("copies"));
    assert!(mounted.iter().all(|path| path.starts_with(&copies)) && !mounted.is_empty(), "{mounted:?}");
    let login = std::fs::read_to_string(Path::new(&work).join(".credentials.json")).expect("it stays");
    assert!(login.contains("claudeAiOauth"), "the person's own is as it was: {login}");
    assert!(left(&machine).is_empty(), "{:?}", left(&machine));
    assert_eq!(ran.variable("CLAUDE_CONFIG_DIR"), Some("/agent/.claude"));
    assert!(!ran.out.contains("CONNECTIONS_"), "{}", ran.out);
    // Nobody is at a terminal here.
    assert!(!ran.arguments().contains(&"--tty"));
}

#[test]
fn an_image_is_built_of_the_file_that_comes_with_its_kind_or_of_another() {
    let (machine, _) = machine();
    program(&machine, "podman", "#!/bin/sh\nfor last in \"$@\"; do :; done\ncat \"$last/Containerfile\" >&2\necho \"$@\" >&2\n");
    let built = machine.run(&["sandbox", "build", "codex", "--json"]).exits(0);
    check(&built.json(), "image");
    assert_eq!(built.json(), json!({"kind": "codex", "engine": "podman", "image": "localhost/connections/codex:1"}));
    assert!(built.err.contains("npm install --global @openai/codex@"), "{}", built.err);
    assert!(built.err.contains("build --tag localhost/connections/codex:1 --file "), "{}", built.err);
    assert!(left(&machine).is_empty(), "{:?}", left(&machine));
    let file = machine.write("mine/Containerfile", b"FROM scratch\n");
    let built = machine.run(&["sandbox", "build", "codex", "--file", &file]).exits(0);
    assert!(built.err.contains("FROM scratch"), "{}", built.err);
    machine.run(&["sandbox", "build", "codex", "--file", "gone/Containerfile"]).exits(5);
    machine.run(&["sandbox", "build", "codex", "--file", "mine"]).exits(2).warns("called Containerfile");
    program(&machine, "podman", "#!/bin/sh\nexit 3\n");
    machine.run(&["sandbox", "build", "codex"]).exits(1).warns("podman could not build the image");
}

/// The images are those of the plugin; the package of this crate has to have its own copy.
#[test]
fn the_files_of_images_are_those_of_the_plugin() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for kind in ["claude", "codex", "gemini"] {
        let read = |directory: &Path| std::fs::read_to_string(directory.join(kind).join("Containerfile")).expect("a file");
        let (ours, plugins) = (read(&root.join("images")), read(&root.join("../../plugins/agent-cli/images")));
        assert_eq!(ours, plugins, "copy plugins/agent-cli/images/{kind}/Containerfile to images of this crate");
    }
}

/// A static program of Debian's package `busybox-static`.
const BUSYBOX: &str = "/bin/busybox";

/// Tells what it sees, and writes where it may.
const CONTAINED: &str = r#"#!/bin/busybox sh
for argument in "$@"; do printf 'argument: %s\n' "$argument"; done
echo "CLAUDE_CONFIG_DIR=$CLAUDE_CONFIG_DIR"
/bin/busybox cat "$CLAUDE_CONFIG_DIR/.claude.json"
/bin/busybox grep -E '^(CapEff|NoNewPrivs)' /proc/self/status
echo changed > "$CLAUDE_CONFIG_DIR/.credentials.json" && echo "wrote the login"
echo made > made && echo "wrote the workspace"
exit 9
"#;

/// Ways to run a container, the usual one first: some machines have an older sort of control groups, and some do not let
/// even root raise a limit.
const WAYS: [&str; 3] = ["", "[engine]\ncgroup_manager=\"cgroupfs\"\n", "[engine]\ncgroup_manager=\"cgroupfs\"\nruntime=\"runc\"\n"];
const LIMITS: &str = "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=1024:1024\"]\n";

/// A machine with an image of its own, where an engine is that runs it; else it says past the capture of the test harness
/// that nothing was shown.
fn contained() -> Option<Machine> {
    let mut machine = tooled();
    let path = machine.path("");
    let name = path.file_name().or(path.components().next_back().map(|part| part.as_os_str())).expect("a directory");
    let name: String = name.to_string_lossy().chars().filter(char::is_ascii_alphanumeric).collect();
    let image = format!("localhost/connections-test/{}:1", name.to_ascii_lowercase());
    machine.write("image/Containerfile", b"FROM scratch\nCOPY busybox claude /bin/\nENV PATH=/bin\n");
    program(&machine, "../image/claude", CONTAINED);
    let mut said = "busybox-static is not installed".to_owned();
    if std::fs::copy(BUSYBOX, machine.path("image/busybox")).is_ok() {
        machine.set("CONNECTIONS_SANDBOX__IMAGE__CLAUDE", &image);
        machine.set("CONNECTIONS_SANDBOX__NETWORK", "none");
        machine.set("CONNECTIONS_SANDBOX__MEMORY", "256");
        let work = signed_in(&machine, "work", "ada@example.com");
        machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
        std::fs::create_dir(machine.path("project")).expect("a home can be written");
        for way in WAYS {
            let configuration = machine.write("containers.conf", format!("{LIMITS}{way}").as_bytes());
            machine.set("CONTAINERS_CONF", &configuration);
            let built = machine.run(&["sandbox", "build", "claude", "--file", "image/Containerfile"]);
            let ran = machine.run(&RUN);
            if (built.exit, ran.exit) == (0, 9) {
                return Some(machine);
            }
            said = format!("{}{}", built.err, ran.err);
        }
    }
    let message = format!("\n\nSKIPPED: no container was run, since {}\n\n", said.trim());
    std::io::stderr().write_all(message.as_bytes()).unwrap_or_default();
    None
}

/// Where podman is and runs; an image of one program, since no base can be had.
#[test]
fn a_container_is_really_run_where_an_engine_is() {
    let Some(machine) = contained() else { return };
    let image = argv(&machine, &[]).into_iter().find(|word| word.contains("/connections-test/")).expect("an image");
    let ran = machine.run(&[&RUN[..], &["--", "-p", "a b"]].concat());
    let removed = machine.command_of_system("podman").args(["rmi", "--force", &image]).output();
    assert!(removed.is_ok_and(|removed| removed.status.success()), "the image is of this test alone");
    let ran = ran.exits(9);
    assert_eq!(ran.arguments(), ["-p", "a b"]);
    assert_eq!(ran.variable("CLAUDE_CONFIG_DIR"), Some("/agent/.claude"));
    let ran = ran.says("ada@example.com").says("wrote the login").says("wrote the workspace");
    ran.says("CapEff:\t0000000000000000").says("NoNewPrivs:\t1");
    let login = std::fs::read_to_string(machine.path("work/.credentials.json")).expect("it stays");
    assert!(login.contains("claudeAiOauth"), "{login}");
    assert_eq!(std::fs::read_to_string(machine.path("project/made")).expect("it was made"), "made\n");
    assert!(left(&machine).is_empty(), "{:?}", left(&machine));
}
