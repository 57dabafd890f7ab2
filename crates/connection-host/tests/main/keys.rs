//! Keys from the command line: showing and rotating a key, the sources of keys, and moving to another source.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use serde_json::Value;

use crate::program::{Machine, Ran};

const HEX: &str = "fbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfb";

/// Replaces the section `[key]` in the configuration of the machine.
fn configure(machine: &Machine, key: &str) {
    let file = machine.path("config.toml");
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.split("\n[key]\n").next().unwrap();
    machine.write("config.toml", format!("{text}\n[key]\n{key}\n").as_bytes());
}

fn key(machine: &Machine) -> Value {
    machine.run(&["key", "--json"]).exits(0).json()
}

/// Asserts that the output does not show the key.
#[track_caller]
fn quiet(ran: Ran) -> Ran {
    assert!(!ran.out.contains(HEX) && !ran.err.contains(HEX), "{ran:?}");
    ran
}

fn live(machine: &Machine) {
    quiet(machine.run(&["verify", "--all"])).exits(0).says("live");
}

#[test]
fn a_fresh_machine_has_no_key_to_show_and_gets_none() {
    let machine = Machine::new();
    for command in [&["key"][..], &["key", "rotate"], &["key", "change", "--to-source", "file"]] {
        machine.run(command).exits(6).warns("no keys yet");
    }
    assert!(!machine.data().exists());
}

/// R-INSEAM-049
#[test]
fn the_key_is_shown_and_rotated_and_doctor_says_which() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let before = key(&machine);
    let wrapped = before["wrappedBy"].as_str().unwrap();
    let sealing = before["key"].as_str().unwrap();
    assert!(before["source"].as_str().unwrap().ends_with("data/key/root.key"), "{before}");
    assert_eq!((&before["remaining"], before["retired"].as_array().unwrap().len()), (&0.into(), 0));
    for command in ["key", "doctor"] {
        machine.run(&[command]).exits(0).says(wrapped).says(sealing).says("slot a").says("root.key");
    }
    let rotation = machine.run(&["key", "rotate", "--json"]).exits(0).json();
    assert_ne!(rotation["key"], before["key"]);
    assert_eq!(
        (&rotation["remaining"], &rotation["unreadable"], &rotation["resumed"]),
        (&0.into(), &0.into(), &false.into())
    );
    let after = key(&machine);
    assert_eq!((&after["key"], &after["retired"][0]), (&rotation["key"], &before["key"]));
    assert_eq!(after["wrappedBy"], before["wrappedBy"]);
    live(&machine);
    machine.run(&["key", "rotate"]).exits(0).says("Rotated to key").says("sealed again");
    live(&machine);
}

#[test]
fn a_key_in_the_environment_is_used_and_no_file_is_made() {
    let mut machine = Machine::new();
    machine.set("CONNECTIONS_KEY__VARIABLE", "APP_KEY");
    machine.run(&["doctor"]).exits(0);
    quiet(machine.add_github("work")).exits(6).warns("environment APP_KEY");
    machine.set("APP_KEY", &HEX[2..]);
    quiet(machine.add_github("work")).exits(6).warns("environment APP_KEY");
    machine.set("APP_KEY", HEX);
    quiet(machine.add_github("work")).exits(0);
    assert!(!machine.data().join("key").exists());
    quiet(machine.run(&["doctor"])).exits(0).says("environment APP_KEY");
    assert_eq!(key(&machine)["source"], "environment APP_KEY");
    live(&machine);
}

/// If one of the sources won silently, the wrong one would lock the database.
#[test]
fn sources_that_disagree_are_refused_with_both_names_and_keys() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let of_file = key(&machine)["wrappedBy"].as_str().unwrap().to_owned();
    // The database belongs to the key file of the machine, and another source is configured.
    let mut other = machine;
    other.set("CONNECTIONS_KEY__VARIABLE", "APP_KEY");
    other.set("APP_KEY", HEX);
    for command in [&["list"][..], &["key"], &["key", "rotate"]] {
        quiet(other.run(command)).exits(6).warns("environment APP_KEY").warns("root.key").warns(&of_file);
    }
    other.run(&["doctor"]).exits(1).says("failed  key").says(&of_file);
    // Two sources are configured, and `key.source` does not choose between them.
    let usual = other.data().join("key/root.key");
    configure(&other, &format!("file = {:?}", usual.to_str().unwrap()));
    other.run(&["list"]).exits(2).warns("key.file").warns("key.variable").warns("key.source");
    // One source is chosen, and the other one holds another key.
    configure(&other, &format!("source = \"file\"\nfile = {:?}", usual.to_str().unwrap()));
    quiet(other.run(&["list"])).exits(6).warns("environment APP_KEY").warns(&of_file);
    // The sources still disagree after the database has moved. It opens when one of them is removed.
    quiet(other.run(&["key", "change", "--to-source", "environment"])).exits(0).says("environment APP_KEY");
    configure(&other, "source = \"environment\"");
    live(&other);
}

