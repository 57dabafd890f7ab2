//! Manners at a terminal: the output for a person who mistypes, declines, gives up, or has a narrow window.

use rexpect::session::{PtySession, spawn_command};

use crate::{
    program::Machine,
    provider::{NOTION_KEY, TOKEN},
    terminal::{PATIENCE, end, enter, start},
};

/// Starts the program at a terminal with this number of columns.
fn narrow(machine: &Machine, columns: u16, arguments: &str) -> PtySession {
    let mut command = machine.command_of_system("sh");
    let script = format!("stty rows 40 cols {columns}; exec \"$PROGRAM\" {arguments}");
    command.args(["-c", &script]).env("PROGRAM", env!("CARGO_BIN_EXE_connections"));
    command.env("PATH", "/usr/bin:/bin").env("TERM", "xterm").stdin(std::process::Stdio::inherit());
    spawn_command(command, PATIENCE).expect("a terminal")
}

#[track_caller]
fn fits(shown: &str, columns: usize) {
    for line in shown.lines() {
        assert!(line.trim_end().chars().count() <= columns && !line.contains('…'), "{line:?} in:\n{shown}");
    }
}

#[test]
fn help_is_wrapped_to_the_terminal_and_kinds_fit_sixty_columns() {
    let machine = Machine::new();
    for arguments in ["", "help", "--help", "add --help", "help setup resume", "run --help", "kinds"] {
        let shown = end(narrow(&machine, 60, arguments), 0);
        // The terminal returns each byte of a character as a character.
        let shown: Vec<u8> = shown.chars().map(|c| u8::try_from(u32::from(c)).expect("a byte")).collect();
        fits(&String::from_utf8(shown).expect("it is text"), 60);
    }
    let kinds = end(narrow(&machine, 60, "kinds"), 0);
    assert!(kinds.contains("github") && kinds.contains("connections kinds show KIND"), "{kinds}");
    // The control: a wide terminal shows more.
    assert!(end(narrow(&machine, 200, "kinds"), 0).contains("NEEDS"));
}

#[test]
fn a_verification_shows_the_whole_reason_once_however_narrow_the_terminal_is() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.provider.tell(503, "", "");
    for columns in [60, 250] {
        let shown = end(narrow(&machine, columns, "verify --all --now"), 4);
        assert_eq!(shown.matches("answered 503 Service Unavailable").count(), 1, "{columns}: {shown}");
    }
}

#[test]
fn add_without_a_kind_opens_a_picker() {
    let machine = Machine::new();
    let mut session = start(&machine, &["add"]);
    session.exp_string("What to connect?").unwrap();
    enter(&mut session, "notion");
    session.exp_string("Internal integration token").unwrap();
    enter(&mut session, NOTION_KEY);
    session.exp_string("Connected Ada's Notion").unwrap();
    end(session, 0);
    // If no person can be asked, the error names some of the kinds, and how to list the others.
    let ran =
        machine.run(&["add"]).exits(2).warns("nobody can be asked what to connect").warns("such as github, gmail");
    let ran = ran.warns("`connections kinds --all` lists the others");
    assert!(!ran.err.contains("airtable"), "{}", ran.err);
}

#[test]
fn the_picker_begins_with_what_most_people_connect() {
    let machine = Machine::new();
    let mut session = start(&machine, &["add"]);
    session.exp_string("What to connect?").unwrap();
    let before = session.exp_string("gmail").unwrap();
    assert!(before.contains("github") && !before.contains("airtable"), "{before}");
    session.send_control('c').unwrap();
    end(session, 3);
}

#[test]
fn a_no_is_no_error() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let mut session = start(&machine, &["remove", "github"]);
    session.exp_string("Remove octocat (github:work)?").unwrap();
    enter(&mut session, "n");
    let shown = end(session, 0);
    assert!(shown.contains("Nothing was removed.") && !shown.contains("error"), "{shown}");
    machine.run(&["list"]).exits(0).says("octocat");
}

#[test]
fn a_cancelled_reauthorization_says_that_the_old_credential_stays_in_use() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let mut session = start(&machine, &["reauthorize", "github"]);
    let greeting = session.exp_string("Personal access token").unwrap();
    assert!(greeting.contains("Authorize octocat (github:work) again"), "{greeting}");
    session.send_control('c').unwrap();
    let shown = end(session, 3);
    assert!(shown.contains("cancelled; github:work keeps its current credential"), "{shown}");
    assert!(!shown.contains("nothing was kept"), "{shown}");
    machine.run(&["verify", "github"]).exits(0);
}

#[test]
fn directories_are_taken_as_a_shell_user_types_them() {
    let machine = Machine::new();
    for (typed, label) in [("~/notes", "notes"), ("photos", "photos"), ("./music", "music")] {
        machine.write(&format!("{label}/file"), b"");
        let mut session = start(&machine, &["add", "filesystem"]);
        for answer in [typed, ""] {
            session.exp_string("Directory").unwrap();
            enter(&mut session, answer);
        }
        session.exp_string(&format!("Connected {label} (filesystem:{label})")).unwrap();
        end(session, 0);
    }
}

#[test]
fn a_file_that_is_shown_at_a_terminal_ends_its_line() {
    let machine = Machine::new();
    machine.write("notes/a", b"no newline");
    machine.feed(&["add", "filesystem", "--input", "-"], r#"{"roots": "notes"}"#).exits(0);
    let shown = end(start(&machine, &["files", "filesystem", "cat", "a"]), 0);
    assert_eq!(shown, "no newline\r\n");
    // The control: a program gets the file byte for byte.
    assert_eq!(machine.run(&["files", "filesystem", "cat", "a"]).exits(0).out, "no newline");
}

#[test]
fn the_only_setup_is_resumed_without_its_id() {
    let machine = Machine::new();
    machine.run(&["setup", "resume"]).exits(5).warns("there is no unfinished setup");
    machine.provider.tell(503, "", "");
    machine.add_github("work").exits(3);
    machine.provider.behave();
    let session = start(&machine, &["setup", "resume"]);
    assert!(end(session, 0).contains("Connected octocat (github:work)"));
    machine.provider.tell(503, "", "");
    for label in ["one", "two"] {
        let token = machine.write("token", TOKEN.as_bytes());
        let field = format!("accessToken=@{token}");
        machine.run(&["add", "github", "--again", "--label", label, "--field", &field]).exits(3);
    }
    machine.run(&["setup", "resume"]).exits(2).warns("2 setups are unfinished: ").warns("(github)");
}
