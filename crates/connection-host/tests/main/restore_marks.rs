//! `restore --mark` after a database was restored with its own tools, `failover`, and what `backup` says of a server.

use crate::{
    program::on_postgres,
    refresh::{connected, run},
};

#[test]
fn a_database_that_its_own_tools_restored_is_marked() {
    let machine = connected();
    let marked = run(&machine, &["restore", "--mark"]).exits(0).says("Marked as restored:").says("unknown");
    marked.says("connections reauthorize renewing:ada");
    let requests = machine.provider.seen().len();
    run(&machine, &["refresh", "renewing"]).exits(4).warns("nothing shows whether its refresh token was used");
    assert_eq!(machine.provider.seen().len(), requests);
    run(&machine, &["verify", "renewing"]).exits(0).says("live");
    run(&machine, &["list"]).exits(0).says("live").says("connections reauthorize renewing:ada");
}

#[test]
fn a_server_that_failed_over_is_marked_and_a_file_does_not_fail_over() {
    let machine = connected();
    if !on_postgres() {
        run(&machine, &["failover"]).exits(6).warns("does not fail over").warns("connections restore --mark");
        return;
    }
    run(&machine, &["failover", "--synchronous"]).exits(0).says("lost no commit");
    run(&machine, &["refresh", "renewing"]).exits(0);
    let marked = run(&machine, &["failover"]).exits(0).says("Marked as failed over:").says("unknown");
    marked.says("connections reauthorize renewing:ada");
    run(&machine, &["refresh", "renewing"]).exits(4).warns("failed over to timeline").warns("--force");
    run(&machine, &["list"]).exits(0).says("live").says("connections reauthorize renewing:ada");
    run(&machine, &["failover", "--synchronous"]).exits(0).says("unless an earlier failover or restore marked them");
    run(&machine, &["refresh", "renewing"]).exits(4);
    let again = run(&machine, &["failover", "--json"]).exits(0).json();
    assert_eq!(again["connections"][0]["refreshToken"], "unknown");
}

#[test]
fn a_database_on_a_server_is_backed_up_with_the_tools_of_the_server() {
    if !on_postgres() {
        return;
    }
    let machine = connected();
    for command in [&["backup", "a.backup"], &["restore", "a.backup"]] {
        let refused = run(&machine, command).exits(6).warns("the database is not a file");
        refused.warns("pg_dump").warns("connections restore --mark");
    }
    assert!(!machine.path("a.backup").exists());
}