#[cfg(unix)]
#[test]
fn a_database_moves_from_source_to_source() {
    let mut machine = Machine::new();
    machine.set("APP_KEY", HEX);
    machine.set("UNSEEN", "1");
    machine.add_github("work").exits(0);
    let change = |to: &[&str]| quiet(machine.run(&[&["key", "change", "--to-source"][..], to].concat())).exits(0);
    change(&["environment", "--to-variable", "APP_KEY"]).says("Moved to environment APP_KEY").warns("key.source");
    machine.run(&["list"]).exits(6);
    configure(&machine, "variable = \"APP_KEY\"");
    live(&machine);
    // A command that provides the key sees the variables that it needs, and no others.
    let print =
        format!("test -z \"$APP_KEY$UNSEEN$CONNECTIONS_DATA_DIR\" && test -n \"$HOME\" && echo {}", "ab".repeat(32));
    machine.write("print.sh", print.as_bytes());
    let script = machine.path("print.sh");
    let command = format!("[\"/bin/sh\", {script:?}]");
    change(&["command", "--to-command", &command]).says("Moved to command /bin/sh");
    configure(&machine, &format!("command = {command}"));
    live(&machine);
    let pair = ["[\"base64\"]", "[\"base64\", \"-d\"]"];
    change(&["command", "--to-wrap", pair[0], "--to-unwrap", pair[1]]).says("Moved to command base64");
    configure(&machine, &format!("wrap = {}\nunwrap = {}", pair[0], pair[1]));
    live(&machine);
    machine.run(&["key", "rotate"]).exits(0);
    live(&machine);
    configure(&machine, &format!("wrap = {}\nunwrap = [\"false\"]", pair[0]));
    machine.run(&["list"]).exits(6).warns("ended with exit code 1").warns("by hand");
    configure(&machine, &format!("wrap = {}", pair[0]));
    machine.run(&["list"]).exits(2).warns("key.unwrap");
    configure(&machine, &format!("wrap = {}\nunwrap = {}", pair[0], pair[1]));
    change(&["file"]);
    configure(&machine, "");
    live(&machine);
    let changed = machine.run(&["key", "change", "--to-source", "file", "--json"]).exits(0).json();
    assert_eq!(changed["changed"], false);
    for wrong in ["[]", "printf x", "[1]", "[\"\"]"] {
        let ran = machine.run(&["key", "change", "--to-source", "command", "--to-command", wrong]);
        ran.exits(2).warns("--to-command takes a JSON array");
    }
    machine
        .run(&["key", "change", "--to-source", "vault"])
        .exits(2)
        .warns("file, environment, command, keyring or passphrase");
    machine.run(&["key", "change", "--to-source", "environment"]).exits(2).warns("key.variable");
}

/// The programs of key services need the variables of their accounts.
#[cfg(unix)]
#[test]
fn a_command_receives_the_variables_that_are_named_and_its_error_says_so() {
    let mut machine = Machine::new();
    machine.set("TOKEN_OF_VAULT", "1");
    let needs = "test \"$TOKEN_OF_VAULT\" = 1 || { echo nothing to see >&2; exit 4; }";
    let script = machine.write("print.sh", format!("{needs}; echo {}", "ab".repeat(32)).as_bytes());
    let command = format!("command = [\"/bin/sh\", {script:?}]");
    configure(&machine, &command);
    let failed = machine.add_github("work").exits(6).warns("ended with exit code 4").warns("key.variables");
    let failed = failed.warns("what it wrote to standard error was discarded");
    assert!(!failed.err.contains("nothing to see"), "{failed:?}");
    configure(&machine, &format!("{command}\nvariables = [\"ABSENT\", \"TOKEN_OF_VAULT\"]"));
    machine.add_github("work").exits(0);
    live(&machine);
    configure(&machine, &format!("{command}\nvariables = [\"TOKEN_OF_VAULT=1\"]"));
    machine.run(&["list"]).exits(2).warns("key.variables").warns("a list of names of variables");
    configure(&machine, &command);
    machine.set("CONNECTIONS_KEY__VARIABLES", "TOKEN_OF_VAULT");
    live(&machine);
}

