//! A person answers requests of an agent with the commands of the guide: at a terminal, and from a script.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use serde_json::Value;

use crate::{
    program::{Machine, check},
    serve::{Serving, machine},
    terminal::{end, enter, start},
};

const RULES: &[u8] = b"[[rule]]\nname = \"read\"\nmethods = [\"GET\"]\npath = \"/**\"\neffect = \"allow\"\n\n\
                       [[rule]]\nname = \"lock\"\nmethods = [\"PUT\", \"DELETE\"]\n\
                       path = \"/repos/{owner}/{repo}/issues/{number}/lock\"\neffect = \"ask\"\n";

/// An agent that is asked about, and the server with its door.
pub(crate) struct Asking {
    pub(crate) machine: Machine,
    pub(crate) serving: Serving,
    pub(crate) token: String,
}

impl Asking {
    pub(crate) fn new(machine: Machine) -> Self {
        machine.write("lock.toml", RULES);
        let token = machine.run(&["agents", "create", "deploy"]).exits(0).out.trim().to_owned();
        machine.run(&["agents", "grant", "deploy", "github", "--rules", "lock.toml", "--yes"]).exits(0);
        let serving = Serving::with_page(&machine);
        Self { machine, serving, token }
    }

    /// Kills the server, as a crash would, and starts another one on the same store.
    pub(crate) fn killed(self) -> Self {
        let Self { machine, serving, token } = self;
        serving.kill();
        machine.deserted();
        let serving = Serving::with_page(&machine);
        Self { machine, serving, token }
    }

