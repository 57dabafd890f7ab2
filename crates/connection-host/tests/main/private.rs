//! The protection of private data: files that others can access, the place of the key, and the memory of the process.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{
    io::{BufRead as _, BufReader},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    program::{Machine, Ran, on_postgres},
    tooled::{program, tooled},
};

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_configuration_that_others_can_change_is_not_followed_and_doctor_tells_it() {
    let machine = Machine::new();
    // The configuration names a program, which must not run.
    let ran = machine.path("ran");
    program(&machine, "steal", &format!("#!/bin/sh\ntouch {}\n", ran.display()));
    machine.configure(&format!("[key]\ncommand = [{:?}]\n", machine.path("bin/steal")));
    let config = machine.path("config.toml");
    set_mode(&config, 0o622);
    let way_out = format!("chmod go-w {}", config.display());
    for command in [&["list"][..], &["add", "github"], &["key"], &["serve"], &["kinds"]] {
        machine.run(command).exits(6).warns("can be changed by other users").warns(&way_out);
    }
    machine.run(&["doctor"]).exits(1).says("failed  configuration").says(&way_out);
    let report = machine.run(&["doctor", "--json"]).exits(1).json();
    assert_eq!((&report["ok"], &report["checks"][0]["check"]), (&false.into(), &"configuration".into()));
    let error = machine.run(&["list", "--json"]).exits(6).error();
    assert_eq!(error["error"]["code"], "configuration_exposed");
    assert!(!ran.exists() && !machine.data().exists());
    // The control: the program runs if only the owner can change the configuration.
    set_mode(&config, 0o644);
    machine.add_github("work").exits(6).warns("steal");
    assert!(ran.exists());
}

#[test]
fn a_database_that_others_can_read_is_refused_and_doctor_tells_it() {
    if on_postgres() {
        return;
    }
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let file = machine.data().join("store/connections.db");
    for mode in [0o644, 0o602] {
        set_mode(&file, mode);
        let way_out = format!("chmod 600 {}", file.display());
        machine.run(&["list"]).exits(6).warns("is not private").warns(&way_out);
        machine.run(&["doctor"]).exits(1).says("failed  database").says(&way_out);
    }
    set_mode(&file, 0o600);
    machine.run(&["list"]).exits(0).says("work");
}