const PASSPHRASE: &str = "correct horse battery staple";

#[test]
fn a_passphrase_in_a_file_is_the_key_and_any_other_opens_nothing() {
    let machine = Machine::new();
    let file = machine.write("passphrase", PASSPHRASE.as_bytes());
    configure(&machine, &format!("source = \"passphrase\"\npassphrase_file = {file:?}"));
    machine.add_github("work").exits(0);
    assert!(!machine.data().join("key").exists());
    assert_eq!(key(&machine)["source"], format!("passphrase in {file}"));
    machine.run(&["doctor"]).exits(0).says("passphrase in ");
    // An editor adds a newline to the end of the file.
    machine.write("passphrase", format!("{PASSPHRASE}\n").as_bytes());
    live(&machine);
    machine.write("passphrase", b"correct horse battery stable");
    let ran = machine.run(&["list"]).exits(6).warns("does not open this database").warns("was sealed");
    assert!(!ran.err.contains("horse"), "{ran:?}");
    machine.run(&["doctor"]).exits(1).says("failed  key").says("does not open this database");
    // No person can be asked for a passphrase here.
    configure(&machine, "source = \"passphrase\"");
    machine.run(&["list"]).exits(6).warns("nobody can be asked here").warns("key.passphrase_file");
}

#[cfg(unix)]
#[test]
fn a_passphrase_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::new();
    let file = machine.write("passphrase", PASSPHRASE.as_bytes());
    configure(&machine, &format!("passphrase_file = {file:?}"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    machine.add_github("work").exits(6).warns(&format!("chmod 600 {file}"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    machine.add_github("work").exits(0);
}

#[test]
fn a_database_moves_to_a_passphrase_to_another_one_and_back_to_a_file() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let file = machine.write("passphrase", PASSPHRASE.as_bytes());
    let change = |to: &[&str]| machine.run(&[&["key", "change", "--to-source"][..], to].concat());
    let short = machine.write("short", b"hunter2");
    change(&["passphrase", "--to-passphrase-file", &short]).exits(6).warns("at least 12 characters");
    change(&["passphrase"]).exits(6).warns("nobody can be asked here");
    live(&machine);
    change(&["passphrase", "--to-passphrase-file", &file]).exits(0).says("Moved to passphrase in ");
    // The old key file no longer opens the database. The error names the type of source that does.
    machine.run(&["list"]).exits(6).warns("key source 'passphrase'").warns("key.source");
    configure(&machine, &format!("passphrase_file = {file:?}"));
    live(&machine);
    let next = machine.write("next", b"another dozen of words");
    change(&["passphrase", "--to-passphrase-file", &next]).exits(0).says("Moved to passphrase in ");
    machine.run(&["list"]).exits(6).warns("does not open this database");
    configure(&machine, &format!("passphrase_file = {next:?}"));
    live(&machine);
    change(&["file"]).exits(0);
    configure(&machine, "");
    live(&machine);
}

/// Nothing listens at the address of the session bus.
#[cfg(target_os = "linux")]
#[test]
fn a_machine_without_a_keyring_says_so_and_names_other_sources() {
    let mut machine = Machine::new();
    let bus = format!("unix:path={}", machine.path("no-bus").display());
    machine.set("DBUS_SESSION_BUS_ADDRESS", &bus);
    machine.add_github("work").exits(0);
    let ran = machine.run(&["key", "change", "--to-source", "keyring"]);
    ran.exits(6).warns("keyring Secret Service").warns("cannot be reached").warns("`file` or `passphrase`");
    live(&machine);
    let mut fresh = Machine::new();
    fresh.set("DBUS_SESSION_BUS_ADDRESS", &bus);
    configure(&fresh, "source = \"keyring\"");
    fresh.add_github("work").exits(6).warns("keyring Secret Service").warns("`file` or `passphrase`");
    assert!(!fresh.data().join("key").exists(), "no other source takes its place");
}
