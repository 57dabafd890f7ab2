//! The server is killed (SIGKILL) at each state of a request about which a person is asked. What was decided stays
//! decided, and the provider receives the request at most once.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use connection_faults::{rounds::rounds, sql};
use serde_json::{Value, json};

use crate::{
    approvals::{self, Asking, LOCK},
    serve::{PATIENCE, until},
};

const DONE: &str = r#"{"done":true}"#;

/// A request that waits, and the token of the person who answers at the server, which then sends the request.
struct Kill {
    asking: Asking,
    person: String,
    id: String,
}

impl Kill {
    /// Lets the agent ask for a request, which the provider would answer.
    fn new() -> Self {
        let asking = approvals::asking();
        let person = asking.machine.run(&["tokens", "create", "phone", "--role", "approve"]).exits(0);
        asking.machine.provider.tell(200, "content-type: application/json\r\n", DONE);
        let id = asking.asks("DELETE", LOCK);
        Self { person: person.out.trim().to_owned(), id, asking }
    }

    fn killed(self) -> Self {
        Self { asking: self.asking.killed(), ..self }
    }

    /// Returns the approval, as the person sees it.
    fn seen(&self) -> Value {
        let shown = self.asking.machine.run(&["approvals", "show", &self.id, "--json"]).exits(0);
        shown.json()["approval"].clone()
    }

    #[track_caller]
    fn is(&self, state: &str) {
        let seen = self.seen();
        assert_eq!(seen["state"], state, "{seen}");
    }

