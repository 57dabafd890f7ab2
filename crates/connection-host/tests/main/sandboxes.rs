//! Local tools in containers: the composed arguments, the settings of the host, and what remains afterwards. The
//! engine is a script. If podman is installed, a container really runs.

use std::{io::Write as _, path::Path};

use connection_faults::podman;
use serde_json::json;

use crate::{
    copies::left,
    program::{Machine, check},
    tooled::{program, signed_in, text, tooled},
};

/// An engine that prints its arguments, what is mounted, and its environment, and ends with its last argument as the
/// exit code. It also tries to change a mounted login.
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

/// Returns a machine with the engine, a workspace and a profile that is signed in, and the profile's directory.
pub(crate) fn machine() -> (Machine, String) {
    with_engine(tooled())
}

/// Puts the key of the database into a variable, and returns the key.
fn set_key(machine: &mut Machine) -> String {
    let key = connection_contract::encode::base64(&[7; 32]);
    machine.set("CONNECTIONS_KEY__VARIABLE", "APP_KEY");
    machine.set("APP_KEY", &key);
    key
}

fn with_engine(machine: Machine) -> (Machine, String) {
    program(&machine, "podman", ENGINE);
    let work = signed_in(&machine, "work", "ada@example.com");
    machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
    std::fs::create_dir(machine.path("project")).expect("a home can be written");
    (machine, work)
}

pub(crate) const RUN: [&str; 7] = ["run", "claude", "--profile", "work", "--sandbox", "--workspace", "project"];

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
    // The container runs as the user of this test. `--userns=keep-id` is left out for root alone.
    let keeps_ids = argv.iter().position(|argument| *argument == *"--userns=keep-id").map(|at| argv.remove(at));
    let at = argv.iter().position(|argument| *argument == *"--user").expect("as somebody");
    let user: Vec<_> = argv.drain(at..at + 2).collect();
    assert_eq!(user[1].starts_with("0:"), keeps_ids.is_none(), "{user:?}");
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
        ("CPUS", "1.5"),
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
        "--memory 268435456b --memory-swap 268435456b --pids-limit 32 --cpus 1.500",
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
fn processors_are_bounded_for_either_engine_and_by_no_number_that_is_none() {
    for engine in ["docker", "podman"] {
        let (mut machine, _) = machine();
        assert!(argv(&machine, &[]).iter().all(|argument| argument != "--cpus"), "nothing was said");
        machine.configure(&format!("[sandbox]\nengine = \"{engine}\"\ncpus = 2\n"));
        let of_file = argv(&machine, &[]).join(" ");
        assert!(of_file.starts_with(&format!("{engine} ")) && of_file.contains(" --cpus 2.000 "), "{of_file}");
        machine.set("CONNECTIONS_SANDBOX__CPUS", "0.25");
        let of_environment = argv(&machine, &[]).join(" ");
        assert!(of_environment.contains(" --cpus 0.250 "), "{of_environment}");
        machine.set("CONNECTIONS_SANDBOX__CPUS", "0");
        let refused = machine.run(&RUN).exits(2).warns("CONNECTIONS_SANDBOX__CPUS");
        refused.warns("must be a number of processors from 0.01 to 4096, as in 1.5");
    }
}

#[test]
fn what_cannot_be_contained_is_refused_before_anything_starts() {
    let (mut machine, _) = machine();
    machine.run(&["run", "github", "--sandbox"]).exits(6).warns("has no local tool");
    machine.run_example("tools", &["run", "plain", "--sandbox"]).exits(6).warns("kind 'plain' has no container");
    machine.run_example("tools", &["run", "plain", "--dry-run"]).exits(5).warns("'plain' is not installed");
    machine.run_example("tools", &["sandbox", "build", "plain"]).exits(6).warns("has no container");
    let missing = machine.run(&["run", "claude", "--sandbox", "--workspace", "project"]).exits(2);
    missing.warns("/.claude' cannot be mounted: it does not exist").warns("pass a token in a variable");
    machine.set("CONNECTIONS_SANDBOX__IMAGE__CLAUDE", "untagged");
    machine.run(&RUN).exits(2).warns("the image 'untagged' has no tag");
    machine.set("CONNECTIONS_SANDBOX__IMAGE__CLAUDE", "localhost/a:1");
    machine.set("CONNECTIONS_SANDBOX__NETWORK", "host");
    machine.run(&RUN).exits(2).warns("the network 'host'");
    machine.set("CONNECTIONS_SANDBOX__NETWORK", "none");
    machine.set("CONNECTIONS_SANDBOX__IMAGE__GONE", "localhost/a:1");
    machine.run(&RUN).exits(2).warns("sandbox.image.gone: unknown kind 'gone'");
}

