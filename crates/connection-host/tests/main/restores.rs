//! `backup` and `restore` on a database in a file, as an operator runs them.

use serde_json::Value;

use crate::{
    program::{Machine, check},
    refresh::{connected, run},
    serve::Serving,
    shapes::check_all,
};

/// Makes the provider issue tokens with this number, and refreshes.
fn refreshed(machine: &Machine, number: usize) {
    machine.provider.tell(200, "", &format!(r#"{{"access": "access-{number}", "refresh": "refresh-{number}"}}"#));
    run(machine, &["refresh", "renewing"]).exits(0);
}

fn serve(machine: &Machine) -> Serving {
    let mut command = machine.example("renewing");
    command.args(["serve", "--json"]).env("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    Serving::of(command)
}

#[test]
fn a_server_that_is_killed_is_restored_and_the_list_says_what_to_do() {
    let machine = connected();
    let serving = serve(&machine);
    let file = machine.path("a.backup").display().to_string();
    let made = run(&machine, &["backup", &file]).exits(0).says("Backed up 1 connection to").says("version");
    made.warns("does not contain the key");
    refreshed(&machine, 2);

    let refused = run(&machine, &["restore", &file]).exits(6).warns("a process has the database");
    refused.warns("stop all processes that use it");
    run(&machine, &["send", "renewing", "GET", "/me"]).exits(0);
    serving.kill();

    let restored =
        run(&machine, &["restore", &file]).exits(0).says("Restored ").says("The former database is kept as ");
    let restored = restored.says("renewing:ada").says("used since").says("connections reauthorize renewing:ada");
    assert!(restored.err.contains("--force"), "{}", restored.err);
    run(&machine, &["list"]).exits(0).says("live").says("restored from a backup").says("reauthorize renewing:ada");
    run(&machine, &["show", "renewing"]).exits(0).says("(restored)");
    run(&machine, &["doctor"]).says("1 is not refreshed since a restore or a failover");
    run(&machine, &["events", "renewing"]).exits(0).says("restored").says("refreshToken: used");
    let requests = machine.provider.seen().len();
    run(&machine, &["refresh", "renewing"]).exits(4).warns("restored from a backup").warns("--force");
    assert_eq!(machine.provider.seen().len(), requests, "nothing is sent");
    run(&machine, &["send", "renewing", "GET", "/me"]).exits(0);
    machine.provider.tell(200, "", r#"{"access": "access-3", "refresh": "refresh-3"}"#);
    run(&machine, &["refresh", "renewing", "--force"]).exits(0).says("Renewed ada");
    let list = run(&machine, &["list", "--json"]).exits(0).json();
    assert!(list.as_array().unwrap().iter().all(|row| row["reason"] == Value::Null), "{list}");
}

#[test]
fn a_backup_and_a_restore_have_their_shapes() {
    let machine = connected();
    let file = machine.path("a.backup").display().to_string();
    let backup = run(&machine, &["backup", &file, "--json"]).exits(0).json();
    check(&backup, "backup");
    let key = run(&machine, &["key", "--json"]).exits(0).json();
    assert_eq!((&backup["connections"], &backup["keys"][0]), (&1.into(), &key["wrappedBy"]));
    let restored = run(&machine, &["restore", &file, "--json"]).exits(0).json();
    check(&restored, "restored");
    check_all(&restored["connections"], "restoredConnection", 1);
    assert_eq!(restored["connections"][0]["refreshToken"], "unused");
    assert_eq!((&restored["completed"], &restored["unread"]), (&false.into(), &Value::Null));
    assert!(std::path::Path::new(restored["kept"].as_str().unwrap()).exists());
    let marked = run(&machine, &["restore", "--mark", "--json"]).exits(0).json();
    check(&marked, "restored");
    assert_eq!((&marked["connections"][0]["refreshToken"], &marked["kept"]), (&"unknown".into(), &Value::Null));
}

#[test]
fn refusals_of_backup_and_restore_say_what_is_wrong_and_change_nothing() {
    let machine = connected();
    let file = machine.path("a.backup").display().to_string();
    run(&machine, &["backup", &file]).exits(0);
    run(&machine, &["backup", &file]).exits(6).warns("exists already").warns("name another file");
    run(&machine, &["restore"]).exits(2);
    run(&machine, &["restore", &file, "--mark"]).exits(2);
    run(&machine, &["restore", "missing.backup"]).exits(5).warns("there is no file");
    let text = machine.write("text", b"this is no database, but a text that is long enough to be taken for one");
    run(&machine, &["restore", &text]).exits(1).warns("is not a database");
    let key = machine.data().join("key").join("root.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    run(&machine, &["restore", &file]).exits(6).warns("key");
    run(&machine, &["backup", &machine.path("b.backup").display().to_string()]).exits(0);
    machine.write("data/key/root.key", &kept);
    run(&machine, &["list"]).exits(0).says("renewing:ada").says("live");
    let empty = Machine::new();
    empty.run(&["backup", "a.backup"]).exits(5).warns("there is no file");
    assert!(!empty.data().exists());
}

/// Without the database file, other commands would show an empty store.
#[test]
fn an_interrupted_restore_is_said_by_every_command_until_it_is_completed() {
    let machine = connected();
    let file = machine.path("a.backup").display().to_string();
    run(&machine, &["backup", &file]).exits(0);
    let database = machine.data().join("store").join("connections.db");
    let at = |name: &str| database.with_file_name(format!("connections.db.{name}-20260101T000000Z"));
    std::fs::copy(&file, at("restoring")).unwrap();
    std::fs::rename(&database, at("replaced")).unwrap();
    for command in [&["list"][..], &["show", "renewing"], &["refresh", "renewing"], &["verify", "--all"]] {
        run(&machine, command).exits(1).warns("restore from a backup was interrupted").warns("connections restore");
    }
    assert!(!database.exists());
    run(&machine, &["restore", &file]).exits(0).says("Completed the restore that was interrupted");
    run(&machine, &["list"]).exits(0).says("renewing:ada");
}

/// Without the file, a command would begin an empty database beside the server, which goes on in the former one.
#[cfg(unix)]
#[test]
fn a_database_that_is_moved_under_a_server_is_told_and_no_other_one_is_made() {
    let machine = connected();
    let serving = serve(&machine);
    assert_eq!(serving.get("/healthz").status, 200, "the control");
    let database = machine.data().join("store").join("connections.db");
    let away = database.with_file_name("away.db");
    std::fs::rename(&database, &away).unwrap();
    assert_eq!(serving.get("/healthz").status, 503);
    let answer = serving.get("/readyz");
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, &problem["code"]), (503, &"store_displaced".into()));
    for command in [&["list"][..], &["show", "renewing"], &["refresh", "renewing"], &["verify", "--all"]] {
        run(&machine, command).exits(1).warns("a process that uses it is running").warns("put back the file");
    }
    run(&machine, &["doctor"]).exits(1).says("is missing");
    assert!(!database.exists());
    serving.kill();
    std::fs::rename(&away, &database).unwrap();
    run(&machine, &["list"]).exits(0).says("renewing:ada");
}

#[cfg(unix)]
#[test]
fn a_backup_that_may_not_grow_is_named_and_not_the_database() {
    let machine = connected();
    let file = machine.path("a.backup").display().to_string();
    // A limit of 100 blocks of 512 bytes, and no signal that would end the process.
    let script = "trap '' XFSZ; ulimit -f 100; exec \"$@\"";
    let mut command = machine.command_of_system("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_connections"), "backup", &file]);
    let ran = crate::program::Ran::of(&["backup"], command.output().unwrap()).exits(1);
    // The copy has another name until it is complete.
    ran.warns("a.backup.partial-").warns("is not available");
    assert!(!machine.path("a.backup").exists());
}

#[cfg(unix)]
#[test]
fn a_signal_during_a_backup_leaves_no_copy() {
    use std::process::Stdio;

    use connection_faults::sql;
    use rustix::process::{Pid, Signal, kill_process};

    let machine = connected();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // The copy takes so long that the signal arrives before its end.
    let filler = "CREATE TABLE filler AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE \
                  i < 6000) SELECT randomblob(10000) AS data FROM n";
    runtime.block_on(sql::run(&sql::Database::at(&machine.address()), filler));
    let directory = machine.path("backups");
    std::fs::create_dir(&directory).unwrap();
    let file = directory.join("a.backup").display().to_string();
    let files = || std::fs::read_dir(&directory).unwrap().flatten().collect::<Vec<_>>();
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut command = machine.command();
        command.args(["backup", &file]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        while !files().iter().any(|file| file.metadata().is_ok_and(|file| file.len() > 0)) {
            assert!(child.try_wait().unwrap().is_none(), "it has not ended");
            std::thread::yield_now();
        }
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(files().is_empty(), "{signal:?} leaves {:?}", files());
    }
}
