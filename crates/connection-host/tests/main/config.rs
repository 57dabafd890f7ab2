//! `config`: the configuration that takes effect, where each value is from, and no secret.

use serde_json::{Value, json};

use crate::program::Machine;

/// Returns the row of a key.
#[track_caller]
fn row<'b>(body: &'b Value, key: &str) -> &'b Value {
    let rows = body["values"].as_array().expect("the shape has values");
    rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key} is missing"))
}

fn shown(value: &str, from: &str, place: &str) -> Value {
    json!({"value": value, "from": from, "place": place, "isSecret": false})
}

#[track_caller]
fn is(body: &Value, key: &str, mut expected: Value) {
    expected["key"] = key.into();
    assert_eq!(row(body, key), &expected);
}

#[test]
fn each_value_is_shown_with_where_it_is_from() {
    let mut machine = Machine::new();
    machine.configure(
        "log = 'warn'\nowner = 'ada'\n[http]\ntimeout = 20\n[kinds.gmail]\nclient_id = 'id-1'\n\
         client_secret = 'hidden'\n",
    );
    machine.set("CONNECTIONS_HTTP__TIMEOUT", "30");
    let file = machine.path("config.toml").display().to_string();
    let body = machine.run(&["config", "--owner", "grace", "--json"]).exits(0).json();
    assert_eq!(body["file"], *file);
    is(&body, "log", shown("warn", "file", &file));
    is(&body, "http.timeout", shown("30", "environment", "CONNECTIONS_HTTP__TIMEOUT"));
    is(&body, "owner", shown("grace", "option", "--owner"));
    is(&body, "kinds.gmail.client_id", shown("id-1", "file", &file));
    assert_eq!(row(&body, "inbound.listen")["value"], "127.0.0.1:8745");
    assert_eq!(row(&body, "inbound.listen")["from"], "default");
    assert_eq!(row(&body, "verify.at_once")["value"], "64");
    assert_eq!(row(&body, "data_dir")["from"], "environment");
    assert_eq!(row(&body, "inbound.public_url")["value"], Value::Null);
    let text = machine.run(&["config"]).exits(0).says(&file).says("CONNECTIONS_HTTP__TIMEOUT").says("127.0.0.1:8745");
    assert!(!text.out.contains("inbound.public_url"), "{}", text.out);
    assert!(!machine.data().exists(), "nothing was made");
}

#[test]
fn no_secret_is_shown() {
    let mut machine = Machine::new();
    machine.unset("CONNECTIONS_DATABASE_URL");
    machine.configure(
        "database_url = 'postgres://ada:hunter2/3@db.example:5433/app?password=hunter2'\n\
         [http]\nproxy = 'http://ada:hunter2@proxy.example:8080'\n\
         [http.endpoints]\n'https://ada:hunter2@api.example' = 'http://127.0.0.1:1/hunter2'\n\
         [events]\nurl = 'https://hooks.example/hunter2'\n\
         [key]\ncommand = ['vault', '--token=hunter2']\n\
         [kinds.gmail]\nclient_id = 'id'\nclient_secret = 'hunter2'\n",
    );
    machine.set("CONNECTIONS_EVENTS__SECRET", "whsec_hunter2");
    for arguments in [&["config"][..], &["config", "--json"]] {
        let ran = machine.run(arguments);
        assert!(!ran.out.contains("hunter2") && !ran.err.contains("hunter2"), "{}{}", ran.out, ran.err);
        // The control: it shows what is no secret.
        ran.exits(0)
            .says("postgres://db.example:5433/app")
            .says("http://proxy.example:8080")
            .says("https://hooks.example");
    }
    let body = machine.run(&["config", "--json"]).exits(0).json();
    assert_eq!(row(&body, "events.secret")["isSecret"], true);
    assert_eq!(row(&body, "kinds.gmail.client_secret")["value"], Value::Null);
    assert_eq!(row(&body, "key.command")["value"], "vault …");
}

#[test]
fn a_later_layer_replaces_both_keys_of_a_pair() {
    let mut machine = Machine::new();
    machine.unset("CONNECTIONS_DATABASE_URL");
    machine.configure("[http]\nproxy_file = 'proxy'\n");
    machine.set("CONNECTIONS_HTTP__PROXY", "http://proxy.example:8080");
    let body = machine.run(&["config", "--json"]).exits(0).json();
    assert_eq!(row(&body, "http.proxy")["value"], "http://proxy.example:8080");
    assert_eq!(row(&body, "http.proxy_file")["value"], Value::Null);
}

#[test]
fn a_mode_of_tls_in_the_environment_that_would_be_ignored_is_refused() {
    let mut machine = Machine::new();
    machine.set("CONNECTIONS_DATABASE_URL", "postgres://ada@127.0.0.1:1/x");
    for mode in ["verify-full\r", "\"verify-full\"", "verify_full"] {
        machine.set("PGSSLMODE", mode);
        machine.run(&["list"]).exits(2).warns("PGSSLMODE");
    }
    // The control: it is known, and nobody answers there.
    machine.set("PGSSLMODE", "verify-full");
    machine.run(&["list"]).exits(1).warns("cannot reach PostgreSQL");
}

#[test]
fn a_text_that_looks_like_an_address_makes_no_file_and_is_shown_without_its_password() {
    let mut machine = Machine::new();
    for (address, shown, corrected) in [
        ("host=db user=ada password=hunter2 dbname=x", "…", "postgres://ada@db/DATABASE"),
        ("ada:hunter2@127.0.0.1:1/x", "127.0.0.1:1/x", "postgres://ada@127.0.0.1:1/x"),
        ("postgres:hunter2@127.0.0.1/x", "127.0.0.1/x", "postgres://postgres@127.0.0.1/x"),
        ("postgres://ada:7#hunter2@127.0.0.1/x", "postgres://127.0.0.1/x", "write # as %23"),
    ] {
        machine.set("CONNECTIONS_DATABASE_URL", address);
        let config = machine.run(&["config", "--json"]).exits(0);
        assert_eq!(row(&config.json(), "database_url")["value"], shown, "{address}");
        let list = machine.run(&["list"]).exits(2).warns(corrected);
        for ran in [config, list, machine.run(&["doctor"]), machine.run(&["tokens", "create", "a"])] {
            assert!(!ran.out.contains("hunter2") && !ran.err.contains("hunter2"), "{}{}", ran.out, ran.err);
        }
    }
    let mut names = std::fs::read_dir(machine.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!machine.data().exists() && names.all(|name| !name.to_string_lossy().contains("hunter2")));
}
