//! Each exit code from a real run, and `doctor`.

use crate::{program::Machine, provider::TOKEN};

#[test]
fn a_missing_object_exits_with_5() {
    let machine = Machine::new();
    machine.run(&["add", "gone"]).exits(5).warns("github");
    for command in [&["show", "github"][..], &["verify", "nothing"], &["remove", "abc", "--yes"]] {
        machine.run(command).exits(5).warns("connections list");
    }
    machine.run(&["show", "01890a5d-ac96-774b-bcce-b302099a8057"]).exits(5);
    machine.run(&["setup", "cancel", "abc"]).exits(5).warns("setup list");
}

#[test]
fn a_duplicate_is_refused_with_6() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.add_github("work").exits(6).warns("github:work").warns("another label");
    machine.add_github("other").exits(6).warns("already connected").warns("github:work");
    assert_eq!(machine.provider.seen().len(), 2, "a taken label is refused before the provider is asked");
}

#[test]
fn an_ambiguous_name_lists_the_candidates() {
    let machine = Machine::new();
    for name in ["a", "b"] {
        machine.write(&format!("{name}/file"), b"");
        machine.feed(&["add", "filesystem", "--input", "-"], &format!(r#"{{"roots": "{name}"}}"#)).exits(0);
    }
    // The first connection is the default until the default is cleared.
    machine.run(&["show", "filesystem"]).exits(0).says("filesystem:a");
    machine.run(&["default", "filesystem:a", "--clear"]).exits(0);
    machine.run(&["show", "filesystem"]).exits(2).warns("filesystem:a (").warns("filesystem:b (");
}

#[test]
fn any_unique_end_of_an_id_names_a_connection() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    let id = machine.run(&["show", "github", "--json"]).json()["id"].as_str().unwrap().to_owned();
    let short = id.get(id.len() - 8..).unwrap();
    machine.run(&["list"]).says(short);
    for reference in [&id, short, id.get(id.len() - 4..).unwrap(), "github", "github:work"] {
        machine.run(&["show", reference]).exits(0).says(&id);
    }
}

#[test]
fn directories_are_granted_and_read_within_the_bounds_of_the_host() {
    let machine = Machine::new();
    machine.write("inside/notes/a", b"a");
    machine.write("outside/b", b"b");
    machine.write("config.toml", b"files.allow = [\"../inside\"]");
    let add = |roots: &str| machine.feed(&["add", "filesystem", "--input", "-"], &format!(r#"{{"roots": "{roots}"}}"#));
    add("outside").exits(3).warns("outside what this host allows").warns("[files] allow");
    add("inside/notes").exits(0);
    machine.run(&["files", "filesystem", "cat", "a"]).exits(0).says("a");
    // Narrower bounds also hold for directories that were granted before.
    machine.write("config.toml", b"files.allow = [\"../outside\"]");
    machine.run(&["files", "filesystem", "cat", "a"]).exits(6);
    machine.run(&["verify", "filesystem"]).exits(4);
}

#[test]
fn a_directory_that_the_host_allows_an_owner_no_longer_is_mended_in_its_configuration() {
    let machine = Machine::new();
    machine.write("inside/notes/a", b"a");
    machine.configure("files.allow = [\"../inside\"]");
    let add = ["--owner", "ada", "add", "filesystem", "--input", "-"];
    machine.feed(&add, r#"{"roots": "inside/notes"}"#).exits(0);
    machine.configure("");
    let remedy = "allow this owner a directory with [files] allow";
    let verified = machine.run(&["--owner", "ada", "verify", "filesystem"]).exits(4).says(remedy);
    assert!(!verified.out.contains("reauthorize"), "{}", verified.out);
    let list = machine.run(&["--owner", "ada", "list"]).exits(0).says(remedy);
    assert!(!list.out.contains("Fix with"), "{}", list.out);
}

#[test]
fn what_cannot_be_read_is_named() {
    let machine = Machine::new();
    machine.write("notes/deep/a", b"a");
    machine.feed(&["add", "filesystem", "--input", "-"], r#"{"roots": "notes"}"#).exits(0);
    for (path, exit, text) in [
        ("gone", 5, "'gone' cannot be read"),
        ("../token", 6, "'../token' cannot be read"),
        ("/etc/hosts", 6, "'/etc/hosts' is outside"),
        ("deep", 2, "'deep' is a directory"),
    ] {
        machine.run(&["files", "filesystem", "cat", path]).exits(exit).warns(text);
    }
    machine.run(&["files", "filesystem", "ls", "gone"]).exits(5).warns("'gone' cannot be read");
    machine.run(&["files", "filesystem", "ls", "deep"]).exits(0).says("a");
    machine.run(&["files", "filesystem", "cat", "deep/a"]).exits(0).says("a");
}

#[test]
fn an_empty_label_is_refused_before_the_provider_is_asked() {
    let machine = Machine::new();
    for label in ["", "  ", "\u{200b}"] {
        machine.add_github(label).exits(2).warns("--label is empty");
    }
    assert!(machine.provider.seen().is_empty());
}

#[test]
fn doctor_tells_a_data_directory_that_cannot_be_made() {
    let machine = Machine::new();
    machine.write("taken", b"a file");
    let there = |path: &str| machine.run(&["--data-dir", machine.path(path).to_str().unwrap(), "doctor"]);
    there("taken").exits(1).says("failed  data_directory").says("is not a directory");
    there("taken/data").exits(1).says("failed  data_directory").says("--data-dir");
    there("free/data").exits(0).says("the first connection creates it");
}

#[test]
fn doctor_makes_nothing_on_a_fresh_machine_and_says_what_is_wrong_later() {
    let machine = Machine::new();
    machine
        .run(&["doctor"])
        .exits(0)
        .says("does not exist yet")
        .says("https://api.github.com goes to http://127.0.0.1");
    assert!(!machine.data().exists(), "nothing was made");
    machine.add_github("work").exits(0);
    machine.run(&["doctor"]).exits(0).says("1 connection").says("ok      state_directory");
    let key = machine.data().join("key").join("root.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    machine.run(&["doctor"]).exits(1).says("failed  key").says("restore");
    machine.run(&["list"]).exits(6).warns("restore");
    assert!(!key.exists(), "no new key was made");
    let path = machine.write("data/key/root.key", &kept);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        machine.run(&["doctor"]).exits(1).says("chmod 600");
        machine.run(&["list"]).exits(6).warns("chmod 600");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::set_permissions(machine.data(), std::fs::Permissions::from_mode(0o755)).unwrap();
        machine.run(&["doctor"]).exits(1).says("chmod 700");
        std::fs::set_permissions(machine.data(), std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    assert!(path.ends_with("root.key"));
    machine.run(&["doctor"]).exits(0);
    machine.write("data/store/connections.db", b"this is no database, it is a text of some length");
    machine.run(&["doctor"]).exits(1).says("failed  database");
}

/// A script that runs `doctor` must not take such a machine for a sound one.
#[test]
fn doctor_names_each_connection_that_does_not_work_and_its_exit_code_says_so() {
    let mut machine = Machine::new();
    machine.add_github("one").exits(0);
    machine.set("NOTION", crate::provider::NOTION_KEY);
    machine.run(&["add", "notion", "--from-env", "apiKey=NOTION"]).exits(0);
    machine.write("notes/a", b"a");
    machine.feed(&["add", "filesystem", "--input", "-"], r#"{"roots": "notes"}"#).exits(0);
    machine.run(&["doctor"]).exits(0).says("ok      connections");
    machine.provider.tell(401, "", r#"{"message":"Bad credentials"}"#);
    machine.run(&["verify", "github:one"]).exits(4);
    std::fs::remove_dir_all(machine.path("notes")).unwrap();
    machine.run(&["verify", "filesystem"]).exits(4);
    let doctor = machine.run(&["doctor"]).exits(4).says("failed  connections").says("2 of 3 do not work");
    let doctor = doctor.says("github:one is failing: ").says("connections reauthorize github:one");
    let doctor = doctor.says("filesystem:notes is ").says("connections ");
    assert!(!doctor.out.contains("notion:"), "{}", doctor.out);
    let report = machine.run(&["doctor", "--json"]).exits(4).json();
    assert_eq!(report["ok"], false);
    let named: Vec<_> =
        report["checks"].as_array().unwrap().iter().filter(|check| check["check"] == "connection").collect();
    assert_eq!(named.len(), 2, "{report}");
    assert!(named.iter().all(|check| check["ok"] == false && check["remedy"].is_string()), "{report}");
    // A failure that affects all connections decides the exit code.
    std::fs::remove_file(machine.data().join("key").join("root.key")).unwrap();
    machine.run(&["doctor"]).exits(1).says("failed  key");
}

#[test]
fn with_json_an_error_is_one_object_on_standard_error() {
    let machine = Machine::new();
    for (arguments, exit, code) in [
        (&["show", "github", "--json"][..], 5, "not_found"),
        (&["add", "gone", "--json"], 5, "unknown_kind"),
        (&["add", "github", "--json"], 2, "input_required"),
        (&["--json", "nothing"], 2, "usage"),
        (&["remove", "github", "--json"], 2, "confirmation_required"),
        (&["--json", "add", "github", "--field", TOKEN], 2, "usage"),
    ] {
        let ran = machine.run(arguments).exits(exit);
        let error = ran.error();
        assert_eq!(error["error"]["code"], code, "{error}");
        assert!(error["error"]["message"].is_string() && error["error"].get("remedy").is_some(), "{error}");
    }
}

#[test]
fn the_log_at_trace_level_goes_to_standard_error_and_holds_no_secret() {
    let mut machine = Machine::new();
    machine.set("CONNECTIONS_LOG", "trace");
    machine.set("RUST_BACKTRACE", "1");
    let ran = machine.add_github("work").exits(0);
    assert!(ran.out.starts_with("Connected octocat"), "{}", ran.out);
    assert!(ran.err.contains("connection_core"), "{}", ran.err);
}

#[test]
fn a_provider_that_asks_to_wait_is_told_with_the_time_and_nobody_is_sent_to_ask_it_again() {
    let machine = Machine::new();
    machine.add_github("work").exits(0);
    machine.provider.tell(429, "retry-after: 120\r\n", "");
    for command in [&["verify", "github"][..], &["list"], &["show", "github"], &["doctor"]] {
        let ran = machine.run(command);
        assert!(
            ran.out.contains("api.github.com answered 429 Too Many Requests and asks to wait until 2"),
            "{command:?}: {}{}",
            ran.out,
            ran.err
        );
        assert!(!format!("{}{}", ran.out, ran.err).contains("connections verify"), "{command:?}: {}", ran.out);
    }
    let sent = ["send", "github", "GET", "/user"];
    machine.run(&sent).exits(1).warns("api.github.com answered 429 Too Many Requests").warns("asks to wait until 2");
    // GitHub limits with 403, too, which is no refusal of the credential.
    machine.provider.tell(403, "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 120\r\n", "{}");
    let ran = machine.run(&sent).exits(1).warns("api.github.com answered 403 Forbidden").warns("asks to wait until 2");
    assert!(!ran.err.contains("connections verify"), "{}", ran.err);
    // The control: the provider may work again by now, so the list names the command that asks it.
    machine.provider.tell(500, "", "");
    machine.run(&["verify", "github", "--now"]).exits(4).says("api.github.com answered 500 Internal Server Error");
    machine.run(&["list"]).exits(0).says("connections verify github:work");
}

#[test]
fn an_unexpected_answer_is_told_once_with_its_status_and_address() {
    let machine = Machine::new();
    machine.provider.tell(406, "", "");
    let ran = machine.add_github("work").exits(3);
    assert_eq!(ran.err.matches("api.github.com answered 406 Not Acceptable").count(), 1, "{}", ran.err);
    assert!(ran.err.contains("connections setup resume"), "{}", ran.err);
}

/// Kubernetes sets the first two variables for a service that is called `connections`.
#[test]
fn variables_that_kubernetes_sets_stop_nothing() {
    let mut machine = Machine::new();
    machine.set("CONNECTIONS_PORT", "tcp://10.0.0.11:8745");
    machine.set("CONNECTIONS_SERVICE_HOST", "10.0.0.11");
    machine.set("CONNECTIONS_OWNR", "ada");
    let ran = machine.run(&["kinds"]).exits(0).says("github").warns("CONNECTIONS_PORT, CONNECTIONS_SERVICE_HOST");
    ran.warns("the most similar variable is CONNECTIONS_OWNER");
    machine.run(&["kinds", "--json"]).exits(0).json();
}

#[test]
fn a_misspelled_command_kind_or_option_is_repeated_with_the_nearest_one() {
    let machine = Machine::new();
    for (arguments, exit, said, remedy) in [
        (&["lsit"][..], 2, "unknown command 'lsit'. Did you mean 'list'?", "connections --help"),
        (&["setup", "resum"], 2, "unknown command 'resum'. Did you mean 'resume'?", "connections setup --help"),
        (&["add", "githb"], 5, "unknown kind 'githb'. Did you mean 'github'?", "the kinds are"),
        (&["kinds", "show", "githb"], 5, "unknown kind 'githb'. Did you mean 'github'?", "the kinds are"),
        (&["add", "github", "--lable", "x"], 2, "unknown option '--lable'. Did you mean '--label'?", "add --help"),
        (&["list", "more"], 2, "`connections list` was given too many arguments", "connections list --help"),
        (&["explode"], 2, "unknown command 'explode'.\n", "connections --help"),
    ] {
        machine.run(arguments).exits(exit).warns(said).warns(remedy);
    }
    // An argument that cannot be a command may be a secret.
    let ran = machine.run(&[TOKEN]).exits(2).warns("unknown command");
    assert!(!ran.err.contains(TOKEN), "{}", ran.err);
}

#[test]
fn the_program_alone_shows_an_overview_with_examples() {
    let machine = Machine::new();
    let alone = machine.run(&[]).exits(0);
    assert_eq!(alone.out.lines().filter(|line| line.starts_with("  connections ")).count(), 3, "{}", alone.out);
    assert!(alone.err.is_empty(), "{}", alone.err);
    for arguments in [&["help"][..], &["--help"]] {
        assert_eq!(machine.run(arguments).exits(0).out, alone.out);
    }
    machine.run(&["help", "add"]).exits(0).says("--label <LABEL>").says("--all-fields");
    machine.run(&["setup"]).exits(2).warns("`connections setup` needs one of the commands list, resume, cancel");
    machine.run(&["--json"]).exits(2);
    assert!(!machine.data().exists(), "nothing was made");
}

#[test]
fn a_list_without_a_database_makes_none_and_says_where_it_looked() {
    let machine = Machine::new();
    let directory = machine.path("mistyped");
    let list = |more: &[&str]| {
        let arguments = [&["--database", "mistyped/a.db", "list"], more].concat();
        machine.run(&arguments).exits(0)
    };
    list(&[]).says("Nothing is connected yet").warns("There is no database at ").warns("mistyped/a.db");
    assert_eq!(list(&["--json"]).json(), serde_json::json!([]));
    assert!(!directory.exists() && !machine.data().exists(), "nothing was made");
}

/// This is tested on SQLite only, because a database on a server exists before the program connects.
#[test]
fn a_reading_command_creates_no_database_and_names_its_path() {
    let machine = Machine::new();
    machine.write("issues.json", crate::extensions::ISSUES);
    let run = |arguments: &[&str]| machine.run(&[&["--database", "mistyped/a.db"], arguments].concat());
    for (arguments, exit, says) in [
        (&["setup", "list"][..], 0, "There is no unfinished setup"),
        (&["extensions"], 0, "No extension was added"),
        (&["events"], 0, ""),
        (&["resolve", "issues.json"], 0, "missing"),
        (&["tokens"], 0, "There are no tokens"),
        (&["usage"], 0, ""),
        (&["verify"], 0, ""),
        (&["show", "github"], 5, ""),
        (&["webhooks", "github"], 5, ""),
        (&["events", "github"], 5, ""),
        (&["files", "filesystem", "ls"], 5, ""),
        (&["preferences", "get", "issues"], 5, ""),
        (&["profiles", "probe", "claude"], 0, "directory"),
    ] {
        run(arguments)
            .exits(exit)
            .says(says)
            .warns("There is no database at ")
            .warns("mistyped/a.db, and this command creates none");
        let shape = run(&[arguments, &["--json"]].concat()).exits(exit);
        if exit == 0 {
            drop(shape.json())
        } else {
            drop(shape.error())
        }
        assert!(!machine.path("mistyped").exists() && !machine.data().exists(), "{arguments:?} makes something");
    }
    // The control: a command that stores something makes the database.
    run(&["profiles", "create", "claude", "work", "--dir", "work"]).exits(0);
    assert!(machine.path("mistyped/a.db").exists());
}