    /// Sends a request of the agent, and returns the status and the body.
    pub(crate) fn sends(&self, method: &str, path: &str) -> (u16, Value) {
        let address = format!("http://{}/use/github:work{path}", self.serving.address);
        let mut curl = self.machine.command_of_system("curl");
        curl.env("PATH", "/usr/local/bin:/usr/bin:/bin").args(["-sS", "--noproxy", "*", "-X", method]);
        curl.args(["-H", "Prefer: wait=0", "-w", "\n%{http_code}", "-H"]);
        let output = curl.arg(format!("Authorization: Bearer {}", self.token)).arg(address).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    /// Sends a request about which a person is asked, and returns the id of its approval.
    pub(crate) fn asks(&self, method: &str, path: &str) -> String {
        let (status, body) = self.sends(method, path);
        assert_eq!((status, &body["code"]), (403, &Value::from("approval_required")), "{body}");
        body["approval"]["id"].as_str().unwrap().to_owned()
    }

    /// Returns the number of requests of the agent that reached the provider.
    pub(crate) fn reached(&self) -> usize {
        let is_of_agent = |path: &str| path.contains("/issues/");
        self.machine.provider.seen().iter().filter(|sent| is_of_agent(&sent.path)).count()
    }
}

pub(crate) fn asking() -> Asking {
    let machine = machine();
    machine.add_github("work").exits(0);
    Asking::new(machine)
}

pub(crate) const LOCK: &str = "/repos/octocat/hello-world/issues/1/lock";

#[test]
fn a_person_looks_at_a_request_and_approves_it_at_a_terminal() {
    let it = asking();
    let machine = &it.machine;
    machine.run(&["approvals", "list"]).exits(0).says("No request waits for a person.");
    let id = it.asks("DELETE", LOCK);
    let end_of_id = &id[id.len() - 8..];
    let listed = machine.run(&["approvals", "list"]).exits(0).says("deploy").says("github:work").says("lock");
    listed.says("DELETE https://api.github.com").says("waits; ends").says(end_of_id);
    let shown =
        machine.run(&["approvals", "show", end_of_id]).exits(0).says("deletes something, which cannot be undone");
    shown.says("this request ran never").says("| accept: */*").warns("connections approvals approve");

    // Nobody can be asked here.
    machine.run(&["approvals", "approve", end_of_id]).exits(2).warns("--digest");
    let mut session = start(machine, &["approvals", "approve", end_of_id]);
    session.exp_string("Send this request of deploy, once: DELETE https://api.github.com").unwrap();
    enter(&mut session, "n");
    assert!(end(session, 0).contains("Nothing was approved."));
    assert_eq!(it.reached(), 0);
    let mut session = start(machine, &["approvals", "approve", end_of_id]);
    let before = session.exp_string("Send this request of deploy, once: DELETE https://api.github.com").unwrap();
    assert!(before.contains(LOCK) && before.contains("digest"), "{before}");
    enter(&mut session, "y");
    assert!(end(session, 0).contains("Approved DELETE"));
    assert_eq!(it.reached(), 1);
    machine.run(&["approvals", "approve", end_of_id]).exits(2);
    let again = machine.run(&["approvals", "approve", &id, "--digest", "x", "--json"]).exits(6).error();
    assert_eq!(again["error"]["code"], "approval_answered");
    // The agent gets what the provider answered.
    let (status, _) = it.sends("DELETE", LOCK);
    assert!(status != 403, "{status}");
    assert_eq!(it.reached(), 1);
    machine.run(&["uses"]).exits(0).says("DELETE /repos/octocat/hello-world/issues/1/lock");
}

#[test]
fn a_script_approves_by_the_digest_refuses_with_a_reason_and_widens_a_grant() {
    let it = asking();
    let machine = &it.machine;
    let id = it.asks("PUT", LOCK);
    let shown = machine.run(&["approvals", "show", &id, "--json"]).exits(0).json();
    check(&shown, "shownApproval");
    let digest = shown["approval"]["digest"].as_str().unwrap();
    machine.run(&["approvals", "approve", &id, "--digest", "x"]).exits(6).warns("is something else");
    let words = ["approvals", "approve", &id, "--digest", digest, "--for", "10", "--requests", "1", "--json"];
    let approved = machine.run(&words).exits(0).json();
    check(&approved, "approval");
    assert_eq!((&approved["state"], &approved["widened"]), (&Value::from("answered"), &Value::from(true)));
    machine.run(&["agents", "show", "deploy"]).exits(0).says("1 more of PUT").says("about which 'lock' asks");
    // The agent gets the answer of the first request, and one more passes.
    assert!(it.sends("PUT", LOCK).0 != 403);
    assert!(it.sends("PUT", LOCK).0 != 403);
    assert_eq!(it.reached(), 2);
    let id = it.asks("PUT", LOCK);
    let refused = machine.run(&["approvals", "refuse", &id, "--reason", "Not before the release."]).exits(0);
    refused.says("Refused PUT");
    let (status, told) = it.sends("PUT", LOCK);
    assert_eq!((status, &told["code"]), (403, &Value::from("approval_refused")));
    assert!(told["message"].as_str().unwrap().contains("Not before the release."));
    assert_eq!(it.reached(), 2);
    let list = machine.run(&["approvals", "list", "--json"]).exits(0).json();
    for of in list.as_array().unwrap() {
        check(of, "approval");
    }
    assert_eq!(list.as_array().unwrap().len(), 2);
    machine.run(&["approvals", "show", "nothing"]).exits(5);
    machine.run(&["approvals", "list", "--state", "done"]).exits(2);
    machine.run(&["approvals", "list", "--agent", "nobody"]).exits(5);
    machine.run(&["tokens", "create", "phone", "--role", "approve"]).exits(0);
}

#[test]
fn whoever_watches_sees_a_request_begin_to_wait_and_what_becomes_of_it() {
    let it = asking();
    let mut session = start(&it.machine, &["approvals", "watch"]);
    session.exp_string("Watching").unwrap();
    let id = it.asks("DELETE", LOCK);
    session.exp_string("(lock): waits").unwrap();
    it.machine.run(&["approvals", "refuse", &id]).exits(0);
    session.exp_string("(lock): refused").unwrap();
    session.send_control('c').unwrap();
    end(session, 0);
}
