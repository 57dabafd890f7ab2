//! Completion at a shell: what is offered, and what a completion never does.

use std::net::TcpListener;

use crate::program::Machine;

/// The number of attempts. A completion that takes too long on a busy machine offers nothing.
const ATTEMPTS: usize = 100;

/// Returns what the program offers for the last of these words.
fn offered(machine: &Machine, shell: &str, words: &[&str]) -> Vec<String> {
    let index = (words.len() - 1).to_string();
    let mut command = machine.command();
    command.env("CONNECTIONS_COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", index).env("_CLAP_IFS", "\n");
    let output = command.arg("--").args(words).output().expect("it starts");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("it is text");
    text.split(['\n', '\u{b}']).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Returns what the program offers, once it offers something.
#[track_caller]
fn offers(machine: &Machine, shell: &str, words: &[&str]) -> Vec<String> {
    let found = (0..ATTEMPTS).map(|_| offered(machine, shell, words)).find(|offered| !offered.is_empty());
    found.unwrap_or_else(|| panic!("nothing is offered for {words:?}"))
}

#[test]
fn kinds_of_the_program_of_the_catalogue_and_of_the_user_are_offered() {
    let machine = Machine::new();
    machine.write("configuration/kinds/githost.toml", b"");
    assert_eq!(offers(&machine, "bash", &["connections", "add", "gith"]), ["githost", "github", "github-oauth"]);
    let listed = offers(&machine, "bash", &["connections", "list", "--kind", "line"]);
    assert_eq!(listed, ["linear", "linear-oauth"]);
    assert_eq!(offers(&machine, "bash", &["connections", "rol"]), ["rollback"]);
    assert!(!machine.data().exists(), "nothing was made");
}

#[test]
fn connections_are_offered_without_the_key() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    std::fs::remove_dir_all(machine.data().join("key")).expect("there is a key");
    assert_eq!(offers(&machine, "fish", &["connections", "show", "git"]), ["github:work"]);
    assert_eq!(offers(&machine, "zsh", &["connections", "send", "git"]), ["github\\:work"]);
    let data = machine.data().display().to_string();
    let words = ["connections", "--data-dir", &data, "verify", "github:w"];
    assert_eq!(offers(&machine, "fish", &words), ["github:work"]);
    assert!(offered(&machine, "fish", &["connections", "--owner", "ada", "show", "git"]).is_empty());
    assert!(!machine.data().join("key").exists(), "no key was made");
}

/// Bash splits words at colons, and replaces only the last part.
#[test]
fn bash_completes_a_label_after_its_colon_and_escapes_its_spaces() {
    let machine = Machine::new();
    machine.add_github("my work").exits(0);
    assert_eq!(offers(&machine, "bash", &["connections", "show", "git"]), ["github:my\\ work"]);
    assert_eq!(offers(&machine, "bash", &["connections", "show", "github", ":"]), ["my\\ work"]);
    assert_eq!(offers(&machine, "bash", &["connections", "show", "github", ":", "my\\ w"]), ["my\\ work"]);
}

#[test]
fn a_server_that_does_not_answer_is_given_up_and_nothing_is_offered() {
    let mut machine = Machine::new();
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("it has one");
    machine.unset("CONNECTIONS_DATABASE_URL");
    machine.set("CONNECTIONS_DATABASE_URL", &format!("postgres://ada@{address}/app"));
    let words = ["connections", "show", "git"];
    // The control: the program would wait for ten seconds, and says so.
    silent.set_nonblocking(true).expect("it can be asked");
    let asked = (0..ATTEMPTS).any(|_| {
        assert!(offered(&machine, "bash", &words).is_empty());
        silent.accept().is_ok()
    });
    assert!(asked, "the server was asked");
}

/// A command in the configuration prints the key, and a passphrase is asked for; neither happens.
#[test]
fn a_completion_runs_no_command_and_asks_nothing() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let mark = machine.path("ran");
    machine.configure(&format!("[key]\ncommand = ['touch', '{}']\n", mark.display()));
    assert_eq!(offers(&machine, "fish", &["connections", "show", "git"]), ["github:work"]);
    machine.configure("[key]\nsource = 'passphrase'\n");
    assert_eq!(offers(&machine, "fish", &["connections", "show", "git"]), ["github:work"]);
    assert!(!mark.exists(), "the command did not run");
}

#[test]
fn the_scripts_start_the_program_with_the_variable() {
    let machine = Machine::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        machine.run(&["completions", shell]).exits(0).says("CONNECTIONS_COMPLETE").says("connections");
    }
}

/// The script in a real shell, which puts together what the tests above take apart.
#[cfg(unix)]
#[test]
fn bash_completes_with_the_script() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_connections")).parent().expect("a directory");
    let script = "source <(connections completions bash); \
                  COMP_WORDS=(connections show github : w); COMP_CWORD=4; \
                  _clap_complete_connections connections w :; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let found = (0..ATTEMPTS).any(|_| {
        let mut command = machine.command_of_system("bash");
        command.env("PATH", format!("{}:/usr/bin:/bin", program.display())).args(["-c", script]);
        let output = command.output().expect("bash starts");
        String::from_utf8_lossy(&output.stdout).trim() == "work"
    });
    assert!(found, "bash completes the label");
}
