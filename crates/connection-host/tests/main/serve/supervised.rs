//! `serve` tells a service manager such as systemd that it serves, that it works, and that it stops.

use std::{
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
    process,
};

use super::{PATIENCE, Serving, machine};
use crate::program::Machine;

/// Returns the next message.
fn heard(manager: &UnixDatagram) -> String {
    let mut message = [0; 64];
    let length = manager.recv(&mut message).expect("there is a message");
    String::from_utf8(message[..length].to_vec()).unwrap()
}

/// Starts and stops a server, and returns the messages from its first to `STOPPING=1`.
fn life(manager: &UnixDatagram, machine: &Machine, health: usize) -> Vec<String> {
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let serving = Serving::start(machine);
    let mut messages: Vec<String> = (0..=health).map(|_| heard(manager)).collect();
    serving.signal("TERM");
    assert_eq!(serving.tells(), "draining");
    while messages.last().is_none_or(|last| last != "STOPPING=1") {
        messages.push(heard(manager));
    }
    let (exit, err) = serving.ended();
    assert!(exit == 0 && !err.contains(" WARN "), "{err}");
    messages
}

#[test]
fn a_service_manager_hears_when_the_server_serves_works_and_stops() {
    let mut machine = machine();
    let path = machine.path("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    machine.set("NOTIFY_SOCKET", path.to_str().unwrap());
    machine.set("WATCHDOG_USEC", "100000");
    let messages = life(&manager, &machine, 3);
    assert_eq!(messages[..4], ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
    let others = messages[4..].iter().filter(|message| *message != "WATCHDOG=1");
    assert_eq!(others.collect::<Vec<_>>(), ["STOPPING=1"]);
}

#[test]
fn a_service_manager_at_an_abstract_socket_without_a_watchdog_hears_the_rest() {
    let mut machine = machine();
    let name = format!("connections-test-{}", process::id());
    let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    machine.set("NOTIFY_SOCKET", &format!("@{name}"));
    // It is the watchdog of another process.
    machine.set("WATCHDOG_USEC", "100000");
    machine.set("WATCHDOG_PID", "1");
    assert_eq!(life(&manager, &machine, 0), ["READY=1", "STOPPING=1"]);
}

#[test]
fn a_service_manager_that_is_gone_is_told_in_the_log_and_the_server_serves() {
    let mut machine = machine();
    let path = machine.path("notify");
    machine.set("NOTIFY_SOCKET", path.to_str().unwrap());
    let mut serving = Serving::start(&machine);
    let said = serving.says("cannot send READY=1 to the service manager");
    assert!(said.contains(" WARN "), "{said}");
    assert_eq!(serving.get("/livez").status, 200);
}
