//! `serve` is asked to stop: load balancers learn it first, then streams end and the listener is closed.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::{Answer, PATIENCE, Serving, machine, until};
use crate::program::Machine;

/// Makes a token for every owner.
pub(crate) fn token(machine: &Machine) -> String {
    let made =
        machine.run(&["tokens", "create", "monitor", "--role", "read", "--every-owner", "--json"]).exits(0).json();
    made["token"].as_str().unwrap().to_owned()
}

fn readiness(serving: &Serving) -> (u16, Value) {
    let answer = serving.get("/readyz");
    (answer.status, serde_json::from_str(&answer.body).unwrap_or_default())
}

fn connections(serving: &Serving, token: &str) -> Answer {
    serving.ask("GET", "/api/v1/connections", &format!("authorization: Bearer {token}\r\n"), b"")
}

/// Opens a stream of live events, and returns it after its first line.
fn listening(serving: &Serving, token: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(serving.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = serving.address;
    let head = format!("GET /api/v1/live HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while line != ": listening\n" {
        line.clear();
        assert!(stream.read_line(&mut line).unwrap() > 0, "the stream has ended");
    }
    stream
}

#[test]
fn load_balancers_learn_of_the_end_before_streams_and_the_listener_end() {
    let mut machine = machine();
    machine.set("CONNECTIONS_INBOUND__STOP_DELAY", "2");
    let serving = Serving::start(&machine);
    let token = token(&machine);
    assert_eq!(readiness(&serving), (200, json!({ "ok": true })));
    let mut stream = listening(&serving, &token);
    serving.signal("TERM");
    assert_eq!(serving.tells(), "draining");
    let (status, problem) = readiness(&serving);
    assert_eq!((status, &problem["code"]), (503, &json!("draining")), "{problem}");
    // A drain is no reason to restart the process, and requests are still answered.
    assert_eq!(serving.get("/healthz").status, 200);
    assert_eq!(connections(&serving, &token).status, 200);
    // The last chunk has no bytes: the stream is whole.
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    until("nobody is let in", || TcpStream::connect(serving.address).is_err());
    assert_eq!(serving.tells(), "ended");
    let (exit, err) = serving.ended();
    assert!(exit == 0 && !err.contains(" WARN "), "{err}");
}

#[test]
fn a_second_signal_ends_the_delay_and_the_process_at_once() {
    let mut machine = machine();
    machine.set("CONNECTIONS_INBOUND__STOP_DELAY", "600");
    let serving = Serving::start(&machine);
    let _stream = listening(&serving, &token(&machine));
    serving.signal("TERM");
    assert_eq!(serving.tells(), "draining");
    assert_eq!(readiness(&serving).0, 503);
    serving.signal("TERM");
    let (exit, err) = serving.ended();
    assert!(exit == 0 && err.contains("stopped at once"), "{exit}: {err}");
}
