//! `serve` is asked to stop: load balancers learn it first, then streams end and the listener is closed. Clients that
//! are connected get an answer.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::{Answer, PATIENCE, Serving, machine, until};
use crate::{program::Machine, provider::NOTION_KEY};

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

/// Half of the clients send their requests before the stop, and half after it; the server has not accepted all of them.
#[test]
fn no_client_that_is_connected_is_cut_off_by_a_stop() {
    const CLIENTS: usize = 200;
    let machine = machine();
    let serving = Serving::start(&machine);
    let token = machine.run(&["tokens", "create", "a program", "--role", "manage"]).exits(0).out.trim().to_owned();
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| TcpStream::connect(serving.address).unwrap()).collect();
    let send = |number: usize, client: &mut TcpStream| {
        let row = json!({ "kind": "notion", "identity": { "id": number.to_string() }, "credential": NOTION_KEY });
        let (method, path, body) = match number % 2 {
            0 => ("GET", "connections", String::new()),
            _ => ("POST", "imports", json!({ "rows": [row] }).to_string()),
        };
        let (address, length) = (serving.address, body.len());
        let request = format!(
            "{method} /api/v1/{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        client.write_all(request.as_bytes()).unwrap();
    };
    let (before, after) = clients.split_at_mut(CLIENTS / 2);
    before.iter_mut().enumerate().for_each(|(number, client)| send(number, client));
    serving.signal("TERM");
    assert_eq!(serving.tells(), "draining");
    after.iter_mut().zip(CLIENTS / 2..).for_each(|(client, number)| send(number, client));
    let mut answered = BTreeMap::<String, usize>::new();
    for mut client in clients {
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("the connection ends in order");
        let status = answer.split(' ').nth(1).unwrap_or("cut off").to_owned();
        *answered.entry(status).or_default() += 1;
    }
    let known = answered.keys().all(|status| ["200", "503"].contains(&&**status));
    assert!(known && answered["200"] > 0, "{answered:?}");
    let (exit, err) = serving.ended();
    assert_eq!(exit, 0, "{err}");
}
