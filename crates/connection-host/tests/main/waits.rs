//! The messages for a person who waits for a database, a rollback or this host's own address.

use std::net::TcpListener;

use connection_faults::write_lock::HeldLock;

use crate::{
    imports,
    program::Machine,
    provider::OTHER_TOKEN,
    terminal::{end, start},
};

#[test]
fn a_database_that_does_not_answer_is_named_with_the_seconds() {
    let mut machine = Machine::new();
    // The server accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    machine.set("CONNECTIONS_DATABASE_URL", &format!("postgres://ada@127.0.0.1:{port}/none?sslmode=disable"));
    for arguments in [&["list"][..], &["show", "github"], &["rollback", "github", "--yes"], &["webhooks", "github"]] {
        let mut session = start(&machine, arguments);
        session.exp_string("Waiting for the database (1 s)").expect("it says what it waits for");
        session.send_control('c').expect("the terminal takes it");
        session.exp_eof().expect("the program ends");
    }
}

/// Another program has locked the file.
#[test]
fn a_locked_file_of_the_database_is_named_with_the_seconds() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let held = HeldLock::of(&machine.address());
    let mut session = start(&machine, &["list"]);
    session.exp_string("Waiting for the database (1 s)").expect("it says what it waits for");
    drop(held);
    session.exp_eof().expect("the program ends");
}

#[test]
fn a_rollback_names_the_provider_that_it_waits_for() {
    let mut machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.set("OTHER", OTHER_TOKEN);
    machine.run(&["reauthorize", "github:work", "--from-env", "accessToken=OTHER"]).exits(0);
    let silence = machine.provider.fall_silent();
    let mut session = start(&machine, &["rollback", "github:work", "--yes"]);
    silence.recv().expect("the provider is asked");
    session.exp_string("Waiting for GitHub (1 s)").expect("it says what it waits for");
    machine.provider.speak_up(r#"{"id":583231,"login":"octocat"}"#);
    end(session, 0);
}

#[test]
fn an_import_whose_connections_are_verified_shows_that_it_waits() {
    let machine = Machine::new();
    let silence = machine.provider.fall_silent();
    let line = imports::github("583231", "work");
    let file = machine.write("one.jsonl", line.as_bytes());
    let mut session = start(&machine, &["import", &file, "--verify"]);
    silence.recv().expect("the provider is asked");
    session.exp_string("Waiting for the next connection (1 s)").expect("it says what it waits for");
    machine.provider.speak_up(r#"{"id":583231,"login":"octocat"}"#);
    end(session, 0);
}

/// The address is this host's own, and the listener at that address never answers.
#[test]
fn a_check_of_callbacks_names_the_address_that_it_asks() {
    let mut machine = Machine::new();
    machine.add_github("work").exits(0);
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    machine.set("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &url);
    let mut session = start(&machine, &["doctor", "--callback"]);
    session.exp_string(&format!("Waiting for {url} (1 s)")).expect("it says what it waits for");
    session.send_control('c').expect("the terminal takes it");
    session.exp_eof().expect("the program ends");
}
