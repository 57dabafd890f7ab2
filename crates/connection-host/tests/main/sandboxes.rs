//! Local tools in containers: what is composed, what a host decides, and what is left behind. With an engine that is a
//! script; with podman, where it is, a container is really run.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::{
    program::{Machine, Ran, check, contents},
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
    let argv = argv(&machine, &["--", "-p", "a b"]).join("\n");
    let argv = argv.replace(&work, "WORK").replace(&text(&machine.path("project")), "PROJECT");
    let expected = "\
podman
run
--rm
--interactive
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

/// Tells what it sees, and writes where it may and where it may not.
const CONTAINED: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **arguments) {
    for (int i = 1; i < count; i++) printf("argument: %s\n", arguments[i]);
    const char *directory = getenv("CLAUDE_CONFIG_DIR");
    printf("CLAUDE_CONFIG_DIR=%s\n", directory ? directory : "");
    char path[4096], line[4096];
    snprintf(path, sizeof path, "%s/.claude.json", directory ? directory : "");
    FILE *account = fopen(path, "r");
    if (account && fgets(line, sizeof line, account)) printf("account: %s\n", line);
    FILE *login = fopen("/agent/.claude/.credentials.json", "w");
    if (login) { fputs("changed", login); fclose(login); puts("wrote the login"); }
    FILE *made = fopen("made", "w");
    if (made) { fputs("made", made); fclose(made); puts("wrote the workspace"); }
    printf("a shell: %d\n", access("/bin/sh", F_OK) == 0);
    return 9;
}
"#;

/// Where podman is and runs; an image of one program, since no base can be had.
#[test]
fn a_container_is_really_run_where_an_engine_is() {
    let machine = tooled();
    let skip = |why: &str| {
        // Past what the test harness captures.
        let message = format!("\n\nSKIPPED: a run in a real container ({why}).\n\n");
        std::io::stderr().write_all(message.as_bytes()).unwrap_or_default();
    };
    let answers = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !answers("podman", &["info"]) {
        return skip("no podman that works");
    }
    let source = machine.write("image/tool.c", CONTAINED.as_bytes());
    let binary = text(&machine.path("image/claude"));
    if !answers("cc", &["-static", "-o", &binary, &source]) {
        return skip("nothing links statically");
    }
    machine.write("image/Containerfile", b"FROM scratch\nCOPY claude /usr/bin/claude\n");
    let image = format!("localhost/connections-test/{}:1", machine.path("").components().next_back().map_or_else(String::new, |name| name.as_os_str().to_string_lossy().trim_start_matches('.').to_ascii_lowercase()));
    let mut machine = machine;
    machine.set("CONNECTIONS_SANDBOX__IMAGE__CLAUDE", &image);
    machine.set("CONNECTIONS_SANDBOX__NETWORK", "none");
    let work = signed_in(&machine, "work", "ada@example.com");
    machine.run(&["profiles", "create", "claude", "work", "--dir", &work]).exits(0);
    std::fs::create_dir(machine.path("project")).expect("a home can be written");
    machine.run(&["sandbox", "build", "claude", "--file", "image/Containerfile"]).exits(0).says(&image);
    let ran = machine.run(&[&RUN[..], &["--", "-p", "a b"]].concat());
    drop(answers("podman", &["rmi", "--force", &image]));
    let ran: Ran = ran.exits(9);
    assert_eq!(ran.arguments(), ["-p", "a b"]);
    assert_eq!(ran.variable("CLAUDE_CONFIG_DIR"), Some("/agent/.claude"));
    ran.says("account: {\"oauthAccount\"").says("wrote the login").says("wrote the workspace").says("a shell: 0");
    let login = std::fs::read_to_string(machine.path("work/.credentials.json")).expect("it stays");
    assert!(login.contains("claudeAiOauth"), "{login}");
    assert_eq!(std::fs::read_to_string(machine.path("project/made")).expect("it was made"), "made");
    assert!(left(&machine).is_empty(), "{:?}", left(&machine));
}
