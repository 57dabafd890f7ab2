//! `--input`, `--field` and `--from-env`, end to end.

use crate::{
    program::Machine,
    provider::{Provider, TOKEN},
};

#[test]
fn a_field_wins_over_the_object() {
    let machine = Machine::new();
    let input = machine.write("in.json", br#"{"accessToken": "wrong"}"#);
    let token = machine.write("token", format!("{TOKEN}\n").as_bytes());
    let field = format!("accessToken=@{token}");
    machine.run(&["add", "github", "--input", &input, "--field", &field]).exits(0);
}

#[test]
fn an_unknown_field_is_refused_before_anything_is_asked() {
    let machine = Machine::new();
    let ran = machine.feed(&["add", "github", "--input", "-"], &format!(r#"{{"token": "{TOKEN}"}}"#)).exits(2);
    ran.warns("'token'").warns("accessToken, apiBaseUrl");
    assert!(!machine.data().exists(), "nothing was made");
}

#[test]
fn a_field_that_is_given_twice_is_refused() {
    let machine = Machine::new();
    let twice = format!(r#"{{"accessToken": "wrong", "accessToken": "{TOKEN}"}}"#);
    machine.feed(&["add", "github", "--input", "-"], &twice).exits(2).warns("'accessToken' is given twice");
    assert!(machine.provider.seen().is_empty());
}

#[test]
fn only_what_is_needed_is_asked_for() {
    let ran = Machine::new().run(&["add", "github"]).exits(2);
    ran.warns("nobody can be asked for accessToken of 'github'");
}

#[test]
fn a_malformed_field_ends_the_setup_and_names_it() {
    let machine = Machine::new();
    let input = r#"{"accountSid": "12", "authToken": "x"}"#;
    machine.feed(&["add", "twilio", "--input", "-"], input).exits(3).warns("accountSid");
    let input = r#"{"roots": "gone"}"#;
    machine.feed(&["add", "filesystem", "--input", "-"], input).exits(3).warns("does not exist");
    machine.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
    assert!(machine.provider.seen().is_empty());
}

#[test]
fn a_field_asked_again_after_a_refusal_ends_the_setup() {
    let machine = Machine::new();
    let ran = machine.feed(&["add", "github", "--input", "-"], r#"{"accessToken": "wrong"}"#).exits(3);
    ran.warns("GitHub does not accept this token");
    assert_eq!(machine.provider.seen().len(), 1, "asked once");
    machine.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
    machine.run(&["list"]).exits(0).says("Nothing is connected");
}

#[test]
fn standard_input_goes_to_one_field_only() {
    let machine = Machine::new();
    let arguments = ["add", "twilio", "--field", "authToken=@-", "--field", "apiKeySecret=@-"];
    machine.feed(&arguments, "x").exits(2).warns("standard input");
}

#[test]
fn a_body_is_sent_from_a_file_with_its_headers() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let data = machine.write("body.json", br#"{"a":1}"#);
    let data = format!("@{data}");
    machine
        .run(&["send", "github", "POST", "/user/repos", "-H", "Content-Type: application/json", "--data", &data])
        .exits(0);
    machine.feed(&["send", "github", "PUT", "/user/repos", "--data", "@-"], "two").exits(0);
    let seen = machine.provider.seen();
    let [.., post, put] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((post.body.as_str(), post.headers["content-type"].as_str()), (r#"{"a":1}"#, "application/json"));
    assert_eq!((put.method.as_str(), put.body.as_str()), ("PUT", "two"));
}

/// The network belongs to the host. Naming one of its addresses is enough for the owner `local` alone.
#[test]
fn a_private_address_that_a_user_names_is_reached_only_where_the_host_says_so() {
    for (word, owner, exit, is_reached) in [
        ("named", "local", 0, true),
        ("never", "local", 3, false),
        ("named", "ada", 3, false),
        ("all-owners", "ada", 0, true),
        ("never", "ada", 3, false),
    ] {
        let mut machine = Machine::new();
        machine.set("CONNECTIONS_HTTP__PRIVATE_ADDRESSES", word);
        let elsewhere = Provider::start();
        let both = format!(r#"{{"accessToken": "{TOKEN}", "apiBaseUrl": "{}"}}"#, elsewhere.origin);
        let input = machine.write("in.json", both.as_bytes());
        machine.run(&["--owner", owner, "add", "github", "--input", &input]).exits(exit);
        assert_eq!(!elsewhere.seen().is_empty(), is_reached, "{word} {owner}");
    }
}
