//! The blocks of the guide to the store for poolers, run with PgBouncer.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use connection_faults::postgres::{Database, Pooler, is_there, pooler};

use crate::program::Machine;

const GUIDE: &str = include_str!("../../../../docs/guide/store.md");

/// Returns the configurations of the section about poolers.
fn blocks() -> Vec<&'static str> {
    let section = GUIDE.split("\n## A pooler\n").nth(1).unwrap().split("\n## ").next().unwrap();
    section.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap()).collect()
}

#[test]
fn the_configurations_of_the_guide_for_poolers_work() {
    if !is_there() {
        return;
    }
    let Some(transactions) = pooler() else { return };
    let sessions = Pooler::start_with("pool_mode = session\ndefault_pool_size = 20").unwrap();
    let found = blocks();
    let [with_server, only_pooler] = found.as_slice() else { panic!("{found:?}") };
    for (block, pooler, is_through_sessions) in
        [(with_server, transactions, false), (with_server, transactions, true), (only_pooler, &sessions, false)]
    {
        let database = Database::empty_blocking();
        let direct = if is_through_sessions { sessions.url(&database) } else { database.url() };
        let mut machine = Machine::new();
        machine.unset("CONNECTIONS_DATABASE_URL");
        let provider = std::fs::read_to_string(machine.path("config.toml")).unwrap();
        let block = block.replace("postgres://connections@pooler.example:6432/connections", &pooler.url(&database));
        let block = block.replace("postgres://connections@db.example:5432/connections", &direct);
        assert!(!block.contains(".example"), "{block}");
        machine.configure(&format!("{block}\n{provider}"));
        machine.add_github("work").exits(0);
        machine.run(&["verify", "--all"]).exits(0).says("live");
        machine.run(&["doctor"]).exits(0).says("1 connection");
        assert!(!machine.data().join("store").exists(), "everything is on the server");
    }
}