/// Runs the program where a passphrase of root with this mode is on a file system in memory, as containers get theirs.
#[cfg(target_os = "linux")]
fn in_container(machine: &Machine, mode: &str, arguments: &[&str]) -> Ran {
    let script = "mount -t tmpfs -o mode=755 secrets \"$1\" && printf %s \"$3\" >\"$1/words\" && \
                  chmod \"$2\" \"$1/words\" && mount -o remount,ro \"$1\" && shift 3 && exec \"$@\"";
    let mut command = machine.command_of_system("unshare");
    command.arg("--mount");
    // Without root, the user is root in a namespace of its own.
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["sh", "-c", script, "sh"]).arg(machine.path("secrets"));
    command.args([mode, "correct horse battery staple", env!("CARGO_BIN_EXE_connections")]).args(arguments);
    Ran::of(arguments, command.output().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn a_secret_of_root_that_a_container_got_in_memory_is_accepted_and_doctor_tells_it() {
    let machine = Machine::new();
    std::fs::create_dir(machine.path("secrets")).unwrap();
    let secret = machine.path("secrets/words");
    let provider = std::fs::read_to_string(machine.path("config.toml")).unwrap();
    machine.configure(&format!("{provider}[key]\npassphrase_file = {secret:?}\n"));
    let token = machine.write("token", format!("{}\n", crate::provider::TOKEN).as_bytes());
    let field = format!("accessToken=@{token}");
    let add = ["add", "github", "--field", &field];
    // Somebody else could write these, if the file system were not read-only.
    for mode in ["666", "464", "446"] {
        let refused = in_container(&machine, mode, &add).exits(6).warns("can be read or changed by other users");
        let refused = refused.warns("mode=0400").warns("defaultMode: 0440").warns("Compose ignores both");
        assert!(!refused.err.contains("chmod 600"), "{}", refused.err);
    }
    in_container(&machine, "444", &add).exits(0);
    for mode in ["444", "644"] {
        in_container(&machine, mode, &["list"]).exits(0).says("octocat");
        let doctor = in_container(&machine, mode, &["doctor"]).exits(0).says("ok      secrets");
        doctor.says(&secret.display().to_string()).says("mode=0400");
    }
    let doctor = in_container(&machine, "440", &["doctor"]).exits(0);
    assert!(!doctor.out.contains("secrets  "), "{}", doctor.out);
}

/// Runs the program as a person who has set nothing but a home.
fn at_home(machine: &Machine, arguments: &[&str]) -> Ran {
    let mut command = machine.command();
    command.env_remove("CONNECTIONS_DATA_DIR").env("XDG_DATA_HOME", machine.path("share"));
    command.env("XDG_CONFIG_HOME", machine.path("conf")).args(arguments);
    Ran::of(arguments, command.output().unwrap())
}

#[test]
#[cfg(not(target_os = "macos"))]
fn key_and_database_are_apart_unless_a_data_directory_is_named() {
    let machine = Machine::new();
    let token = machine.write("token", format!("{}\n", crate::provider::TOKEN).as_bytes());
    let field = format!("accessToken=@{token}");
    let add = ["add", "github", "--field", &field];
    at_home(&machine, &add).exits(0);
    let apart = machine.path("conf/connections/key/root.key");
    let inside = machine.path("share/connections/key/root.key");
    assert!(apart.exists() && !inside.exists());
    assert!(on_postgres() || machine.path("share/connections/store/connections.db").exists());
    for private in ["conf/connections/key", "conf/connections/key/root.key"] {
        assert_eq!(machine.path(private).metadata().unwrap().permissions().mode() & 0o077, 0, "{private}");
    }
    let ran = at_home(&machine, &["doctor"]).exits(0).says("root.key");
    assert!(!ran.out.contains("holds both"), "{}", ran.out);
    // The same directory is named. Its missing key is not made beside the database.
    let share = machine.path("share/connections");
    let named = ["--data-dir", share.to_str().unwrap(), "list"];
    at_home(&machine, &named).exits(6).warns(apart.to_str().unwrap());
    assert!(!inside.exists(), "no second key");
    // The reverse: a directory that was named once is used without its name.
    std::fs::create_dir_all(inside.parent().unwrap()).unwrap();
    std::fs::rename(&apart, &inside).unwrap();
    at_home(&machine, &named).exits(0).says("octocat");
    let refused = at_home(&machine, &["list"]).exits(6).warns(apart.to_str().unwrap()).warns("key.file");
    assert!(!apart.exists(), "no second key");
    // The command in the message solves the problem.
    let way_out = refused.err.split("move it: ").nth(1).unwrap().split("; else").next().unwrap();
    assert!(Command::new("sh").args(["-c", way_out]).status().unwrap().success(), "{way_out}");
    at_home(&machine, &["list"]).exits(0).says("octocat");
    if !on_postgres() {
        // A directory that is named holds both, and `doctor` says so.
        machine.add_github("work").exits(0);
        machine.run(&["doctor"]).exits(0).says("would hold the database and its key").says("key.file");
    }
}

/// Returns the soft limit of core files that the system reports for a process.
#[cfg(target_os = "linux")]
fn core_limit(process: u32) -> String {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    line.split_whitespace().next().unwrap().to_owned()
}

/// Returns the command of a shell that allows core files and then becomes `connections`.
#[cfg(target_os = "linux")]
fn with_cores(machine: &Machine, arguments: &[&str]) -> Command {
    let mut command = machine.command_of_system("sh");
    command.args(["-c", "ulimit -S -c \"$(ulimit -H -c)\" && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_connections")]);
    command.args(arguments);
    command
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_holds_secrets_leaves_no_core_file_and_its_memory_is_root_s() {
    use std::os::unix::fs::MetadataExt as _;
    let machine = Machine::new();
    let mut command = with_cores(&machine, &["serve", "--json"]);
    command.env("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0").stdout(Stdio::piped());
    // Everything of a process of root belongs to root, so the program runs as another user.
    let other = rustix::process::geteuid().is_root();
    if other {
        for place in [machine.path(""), machine.path("configuration"), machine.path("config.toml")] {
            std::os::unix::fs::chown(place, Some(65_534), Some(65_534)).unwrap();
        }
        command.uid(65_534).gid(65_534);
    }
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("listening"), "{line}");
    let limit = core_limit(child.id());
    let owner = Path::new("/proc").join(child.id().to_string()).join("environ");
    let owner = owner.metadata().unwrap().uid();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((&*limit, owner), ("0", 0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_is_run_has_the_limit_of_the_user() {
    let machine = tooled();
    program(&machine, "claude", "#!/bin/sh\nulimit -S -c\n");
    let hard = Command::new("sh").args(["-c", "ulimit -H -c"]).output().unwrap();
    let hard = String::from_utf8(hard.stdout).unwrap();
    assert_ne!(hard, "0\n", "these tests need to be allowed core files");
    let mut command = with_cores(&machine, &["run", "claude"]);
    assert_eq!(String::from_utf8(command.output().unwrap().stdout).unwrap(), hard);
    // The control: core files that the user has switched off stay off.
    let mut command = machine.command_of_system("sh");
    let connections = env!("CARGO_BIN_EXE_connections");
    command.args(["-c", "ulimit -S -c 0 && exec \"$@\"", "sh", connections, "run", "claude"]);
    assert_eq!(String::from_utf8(command.output().unwrap().stdout).unwrap(), "0\n");
}
