//! `serve` ends when it gets a signal, refreshes credentials by itself, and does not start where it should not.

use std::{
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
};

use super::{
    Serving,
    adding::{Adding, valid_until},
    google::Google,
    machine, until,
};

/// Returns the current time, in seconds since 1970.
fn now() -> i64 {
    connection_contract::Clock::now(&connection_core::SystemClock::new()).seconds()
}

/// The connection is not used. The scheduler finds that its credential is due.
#[test]
fn a_due_credential_is_refreshed_by_the_scheduler() {
    let machine = machine();
    let google = Google::of(&machine, 2);
    let serving = Serving::start(&machine);
    let adding = Adding::at(&machine, &google, &serving);
    adding.connected(&serving);
    adding.close();
    google.until_asked(2);
    until("what was renewed is stored", || valid_until(&machine) > now() + 600);
    assert_eq!(google.grants(), ["authorization_code", "refresh_token"]);
}

/// The answer of a provider is stored before the process ends.
#[test]
fn a_signal_lets_serve_finish_its_exchange() {
    for name in ["TERM", "INT"] {
        let machine = machine();
        let google = Google::of(&machine, 2);
        let mut serving = Serving::start(&machine);
        let adding = Adding::at(&machine, &google, &serving);
        adding.connected(&serving);
        adding.close();
        google.hold();
        google.until_asked(2);
        serving.signal(name);
        assert_eq!(serving.tells(), "draining");
        until("nobody is let in", || TcpStream::connect(serving.address).is_err());
        assert!(serving.is_running(), "it waits for the provider");
        google.release();
        assert_eq!(serving.tells(), "ended");
        let (exit, err) = serving.ended();
        assert!(exit == 0 && !err.contains(" WARN "), "{name}: {err}");
        assert!(valid_until(&machine) > now() + 600, "{name}: the row is renewed");
        assert_eq!(google.grants(), ["authorization_code", "refresh_token"], "{name}");
    }
}

#[test]
fn a_second_signal_ends_serve_at_once_and_loses_nothing() {
    let machine = machine();
    let google = Google::of(&machine, 2);
    let serving = Serving::start(&machine);
    let adding = Adding::at(&machine, &google, &serving);
    adding.connected(&serving);
    adding.close();
    google.hold();
    google.until_asked(2);
    serving.signal("TERM");
    assert_eq!(serving.tells(), "draining");
    serving.signal("TERM");
    let (exit, err) = serving.ended();
    assert_eq!(exit, 0, "{err}");
    assert!(err.contains("The next process continues unfinished setups and refreshes"), "{err}");
    google.release();
    let rows = machine.run(&["list", "--json"]).exits(0).json();
    assert_eq!(rows.as_array().unwrap().len(), 1);
}

/// The database accepts the connection and never answers.
#[test]
fn a_signal_during_the_start_ends_serve_at_once() {
    for name in ["TERM", "INT"] {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut machine = machine();
        let url = format!("postgres://nobody@{}/nothing", silent.local_addr().unwrap());
        machine.set("CONNECTIONS_DATABASE_URL", &url);
        let mut command = machine.command();
        let serving = command.args(["serve", "--json"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let _taken = silent.accept().unwrap();
        let signalled = Command::new("kill").args([format!("-{name}"), serving.id().to_string()]).status().unwrap();
        assert!(signalled.success());
        let ended = serving.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(130), "{name}: {said}");
        assert!(said.contains(r#""code":"interrupted""#), "{said}");
    }
}

#[test]
fn a_failure_to_listen_is_reported_with_a_remedy() {
    let mut machine = machine();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    machine.set("CONNECTIONS_INBOUND__LISTEN", &address);
    let error = machine.run(&["serve", "--json"]).exits(1).error()["error"].clone();
    assert_eq!(error["code"], "listen_failed");
    assert!(error["message"].as_str().unwrap().contains(&address), "{error}");
    assert!(error["remedy"].as_str().unwrap().contains("inbound.listen"), "{error}");
    // `localhost` may lead to the other address of loopback, where another user of the machine may listen.
    if let Ok(taken) = TcpListener::bind("[::1]:0") {
        let port = taken.local_addr().unwrap().port();
        machine.set("CONNECTIONS_INBOUND__LISTEN", &format!("127.0.0.1:{port}"));
        let error = machine.run(&["serve", "--json"]).exits(1).error()["error"].clone();
        assert!(error["message"].as_str().unwrap().contains(&format!("[::1]:{port}")), "{error}");
    }
    // Other machines can reach this address, and the connection is not encrypted.
    for public in [None, Some("http://127.0.0.1:9000")] {
        let mut machine = super::machine();
        machine.set("CONNECTIONS_INBOUND__LISTEN", "0.0.0.0:0");
        if let Some(public) = public {
            machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", public);
        }
        let error = machine.run(&["serve", "--json"]).exits(2).error()["error"].clone();
        assert_eq!(error["code"], "invalid_configuration");
        assert!(error["message"].as_str().unwrap().contains("not https"), "{error}");
        assert!(error["remedy"].as_str().unwrap().contains("127.0.0.1"), "{error}");
    }
    let mut machine = super::machine();
    machine.set("CONNECTIONS_INBOUND__LISTEN", "0.0.0.0:0");
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", "https://host.example");
    assert_eq!(Serving::start(&machine).get("/healthz").status, 200, "the control: a proxy on another machine");
}
