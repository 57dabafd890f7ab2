//! The questions for a person at a terminal: those that are asked, those that are asked again, and those that are left
//! out.

use connection_faults::certificates::Certificate;
use rexpect::session::spawn_command;

use crate::{
    changed_kinds::{ACME, FILE, change},
    program::Machine,
    provider::{NOTION_KEY, TOKEN},
    terminal::{PATIENCE, end, enter, start},
};

#[test]
fn after_a_refusal_a_person_is_asked_again_for_what_was_refused_alone() {
    let machine = Machine::new();
    let mut session = start(&machine, &["add", "github", "--label", "work"]);
    session.exp_string("Personal access token").unwrap();
    enter(&mut session, "wrong");
    session.exp_string("GitHub Enterprise?").unwrap();
    enter(&mut session, "n");
    session.exp_string("GitHub does not accept this token").unwrap();
    session.exp_string("Personal access token").unwrap();
    enter(&mut session, TOKEN);
    let shown = session.exp_string("Connected octocat (github:work)").unwrap();
    assert!(!shown.contains("Enterprise") && !shown.contains("API address"), "{shown}");
    end(session, 0);
}

#[test]
fn an_optional_field_that_a_person_chose_is_asked_once_and_kept_for_the_retry() {
    let machine = Machine::new();
    for (arguments, offered) in [(&["add", "github"][..], true), (&["add", "github", "--all-fields", "--again"], false)]
    {
        let mut session = start(&machine, arguments);
        session.exp_string("Personal access token").unwrap();
        enter(&mut session, "wrong");
        if offered {
            session.exp_string("GitHub Enterprise?").unwrap();
            enter(&mut session, "y");
        }
        session.exp_string("API address").unwrap();
        enter(&mut session, "not an address");
        // The fields are asked for again after a malformed answer.
        session.exp_string("Personal access token").unwrap();
        enter(&mut session, "wrong");
        let shown = session.exp_string("API address").unwrap();
        assert!(!shown.contains("Enterprise"), "{shown}");
        enter(&mut session, "");
        session.exp_string("GitHub does not accept this token").unwrap();
        session.exp_string("Personal access token").unwrap();
        enter(&mut session, TOKEN);
        let shown = session.exp_string("Connected octocat").unwrap();
        assert!(!shown.contains("Enterprise") && !shown.contains("API address"), "{shown}");
        end(session, 0);
    }
}

/// A person who pastes several commands has already typed the next line.
#[test]
fn a_command_that_was_given_what_it_needs_leaves_what_is_typed_ahead() {
    let mut machine = Machine::new();
    machine.set("TOKEN", TOKEN);
    let script = "echo ready; read -r go; \"$PROGRAM\" add github --from-env accessToken=TOKEN; \
                  read -r ahead; echo \"ahead: $ahead\"";
    let mut command = machine.command_of_system("sh");
    command.args(["-c", script]).env("PROGRAM", env!("CARGO_BIN_EXE_connections"));
    command.env("PATH", "/usr/bin:/bin").env("TERM", "xterm").stdin(std::process::Stdio::inherit());
    let mut session = spawn_command(command, PATIENCE).expect("a terminal");
    session.exp_string("ready").unwrap();
    session.send("go\nconnections list\n").unwrap();
    session.flush().unwrap();
    let shown = session.exp_string("ahead: connections list").unwrap();
    // The guide for answering is not printed either.
    assert!(shown.contains("Connected octocat") && !shown.contains("Enterprise"), "{shown}");
    assert!(!shown.contains("Make a"), "{shown}");
    end(session, 0);
}

