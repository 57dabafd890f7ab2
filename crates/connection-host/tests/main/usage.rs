//! Arguments that the command line refuses, with their exit codes. It repeats nothing that may be a secret.

use crate::{program::Machine, provider::TOKEN};

#[test]
fn malformed_arguments_exit_with_2_and_repeat_no_value() {
    let machine = Machine::new();
    for arguments in [
        &["add", "github", TOKEN][..],
        &["add", "github", "--token", TOKEN],
        &["add", "github", &format!("--token={TOKEN}")],
        &["add", "github", "--field", &format!("accessToken={TOKEN}")],
        &["add", "github", "--field", TOKEN],
        &["add", "github", "--from-env", TOKEN],
        &["send", "github", "GET", "/user", "-H", TOKEN],
        &["send", "github", "GET", "/user", "--data", TOKEN],
        &["send", "github", "GET", "user"],
        &["add"],
        &["nothing"],
        &["verify", "--all", "github"],
        &["completions", "perl"],
        &["remove", "github"],
    ] {
        let ran = machine.run(arguments).exits(2);
        assert!(ran.out.is_empty() && ran.err.starts_with("error: "), "{arguments:?}: {}{}", ran.out, ran.err);
    }
    assert!(!machine.data().exists(), "nothing was made");
}

#[test]
fn a_value_in_an_argument_is_refused_with_the_forms_that_work() {
    let machine = Machine::new();
    machine
        .run(&["add", "github", "--field", &format!("accessToken={TOKEN}")])
        .exits(2)
        .warns("accessToken=@FILE")
        .warns("accessToken=@-")
        .warns("--from-env");
}

#[test]
fn without_a_terminal_and_without_input_nobody_is_asked() {
    let machine = Machine::new();
    machine.run(&["add", "github"]).exits(2).warns("--input");
    machine.feed(&["add", "twilio", "--input", "-"], "{}").exits(2).warns("--input").warns("accountSid");
    machine.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
    machine.run(&["remove", "github"]).exits(2).warns("--yes");
    assert!(machine.provider.seen().is_empty());
}

#[test]
fn a_database_with_a_password_is_refused_as_an_argument() {
    let machine = Machine::new();
    let ran = machine.run(&["--database", "postgres://ada:hunter2@db/x", "list"]).exits(2);
    assert!(!ran.err.contains("hunter2"));
    ran.warns("CONNECTIONS_DATABASE_URL").warns("configuration file").warns("PGPASSFILE");
}

#[test]
fn unknown_configuration_is_refused() {
    let machine = Machine::new();
    let config = machine.write("other.toml", b"colour = true");
    machine.run(&["--config", &config, "list"]).exits(2).warns("'colour'").warns("data_dir");
    let config = machine.write("other.toml", b"[http.endpoints]\n\"https://api.github.com\" = \"http://example.com\"");
    machine.run(&["--config", &config, "setup", "list"]).exits(2).warns("http.endpoints");
}

#[test]
fn flags_win_over_variables() {
    let machine = Machine::new();
    let other = machine.path("other");
    let looked = other.join("store").join("connections.db");
    machine.run(&["--data-dir", other.to_str().unwrap(), "list"]).exits(0).warns(looked.to_str().unwrap());
    machine.run(&["--data-dir", other.to_str().unwrap(), "profiles", "list", "claude"]).exits(0);
    assert!(looked.exists() && !machine.data().exists());
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_word_the_platform_s_directories_are_used() {
    let machine = Machine::new();
    let mut command = machine.command();
    command.env_remove("CONNECTIONS_DATA_DIR").env_remove("CONNECTIONS_CONFIG").args(["profiles", "list", "claude"]);
    assert!(command.output().unwrap().status.success());
    assert!(machine.path(".local/share/connections/store/connections.db").exists());
    machine.write(".config/connections/config.toml", b"nonsense = 1");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn completions_and_the_manual_are_printed() {
    let machine = Machine::new();
    machine.run(&["completions", "bash"]).exits(0).says("connections");
    machine.run(&["man"]).exits(0).says(".TH");
    machine.run(&["--help"]).exits(0).says("doctor");
    machine.run(&["--version"]).exits(0).says(env!("CARGO_PKG_VERSION"));
    assert!(!machine.data().exists(), "nothing was made");
}

#[test]
fn a_refused_choice_names_the_valid_ones() {
    let machine = Machine::new();
    machine.run(&["completions", "tcsh"]).exits(2).warns("must be one of: bash, elvish, fish, powershell, zsh");
}

/// Other programs have a short form for the body of a request.
#[test]
fn a_short_option_that_does_not_exist_suggests_the_long_one() {
    let machine = Machine::new();
    machine.run(&["send", "github", "/user", "-d", "x"]).exits(2).warns("unknown option '-d'. Did you mean '--data'?");
    let ran = machine.run(&["list", "-x"]).exits(2);
    assert!(!ran.err.contains("Did you mean"), "{}", ran.err);
}

#[test]
fn kinds_are_told_without_making_anything() {
    let machine = Machine::new();
    let kinds = machine.run(&["kinds"]).exits(0);
    kinds.says("filesystem").says("github").says("gmail").says("notion").says("twilio");
    machine
        .run(&["kinds", "show", "github"])
        .exits(0)
        .says("accessToken")
        .says("https://github.com/settings/tokens/new");
    machine.run(&["kinds", "show", "gone"]).exits(5).warns("github");
    assert!(!machine.data().exists(), "nothing was made");
}