/// The login in the home belongs to the person who runs the program.
#[test]
fn another_owner_runs_a_tool_as_its_own_profile_or_not_at_all() {
    let (machine, work) = machine();
    let home = signed_in(&machine, ".claude", "eve@example.com");
    let bob = |arguments: &[&str]| machine.run(&[&["--owner", "bob"], arguments].concat());
    let sandboxed = ["run", "claude", "--sandbox", "--workspace", "project", "--dry-run", "--json"];
    for arguments in [&sandboxed[..], &["run", "claude", "--dry-run", "--json"]] {
        let refused = bob(arguments).exits(6).error();
        assert_eq!(refused["error"]["code"], "no_home");
        assert!(refused["error"]["remedy"].as_str().is_some_and(|remedy| remedy.starts_with("create a profile")));
    }
    bob(&["profiles", "create", "claude", "own", "--dir", &work]).exits(0);
    let shown = bob(&sandboxed).exits(0).out;
    assert!(shown.contains(&format!("{work}:/agent/.claude")) && !shown.contains(&home), "{shown}");
    // The control: the person who runs the program gets that login.
    let own = machine.run(&sandboxed).exits(0).out;
    assert!(own.contains(&format!("{home}:/agent/.claude")), "{own}");
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

/// A file beside the tool's default directory is found only if no variable names the directory.
#[test]
fn the_tools_own_profile_is_in_the_container_as_it_is_at_home() {
    let (mut machine, _) = machine();
    signed_in(&machine, ".claude", "own@example.com");
    let beside = machine.write(".claude.json", b"{}");
    machine.set("CLAUDE_CONFIG_DIR", "/elsewhere");
    let argv = |more: &[&str]| {
        let run = [&["run", "claude", "--sandbox", "--workspace", "project", "--dry-run", "--json"], more].concat();
        let shown = machine.run(&run).exits(0).json();
        assert_eq!((&shown["env"], &shown["without"]), (&json!({}), &json!([])));
        shown["argv"].to_string()
    };
    for argv in [argv(&[]), argv(&["--profile", "Default"])] {
        assert!(!argv.contains("CLAUDE_CONFIG_DIR"), "{argv}");
        for part in
            [format!("\"{beside}:/agent/.claude.json\""), "/.claude:/agent/.claude\"".into(), "\"HOME=/agent\"".into()]
        {
            assert!(argv.contains(&part), "{part}: {argv}");
        }
    }
}

/// A tool needs a token if its login is in a keychain or must not be copied.
#[test]
fn a_variable_that_is_named_is_handed_to_the_container_and_its_value_is_in_no_argument() {
    let mut machine = tooled();
    set_key(&mut machine);
    let (mut machine, _) = with_engine(machine);
    for (name, value) in [("CLAUDE_CODE_OAUTH_TOKEN", "the token"), ("CLAUDE_CONFIG_DIR", "/a")] {
        machine.set(name, value);
    }
    machine.set("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "0");
    let given = [&RUN[..], &["--env", "CLAUDE_CODE_OAUTH_TOKEN"]].concat();
    let ran = machine.run(&[&given[..], &["--", "0"]].concat()).exits(0);
    let arguments = ran.arguments();
    assert!(arguments.windows(2).any(|pair| pair == ["--env", "CLAUDE_CODE_OAUTH_TOKEN"]), "{arguments:?}");
    assert_eq!(ran.variable("CLAUDE_CODE_OAUTH_TOKEN"), Some("the token"), "the engine hands it on");
    assert!(arguments.iter().all(|argument| !argument.contains("the token")), "{arguments:?}");
    let shown = machine.run(&[&given[..], &["--dry-run"]].concat()).exits(0);
    assert!(shown.out.contains(" --env CLAUDE_CODE_OAUTH_TOKEN ") && !shown.out.contains("the token"), "{}", shown.out);
    let shape = machine.run(&[&given[..], &["--dry-run", "--json"]].concat()).exits(0).json();
    assert_eq!(shape["env"], json!({"CLAUDE_CONFIG_DIR": "/agent/.claude"}));
    let refused = |name: &str, why: &str| {
        machine.run(&[&RUN[..], &["--env", name]].concat()).exits(2).warns(why);
    };
    refused("GONE", "the variable 'GONE' is not set here");
    refused("TOKEN=hunter2", "--env takes only the name of a variable");
    refused("CLAUDE_CONFIG_DIR", "the profile sets it");
    refused("APP_KEY", "it is only for this program");
    refused("CONNECTIONS_KEY__VARIABLE", "it is only for this program");
    refused("PATH", "the engine or the host uses it");
    refused("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "the kind sets its own value");
    machine.run(&["run", "claude", "--env", "PATH"]).exits(2).warns("--sandbox");
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
    // This test has no terminal.
    assert!(!ran.arguments().contains(&"--tty"));
}

#[test]
fn an_image_is_built_of_the_file_that_comes_with_its_kind_or_of_another() {
    let mut machine = tooled();
    let key = set_key(&mut machine);
    machine.set("EDITOR", "vi");
    let engine = "#!/bin/sh\nfor last in \"$@\"; do :; done\n[ \"$last\" = - ] || exec < \"$last/Containerfile\"\n\
                  { cat; echo \"$@\"; env; } >&2\n";
    program(&machine, "podman", engine);
    let built = machine.run(&["sandbox", "build", "codex", "--json"]).exits(0);
    check(&built.json(), "image");
    assert_eq!(built.json(), json!({"kind": "codex", "engine": "podman", "image": "localhost/connections/codex:1"}));
    assert!(built.err.contains("npm install --global @openai/codex@"), "{}", built.err);
    assert!(built.err.contains("build --tag localhost/connections/codex:1 -\n"), "{}", built.err);
    // The file is passed on standard input and written nowhere, so an interrupted build leaves nothing.
    assert!(!machine.data().join("copies").exists());
    // The engine gets the variables of the person, and none of this program.
    assert!(built.err.contains("EDITOR=vi\n") && built.err.contains("PATH="), "{}", built.err);
    assert!(["CONNECTIONS_", "APP_KEY", &key].iter().all(|ours| !built.err.contains(ours)), "{}", built.err);
    let file = machine.write("mine/Containerfile", b"FROM scratch\n");
    let built = machine.run(&["sandbox", "build", "codex", "--file", &file]).exits(0);
    assert!(built.err.contains("FROM scratch"), "{}", built.err);
    machine.run(&["sandbox", "build", "codex", "--file", "gone/Containerfile"]).exits(5);
    machine.run(&["sandbox", "build", "codex", "--file", "mine"]).exits(2).warns("called Containerfile");
    program(&machine, "podman", "#!/bin/sh\nexit 3\n");
    machine.run(&["sandbox", "build", "codex"]).exits(1).warns("podman could not build the image");
}

/// A static program of Debian's package `busybox-static`.
const BUSYBOX: &str = "/bin/busybox";

/// The tool in the container. It prints what it sees, writes where it may, and finds its configuration as the real one
/// does.
const CONTAINED: &str = r#"#!/bin/busybox sh
for argument in "$@"; do printf 'argument: %s\n' "$argument"; done
echo "CLAUDE_CONFIG_DIR=$CLAUDE_CONFIG_DIR"
/bin/busybox cat "${CLAUDE_CONFIG_DIR:-$HOME}/.claude.json"
/bin/busybox grep -E '^(CapEff|NoNewPrivs)' /proc/self/status
echo changed > "${CLAUDE_CONFIG_DIR:-$HOME/.claude}/.credentials.json" && echo "wrote the login"
echo made > made && echo "wrote the workspace"
exit 9
"#;

/// Configurations for running a container, the usual one first. Some machines have older control groups, and some do
/// not let even root raise a limit.
const WAYS: [&str; 3] =
    ["", "[engine]\ncgroup_manager=\"cgroupfs\"\n", "[engine]\ncgroup_manager=\"cgroupfs\"\nruntime=\"runc\"\n"];
const LIMITS: &str = "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=1024:1024\"]\n";

/// Returns a machine with an image of its own, if an engine can run it here. Otherwise prints a message that the
/// harness does not capture.
fn contained() -> Option<Machine> {
    let mut machine = tooled();
    let path = machine.path("");
    let name = path.file_name().or(path.components().next_back().map(|part| part.as_os_str())).expect("a directory");
    let name: String = name.to_string_lossy().chars().filter(char::is_ascii_alphanumeric).collect();
    let image = format!("localhost/connections-test/{}:1", name.to_ascii_lowercase());
    machine.write("image/Containerfile", b"FROM scratch\nCOPY busybox claude /bin/\nENV PATH=/bin\nUSER 1000:1000\n");
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
            let engine = || machine.command_of_system("podman");
            if let Err(why) = podman::runs("localhost/connections-test/probe-of-host:1", "image", engine) {
                said = why;
                continue;
            }
            // The engine runs the image when it is called directly, so the program must run it too.
            machine.run(&["sandbox", "build", "claude", "--file", "image/Containerfile"]).exits(0);
            machine.run(&RUN).exits(9);
            return Some(machine);
        }
    }
    let message = format!("\n\nSKIPPED: no container was run, since {}\n\n", said.trim());
    std::io::stderr().write_all(message.as_bytes()).unwrap_or_default();
    None
}

/// Runs where podman works. The image consists of one program, because no base image can be downloaded.
#[test]
fn a_container_is_really_run_where_an_engine_is() {
    let Some(machine) = contained() else { return };
    let image = argv(&machine, &[]).into_iter().find(|word| word.contains("/connections-test/")).expect("an image");
    let ran = machine.run(&[&RUN[..], &["--", "-p", "a b"]].concat());
    signed_in(&machine, ".claude", "nobody@example.com");
    machine.write(".claude.json", br#"{"oauthAccount": {"emailAddress": "own@example.com"}}"#);
    let own = machine.run(&["run", "claude", "--profile", "Default", "--sandbox", "--workspace", "project"]);
    let removed = machine.command_of_system("podman").args(["rmi", "--force", &image]).output();
    assert!(removed.is_ok_and(|removed| removed.status.success()), "the image is of this test alone");
    let own = own.exits(9).says("own@example.com").says("wrote the login");
    assert_eq!(own.variable("CLAUDE_CONFIG_DIR"), Some(""));
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