#[test]
fn a_way_to_log_in_is_chosen_and_its_secret_alone_is_asked_for() {
    let machine = Machine::new();
    for (answer, question) in [("n", "Auth token"), ("y", "API key SID")] {
        let mut session = start(&machine, &["add", "twilio"]);
        session.exp_string("Account SID").unwrap();
        enter(&mut session, "AC0123456789abcdef0123456789abcdef");
        session.exp_string("Use an API key instead of the auth token?").unwrap();
        enter(&mut session, answer);
        session.exp_string(question).unwrap();
        if answer == "y" {
            enter(&mut session, "SKfedcba9876543210fedcba9876543210");
            session.exp_string("API key secret").unwrap();
        }
        session.send_control('c').unwrap();
        let rest = end(session, 3);
        assert!(!rest.contains("(optional)"), "{rest}");
    }
}

#[test]
fn a_field_of_many_values_is_asked_until_it_is_left_empty() {
    let machine = Machine::new();
    machine.write("notes/a", b"");
    machine.write("photos/a", b"");
    let mut session = start(&machine, &["add", "filesystem"]);
    for directory in ["notes", "photos", ""] {
        session.exp_string("Directory").unwrap();
        enter(&mut session, directory);
    }
    session.exp_string("Connected ").unwrap();
    end(session, 0);
    machine.run(&["files", "filesystem", "ls", "photos"]).exits(0).says("a");
}

#[test]
fn a_malformed_answer_is_asked_for_again() {
    let machine = Machine::new();
    machine.write("notes/a", b"");
    let mut session = start(&machine, &["add", "filesystem"]);
    for (directory, more) in [("gone", ""), ("notes", "")] {
        session.exp_string("Directory").unwrap();
        enter(&mut session, directory);
        session.exp_string("another one").unwrap();
        enter(&mut session, more);
        if directory == "gone" {
            session.exp_string("does not exist").unwrap();
        }
    }
    session.exp_string("Connected notes (filesystem:notes)").unwrap();
    end(session, 0);
}

#[test]
fn a_file_that_changes_while_a_person_types_ends_the_setup() {
    let machine = Machine::new();
    machine.configure(&format!("[http.endpoints]\n\"https://api.acme.example\" = \"{}\"\n", machine.provider.origin));
    machine.provider.tell(200, "", r#"{"id":7,"name":"Ada"}"#);
    machine.write(FILE, ACME.as_bytes());
    let mut session = start(&machine, &["add", "acme"]);
    session.exp_string("API key").expect("it asks");
    change(&machine);
    enter(&mut session, NOTION_KEY);
    let said = end(session, 3);
    assert!(said.contains("changed"), "{said}");
    assert_eq!(machine.provider.seen().len(), 0, "nothing was sent");
    machine.run(&["list"]).exits(0).says("Nothing is connected");
}

/// Many terminals mark a pasted text; the others send its lines one by one.
#[test]
fn a_private_key_is_pasted_with_its_lines_and_not_echoed() {
    let key = Certificate::self_signed(&[]).key.replace("\r\n", "\n");
    let line = key.lines().nth(1).unwrap();
    let pasted = key.trim_end().replace('\n', "\r");
    for typed in [format!("\u{1b}[200~{pasted}\u{1b}[201~"), pasted.clone(), pasted.replace('\r', " ")] {
        let machine = Machine::new();
        let origin = &machine.provider.origin;
        machine.configure(&format!("[http.endpoints]\n\"https://api.appstoreconnect.apple.com\" = \"{origin}\"\n"));
        machine.provider.tell(200, "content-type: application/json\r\n", "{}");
        let mut session = start(&machine, &["add", "app-store-connect"]);
        session.exp_string("Issuer ID").unwrap();
        enter(&mut session, "57246542-96fe-1a63-e053-0824d011072a");
        session.exp_string("Key ID").unwrap();
        enter(&mut session, "2X9R4HXF34");
        session.exp_string("privateKey=@FILE").unwrap();
        enter(&mut session, &typed);
        let shown = session.exp_string("Connected ").unwrap();
        let shown = format!("{shown}{}", end(session, 0));
        assert!(!shown.contains(line), "{shown}");
        machine.run(&["send", "app-store-connect", "GET", "/v1/apps"]).exits(0);
    }
}
