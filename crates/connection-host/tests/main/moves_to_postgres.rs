//! `move` from the file of this machine to a PostgreSQL server, as a person runs it who grows.

use connection_faults::postgres::{self, Database};
use serde_json::Value;

use crate::program::{Machine, check};

#[test]
fn a_database_is_moved_used_on_the_server_and_named_by_the_file() {
    if !postgres::is_there() {
        return;
    }
    let mut machine = Machine::new();
    machine.add_github("work").exits(0);
    let server = Database::empty_blocking();
    let moved = machine.feed(&["move", "-"], &format!("{}\n", server.url())).exits(0);
    let moved = moved.says("Moved 1 connection from ").says("root.key to the server").says("bound to this machine");
    let moved = moved.says("127.0.0.1").says("with its user and options").says("--host and a token").warns("--undo");
    assert!(!moved.out.contains('@'), "{}", moved.out);

    for command in [&["list"][..], &["show", "github"], &["verify", "--all"]] {
        let refused = machine.run(command).exits(6).warns("was moved to postgres://").warns("database_url");
        assert!(refused.err.contains("connections move --undo"), "{}", refused.err);
    }
    assert_eq!(machine.run(&["list", "--json"]).exits(6).error()["error"]["code"], "store_moved");

    let undone = machine.feed(&["move", "-", "--undo", "--json"], &server.url()).exits(0).json();
    check(&undone, "moveUndone");
    assert_eq!(undone["unreached"], Value::Null);
    machine.run(&["list"]).exits(0).says("github:work");
    let moved = machine.feed(&["move", "-", "--json"], &server.url()).exits(0).json();
    check(&moved, "moved");
    assert_eq!((&moved["connections"], &moved["completed"]), (&1.into(), &false.into()));

    // On the server, with the key of this machine.
    machine.set("CONNECTIONS_DATABASE_URL", &server.url());
    machine.run(&["list"]).exits(0).says("github:work");
    machine.unset("CONNECTIONS_DATABASE_URL");
    let refused = machine.feed(&["move", "-", "--undo"], &server.url()).exits(6);
    refused.warns("was opened after the move");
}

#[test]
fn a_move_that_cannot_be_made_says_why_and_leaves_the_file_as_it_is_postgres() {
    let machine = Machine::new();
    for address in ["postgres://nobody@127.0.0.1:1/gone", "\u{feff}postgres://nobody@127.0.0.1:1/gone\r\n"] {
        machine.feed(&["move", "-"], address).exits(1).warns("cannot reach PostgreSQL");
    }
    machine.add_github("work").exits(0);
    for empty in [machine.run(&["move", ""]), machine.feed(&["move", "-"], "\n")] {
        empty.exits(2).warns("the address of the server to move to is empty");
    }
    machine.run(&["move", "other.db"]).exits(6).warns("is not that of a PostgreSQL server");
    let refused = machine.run(&["move", "postgres://me:hunter2@db.example/x"]).exits(2).warns("has a password in it");
    assert!(!refused.err.contains("hunter2"), "{}", refused.err);
    machine.run(&["move", "postgres://db.example/x", "--undo"]).exits(6).warns("was not moved");
    machine.run(&["list"]).exits(0).says("github:work");
}