    /// Returns a command that approves the request. The server takes the answer and sends the request, or the command
    /// itself does both.
    fn approving(&self, is_at_server: bool) -> Command {
        let mut command = self.asking.machine.command();
        if is_at_server {
            command.env("CONNECTIONS_HOST_TOKEN", &self.person).args(["--host", &self.asking.serving.url]);
        }
        let digest = self.seen()["digest"].as_str().unwrap().to_owned();
        command.args(["approvals", "approve", &self.id, "--digest", &digest, "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Approves the request at the server, which sends it.
    #[track_caller]
    fn approve(&self) {
        let output = self.approving(true).output().unwrap();
        let approved: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        assert_eq!(approved["state"], "answered");
    }

    fn reached(&self) -> usize {
        self.asking.reached()
    }

    /// Lets the agent send the request until it has the answer of the provider.
    #[track_caller]
    fn is_answered(&self) {
        let mut answer = (0, Value::Null);
        until("the agent has the answer", || {
            answer = self.asking.sends("DELETE", LOCK);
            answer.0 != 403
        });
        assert_eq!(answer, (200, serde_json::from_str(DONE).unwrap()));
        assert_eq!(self.reached(), 1);
        // The agent has its answer, so an equal request asks anew.
        assert_ne!(self.asking.asks("DELETE", LOCK), self.id);
        assert_eq!(self.reached(), 1);
    }
}

/// Kills a command of the person, if it still runs.
fn end(mut command: Child) {
    command.kill().unwrap_or_default();
    command.wait().unwrap();
}

#[test]
fn a_request_that_waits_when_the_server_is_killed_waits_on_and_is_sent_once() {
    let it = Kill::new();
    // The agent waits for the answer when the server is killed.
    let address = it.asking.serving.address;
    let mut waiting = TcpStream::connect(address).unwrap();
    let head = format!("DELETE /use/github:work{LOCK} HTTP/1.1\r\nhost: {address}\r\n");
    let head = format!("{head}authorization: Bearer {}\r\n", it.asking.token);
    waiting.write_all(format!("{head}prefer: wait=60\r\naccept: */*\r\n\r\n").as_bytes()).unwrap();
    let it = it.killed();
    let mut answer = Vec::new();
    // The connection may be reset.
    waiting.read_to_end(&mut answer).unwrap_or_default();
    assert_eq!(String::from_utf8_lossy(&answer), "");
    it.is("waiting");
    assert_eq!(it.asking.asks("DELETE", LOCK), it.id, "an equal request is the same one");
    assert_eq!(it.reached(), 0);
    it.approve();
    it.is_answered();
}

#[test]
fn a_request_that_was_approved_when_the_server_is_killed_is_sent_once_after_the_thaw() {
    let it = Kill::new();
    let machine = &it.asking.machine;
    machine.run(&["freeze", "--agent", "deploy"]).exits(0);
    let approving = it.approving(true).spawn().unwrap();
    until("it is approved", || it.seen()["state"] == "approved");
    let it = it.killed();
    end(approving);
    it.is("approved");
    let (status, refused) = it.asking.sends("DELETE", LOCK);
    assert_eq!((status, &refused["code"]), (403, &json!("frozen")), "{refused}");
    it.is("approved");
    assert_eq!(it.reached(), 0);
    it.asking.machine.run(&["thaw", "--agent", "deploy"]).exits(0);
    it.is_answered();
}

#[test]
fn a_request_that_the_server_was_sending_when_it_is_killed_may_have_happened_and_is_not_sent_again() {
    let it = Kill::new();
    let arrives = it.asking.machine.provider.fall_silent();
    let approving = it.approving(true).spawn().unwrap();
    arrives.recv_timeout(PATIENCE).unwrap();
    it.is("executing");
    let it = it.killed();
    end(approving);
    is_lost(&it);
}

/// The command of a person sends the request that it has approved, so the server does not.
#[test]
fn a_request_that_a_command_was_sending_when_it_is_killed_may_have_happened_and_is_not_sent_again() {
    let it = Kill::new();
    let arrives = it.asking.machine.provider.fall_silent();
    let approving = it.approving(false).spawn().unwrap();
    arrives.recv_timeout(PATIENCE).unwrap();
    it.is("executing");
    end(approving);
    is_lost(&it);
}

/// Checks what becomes of a request whose process was killed while the provider had it.
#[track_caller]
fn is_lost(it: &Kill) {
    let machine = &it.asking.machine;
    machine.provider.speak();
    // Until its lease ends, nobody knows that the process is dead.
    let (status, refused) = it.asking.sends("DELETE", LOCK);
    assert_eq!((status, &refused["code"]), (403, &json!("approval_required")), "{refused}");
    assert_eq!(refused["approval"]["state"], "executing");
    lease_ends(it);
    it.is("unknown");
    machine.run(&["approvals", "list"]).exits(0).says("may have happened; the answer is lost");
    machine.run(&["approvals", "show", &it.id]).exits(0).says("may have happened; the answer is lost");
    // No answer of a person sends it again.
    let output = it.approving(true).output().unwrap();
    let refused: Value = serde_json::from_slice(&output.stderr).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(refused["error"]["code"], "approval_answered");
    let (status, lost) = it.asking.sends("DELETE", LOCK);
    assert_eq!((status, &lost["code"]), (502, &json!("approval_lost")), "{lost}");
    assert!(lost["message"].as_str().unwrap().contains("may have happened"), "{lost}");
    assert_eq!(it.reached(), 1);
    // The agent was told, so an equal request asks anew, and the person sees that it may have run.
    let next = it.asking.asks("DELETE", LOCK);
    assert_ne!(next, it.id);
    machine.run(&["approvals", "show", &next]).exits(0).says("this request ran once");
    assert_eq!(it.reached(), 1);
}

/// Lets the lease of the process that was killed end. The long form waits for a minute; the short form moves the end of
/// the lease into the past, which is not part of what the mark of the row authenticates.
fn lease_ends(it: &Kill) {
    if rounds(true, false) {
        let past = "UPDATE connection_approval SET lease_until = 1 WHERE state = 'executing'";
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let database = sql::Database::at(&it.asking.machine.address());
        assert_eq!(runtime.block_on(sql::script(&database, past)), 1);
    }
    until("the lease ends", || it.seen()["state"] != "executing");
}

#[test]
fn an_answer_that_nobody_has_fetched_when_the_server_is_killed_is_there_afterwards() {
    let it = Kill::new();
    it.approve();
    assert_eq!(it.reached(), 1);
    let it = it.killed();
    it.is("answered");
    it.is_answered();
}
