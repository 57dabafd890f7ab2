//! The messages after the most frequent mistakes, each with what to do about it.

use crate::{program::Machine, provider::TOKEN};

#[test]
fn a_misspelled_connection_is_repeated_with_the_nearest_one() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    for reference in ["gihtub", "wrok", "github:wrok", "githb:work"] {
        let message = format!("no connection named '{reference}'. Did you mean 'github:work'?");
        machine.run(&["show", reference]).exits(5).warns(&message).warns("connections list");
    }
    // The control: an unrelated word gets no suggestion.
    machine.run(&["show", "calendar"]).exits(5).warns("no connection named 'calendar'.\n");
}

#[test]
fn a_command_of_other_programs_is_told_with_ours() {
    let machine = Machine::new();
    for (typed, suggested) in [("status", "list"), ("login", "add"), ("rm", "remove"), ("check", "verify")] {
        let message = format!("unknown command '{typed}'. Did you mean '{suggested}'?");
        machine.run(&[typed]).exits(2).warns(&message).warns("connections --help");
    }
    // There is no suggestion, because `setup` has no command `add`.
    machine.run(&["setup", "login"]).exits(2).warns("unknown command 'login'.\n");
}

#[test]
fn a_request_that_is_refused_names_the_provider_and_what_to_check() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let send = || machine.run(&["send", "github", "GET", "/user"]).exits(1);
    machine.provider.tell(401, "", "");
    send().warns("api.github.com answered 401").warns("run `connections reauthorize github:work`");
    machine.provider.tell(429, "", "");
    send().warns("api.github.com answered 429").warns("try again later");
    // The control: a path that does not exist is no reason to verify the connection.
    machine.provider.behave();
    let ran = machine.run(&["send", "github", "GET", "/user/nothing"]).exits(1).warns("answered 404");
    assert!(!ran.err.contains("verify"), "{}", ran.err);
}

#[test]
fn a_provider_that_cannot_be_asked_is_tried_again_and_a_refused_token_is_mended() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.provider.tell(503, "", "");
    let list = machine.run(&["verify"]).exits(4).says("Verify with:\n  connections verify github:work\n");
    assert!(!list.out.contains("Fix with"), "{}", list.out);
    machine.run(&["show", "github"]).exits(0).says("try again     connections verify github:work");
    // For several connections, one command tries all of them again.
    let token = machine.write("token", TOKEN.as_bytes());
    machine.provider.behave();
    let field = format!("accessToken=@{token}");
    machine.run(&["add", "github", "--again", "--label", "home", "--field", &field]).exits(0);
    machine.provider.tell(503, "", "");
    machine.run(&["verify"]).exits(4).says("Verify with:\n  connections verify --all\n");
    machine.provider.tell(401, "content-type: application/json\r\n", r#"{"message":"Bad credentials"}"#);
    let list = machine.run(&["verify", "github:work"]).exits(4);
    let list = list.says("Fix with:\n  connections reauthorize github:work\n");
    assert!(!list.out.contains("Try again"), "{}", list.out);
}

#[test]
fn a_missing_answer_without_a_person_says_how_to_provide_it() {
    let mut machine = Machine::new();
    machine.run(&["add", "github"]).exits(2).warns("accessToken").warns("--from-env NAME=VARIABLE");
    let unset = machine.run(&["add", "github", "--from-env", "accessToken=UNSET"]).exits(2);
    unset.warns("the variable is not set").warns("set the variable and export it");
    machine.set("TOKEN", TOKEN);
    machine.run(&["add", "github", "--from-env", "accessToken=TOKEN"]).exits(0);
    machine.run(&["remove", "github"]).exits(2).warns("add --yes");
}

#[test]
fn a_key_of_another_database_is_named_with_the_one_that_is_there() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let other = machine.write("other.key", &[7; 32]);
    let mut listing = machine.command();
    listing.args(["list"]).env("CONNECTIONS_KEY__FILE", &other);
    let output = listing.output().expect("it runs");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(6), "{message}");
    let has_none = format!("'file {other}' has no key that opens this database");
    assert!(message.contains("Two key sources differ") && message.contains(&has_none), "{message}");
    assert!(message.contains("root.key' if key"), "{message}");
}
