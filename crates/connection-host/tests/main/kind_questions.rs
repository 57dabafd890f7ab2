//! At a terminal, a person answers questions about a provider, and a file for its kind is written.

use crate::{
    program::Machine,
    provider::NOTION_KEY,
    terminal::{end, enter, start},
};

#[test]
fn a_person_describes_a_provider_with_a_key_and_connects_it() {
    let machine = Machine::new();
    machine.configure(&format!("[http.endpoints]\n\"https://api.acme.com\" = \"{}\"\n", machine.provider.origin));
    machine.provider.tell(200, "", r#"{"account":{"id":7,"name":"Ada"}}"#);
    let mut session = start(&machine, &["kinds", "new"]);
    session.exp_string("Name of the provider").unwrap();
    enter(&mut session, "Acme Tools");
    session.exp_string("Id of the kind").unwrap();
    session.exp_string("acme-tools").unwrap();
    enter(&mut session, "");
    session.exp_string("An account is connected with").unwrap();
    enter(&mut session, "");
    // An answer that does not fit is asked for again.
    session.exp_string("Base address of the API").unwrap();
    enter(&mut session, "http://api.acme.com");
    session.exp_string("http sends credentials in the open; write https").unwrap();
    session.exp_string("Base address of the API").unwrap();
    enter(&mut session, "https://api.acme.com");
    session.exp_string("The key is sent").unwrap();
    enter(&mut session, "another");
    session.exp_string("Name of the header").unwrap();
    enter(&mut session, "X-Acme-Key");
    session.exp_string("Path of a small request").unwrap();
    enter(&mut session, "/me");
    session.exp_string("Place of the account's id").unwrap();
    enter(&mut session, "/account/id");
    session.exp_string("Place of the account's name").unwrap();
    enter(&mut session, "/account/name");
    session.exp_string("Added Acme Tools (acme-tools): ").unwrap();
    session.exp_string("`connections add acme-tools` connects an account.").unwrap();
    end(session, 0);

    let key = machine.write("key", NOTION_KEY.as_bytes());
    machine.run(&["add", "acme-tools", "--field", &format!("apiKey=@{key}")]).exits(0).says("Connected Ada");
    let request = machine.provider.seen().pop().unwrap();
    assert_eq!((request.path.as_str(), request.headers["x-acme-key"].as_str()), ("/me", NOTION_KEY));
}

#[test]
fn an_empty_answer_is_asked_for_again_with_the_reason_and_no_example_looks_like_an_answer() {
    let machine = Machine::new();
    let mut session = start(&machine, &["kinds", "new"]);
    for answer in ["", "   "] {
        session.exp_string("Name of the provider").unwrap();
        enter(&mut session, answer);
        session.exp_string("This question needs an answer; control-C cancels.").unwrap();
    }
    session.exp_string("Name of the provider").unwrap();
    enter(&mut session, "Acme");
    // An empty answer takes the id that is shown in brackets.
    session.exp_string("(acme)").unwrap();
    enter(&mut session, "");
    session.exp_string("An account is connected with").unwrap();
    enter(&mut session, "");
    session.exp_string("Base address of the API").unwrap();
    enter(&mut session, "");
    session.exp_string("This question needs an answer").unwrap();
    session.send_control('c').unwrap();
    end(session, 3);
}

#[test]
fn an_id_that_is_taken_is_asked_for_again_and_nothing_is_written_before_the_end() {
    let machine = Machine::new();
    let mut session = start(&machine, &["kinds", "new"]);
    session.exp_string("Name of the provider").unwrap();
    enter(&mut session, "GitHub");
    session.exp_string("Id of the kind").unwrap();
    enter(&mut session, "");
    session.exp_string("the program has a kind 'github' already; enter another id").unwrap();
    session.exp_string("Id of the kind").unwrap();
    session.send_control('c').unwrap();
    let rest = end(session, 3);
    assert!(rest.contains("nothing was written"), "{rest}");
    assert!(!machine.path("configuration/kinds").exists());
}

#[test]
fn a_kind_with_oauth_is_written_to_a_file_that_can_be_added() {
    let machine = Machine::new();
    let mut session = start(&machine, &["kinds", "new", "--output", "acme.toml"]);
    session.exp_string("Name of the provider").unwrap();
    enter(&mut session, "Acme \"quoted\"");
    session.exp_string("Id of the kind").unwrap();
    enter(&mut session, "");
    session.exp_string("An account is connected with").unwrap();
    enter(&mut session, "OAuth");
    session.exp_string("Base address of the API").unwrap();
    enter(&mut session, "https://api.acme.com");
    session.exp_string("Address of the page").unwrap();
    enter(&mut session, "https://acme.com/authorize");
    session.exp_string("Address of the token endpoint").unwrap();
    enter(&mut session, "https://acme.com/token");
    session.exp_string("Scopes, separated by spaces or commas").unwrap();
    enter(&mut session, "read, write,admin  user");
    session.exp_string("Path of a small request").unwrap();
    enter(&mut session, "");
    session.exp_string("Wrote acme.toml").unwrap();
    end(session, 0);
    let text = std::fs::read_to_string(machine.path("acme.toml")).unwrap();
    assert!(text.contains("scopes = [\"read\", \"write\", \"admin\", \"user\"]"), "{text}");
    machine.run(&["kinds", "check", "acme.toml"]).exits(0);
    machine.run(&["kinds", "add", "acme.toml"]).exits(0).says("Added Acme \"quoted\" (acme)");
    machine.run(&["kinds", "show", "acme"]).exits(0).says("https://api.acme.com");
    end(start(&machine, &["kinds", "new", "--output", "acme.toml"]), 6);
    end(start(&machine, &["kinds", "new", "--output", "acme.json"]), 2);
}

#[test]
fn the_removal_of_a_kind_is_asked_for() {
    let machine = Machine::new();
    machine
        .write("configuration/kinds/open.toml", b"format = 1\nid = \"open\"\nname = \"Open\"\nmechanism = \"none\"\n");
    for (answer, left) in [("n", true), ("y", false)] {
        let mut session = start(&machine, &["kinds", "remove", "open"]);
        session.exp_string("Remove open (").unwrap();
        enter(&mut session, answer);
        let rest = end(session, 0);
        assert_eq!(rest.contains("Nothing was removed."), left, "{rest}");
        assert_eq!(machine.path("configuration/kinds/open.toml").exists(), left);
    }
}
