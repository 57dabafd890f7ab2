//! The messages for a person who waits for a database, a provider or this host's own address.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
};

use connection_faults::write_lock::HeldLock;

use crate::{
    changed_kinds, imports,
    program::Machine,
    provider::{NOTION_KEY, OTHER_TOKEN},
    terminal::{end, enter, start},
};

/// Starts a server that gives these answers, one to each connection, and closes none of them. Returns its origin.
fn server(answers: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for (stream, answer) in listener.incoming().flatten().zip(answers) {
            let mut reader = BufReader::new(stream);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > "\r\n".len()) {
                line.clear();
            }
            let mut stream = reader.into_inner();
            stream.write_all(answer.as_bytes()).expect("the client reads");
            open.push(stream);
        }
        // The last answer may be incomplete, so its connection stays open until the test ends.
        std::thread::park();
    });
    origin
}

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

/// Another program has locked the file for writing.
#[test]
fn a_locked_file_of_the_database_is_named_with_the_seconds_by_a_command_that_writes() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let held = HeldLock::of(&machine.address());
    machine.run(&["list"]).exits(0).says("github:work");
    let mut session = start(&machine, &["rename", "github", "home"]);
    session.exp_string("Waiting for the database (1 s)").expect("it says what it waits for");
    drop(held);
    end(session, 0);
    machine.run(&["list"]).exits(0).says("github:home");
}

/// The database is locked after the command has opened it.
#[test]
fn a_statement_that_takes_long_is_named_with_the_seconds() {
    let machine = changed_kinds::connected();
    changed_kinds::change(&machine);
    let mut session = start(&machine, &["kinds", "accept", "acme"]);
    session.exp_string("Use acme in this way, for 1 account?").expect("it asks");
    let held = HeldLock::of(&machine.address());
    enter(&mut session, "y");
    session.exp_string("Waiting for the database (1 s)").expect("it says what it waits for");
    drop(held);
    session.exp_string("Accepted for 1 account.").expect("it continues");
    end(session, 0);
}

#[test]
fn a_change_of_the_key_names_the_database_that_it_waits_for() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let mut session = start(&machine, &["key", "change", "--to-source", "passphrase"]);
    session.exp_string("New passphrase of the database").expect("it asks");
    enter(&mut session, "correct horse battery staple");
    session.exp_string("The same passphrase again").expect("it asks again");
    let held = HeldLock::of(&machine.address());
    enter(&mut session, "correct horse battery staple");
    session.exp_string("Waiting for the database (1 s)").expect("it says what it waits for");
    drop(held);
    session.exp_string("Moved to passphrase").expect("it continues");
    end(session, 0);
}

/// The answer begins at once, and its body does not come.
#[test]
fn the_body_of_an_answer_is_waited_for_in_the_name_of_the_provider() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let origin = server(&["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"]);
    machine.configure(&format!("[http.endpoints]\n\"https://api.github.com\" = \"{origin}\"\n"));
    let mut session = start(&machine, &["send", "github", "GET", "/user"]);
    session.exp_string("Waiting for GitHub (1 s)").expect("it says what it waits for");
    session.send_control('c').expect("the terminal takes it");
    session.exp_eof().expect("the program ends");
}

/// The server answers the setup, and then no other request.
#[test]
fn a_test_of_a_kind_names_the_server_that_it_waits_for() {
    const CONNECTED: &str =
        "HTTP/1.1 200 OK\r\ncontent-length: 21\r\nconnection: close\r\n\r\n{\"id\":7,\"name\":\"Ada\"}";
    let mut machine = Machine::new();
    machine.set("ACME_KEY", NOTION_KEY);
    let file = machine.write("acme.toml", changed_kinds::ACME.as_bytes());
    let origin = server(&[CONNECTED, ""]);
    let words = ["kinds", "test", &file, "--against", &origin, "--from-env", "apiKey=ACME_KEY"];
    let mut session = start(&machine, &words);
    session.exp_string(&format!("Waiting for {origin} (1 s)")).expect("it says what it waits for");
    session.send_control('c').expect("the terminal takes it");
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
