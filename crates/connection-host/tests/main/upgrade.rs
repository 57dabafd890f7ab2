//! `upgrade` and `upgrade finish`, and what every command says when a newer version has finished its upgrade.

use connection_faults::sql;
use serde_json::json;

use crate::program::{Machine, check};

#[test]
fn the_versions_that_may_write_are_shown_and_a_program_that_is_too_old_says_so() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine
        .run(&["upgrade"])
        .exits(0)
        .says("This program has the schema generation 1")
        .warns("Nothing is left to finish");
    for command in
        [&["upgrade", "--json"][..], &["upgrade", "finish", "--dry-run", "--json"], &["upgrade", "finish", "--json"]]
    {
        let upgrade = machine.run(command).exits(0).json();
        check(&upgrade, "upgrade");
        assert_eq!(
            (&upgrade["program"], &upgrade["oldest"], &upgrade["finished"]),
            (&1.into(), &1.into(), &true.into())
        );
    }

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = sql::Database::at(&machine.address());
    assert_eq!(runtime.block_on(sql::run(&database, "UPDATE connection_part SET oldest = 2")), 1);
    for command in [&["list", "--json"][..], &["upgrade", "finish", "--json"]] {
        assert_eq!(machine.run(command).exits(6).error()["error"]["code"], "program_too_old");
    }
    machine.run(&["doctor"]).exits(1).says("is too old to write the database").says("install the newer version");
}

#[test]
fn the_processes_that_use_connections_are_listed_and_those_that_are_too_old_are_named() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.run(&["upgrade"]).exits(0).warns("A process that uses no connection now is not listed");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = sql::Database::at(&machine.address());
    for (name, program) in [("process 1 on a", "0"), ("process 2 on b", "1"), ("process 3 on c", "NULL")] {
        // It is present for longer than the test takes.
        let row = format!(
            "INSERT INTO connection_presence (id, name, seen_at, confirmed, program) \
             VALUES ('{name}', '{name}', unixepoch() + 4, 0, {program})"
        );
        assert_eq!(runtime.block_on(sql::run(&database, row)), 1);
    }
    for command in [&["upgrade"][..], &["upgrade", "finish", "--dry-run"]] {
        let ran = machine.run(command).exits(0);
        let ran =
            ran.says("The program of process 1 on a has the schema generation 0 and is too old: start this version");
        let ran = ran.says("The program of process 2 on b has the schema generation 1\n");
        ran.says("The program of process 3 on c states no schema generation and is too old");
    }
    let upgrade = machine.run(&["upgrade", "--json"]).exits(0).json();
    let processes = upgrade["processes"].as_array().unwrap();
    check(&processes[0], "upgradeProcess");
    assert_eq!(processes[1], json!({ "name": "process 2 on b", "program": 1, "tooOld": false }));
    assert_eq!((&processes[2]["program"], &processes[2]["tooOld"]), (&json!(null), &json!(true)));
}
