//! The reverse door of `serve`, used by `curl` as the guide shows it.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::process::Output;

use crate::{
    program::{Machine, check},
    provider::leaks,
    serve::{Serving, machine},
};

const RULES: &[u8] = b"budget = { requests = 100, per = \"1h\" }\n\n[[rule]]\nname = \"read\"\n\
                       methods = [\"GET\"]\npath = \"/**\"\neffect = \"allow\"\n";
const GUIDE: &str = include_str!("../../../../docs/guide/agents.md");
/// The commands of the guide, whose token and server are variables.
const READS: &str = "curl -H \"Authorization: Bearer $AGENT_TOKEN\" \"$SERVER/use/github:octocat/user\"";
const WRITES: &str = "curl -X DELETE -H \"Authorization: Bearer $AGENT_TOKEN\" \
                      \"$SERVER/use/github:octocat/repos/acme/site/issues/7/lock\"";

struct Shell<'a> {
    machine: &'a Machine,
    server: String,
    token: String,
}

impl Shell<'_> {
    /// Runs a command of the guide, which also prints the head of the answer.
    fn run(&self, command: &str) -> String {
        assert!(GUIDE.contains(command), "{command}");
        let mut shell = self.machine.command_of_system("sh");
        shell.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("AGENT_TOKEN", &self.token).env("SERVER", &self.server);
        let command = command.replacen("curl", "curl -sS -i --noproxy '*'", 1);
        let Output { status, stdout, stderr } = shell.args(["-c", &command]).output().unwrap();
        assert!(status.success(), "{command}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    /// Sends a request with the token.
    fn ask(&self, method: &str, path: &str) {
        let address = format!("{}/use/github:octocat{path}", self.server);
        let mut curl = self.machine.command_of_system("curl");
        curl.env("PATH", "/usr/local/bin:/usr/bin:/bin").args(["-sS", "--noproxy", "*", "-X", method, "-H"]);
        let output = curl.arg(format!("Authorization: Bearer {}", self.token)).arg(address).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Repeats a command of the guide until the answer has this status.
    fn until(&self, command: &str, status: u16) {
        let status = format!("HTTP/1.1 {status} ");
        assert!((0..1000).any(|_| self.run(command).starts_with(&status)), "{status} never came");
    }

    #[track_caller]
    fn refused(&self, command: &str, status: u16, outcome: &str) -> String {
        let answer = self.run(command);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains(&format!("\r\nconnections-outcome: {outcome}\r\n")), "{answer}");
        answer
    }
}

#[test]
fn curl_reads_with_the_token_of_an_agent_within_its_rules_and_budget() {
    let machine = machine();
    machine.add_github("octocat").exits(0);
    machine.write("rules.toml", RULES);
    let token = machine.run(&["agents", "create", "nightly-report"]).exits(0).out.trim().to_owned();
    let serving = Serving::start(&machine);
    let shell = Shell { machine: &machine, server: format!("http://{}", serving.address), token };
    shell.refused(READS, 404, "denied");
    let grant = ["agents", "grant", "nightly-report", "github", "--rules", "rules.toml", "--yes"];
    machine.run(&grant).exits(0);

    let answer = shell.run(READS);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("octocat"), "{answer}");
    assert!(!answer.contains("connections-outcome") && answer.contains("connections-request-id: "), "{answer}");
    let sent = machine.provider.seen().pop().unwrap();
    assert_eq!((&*sent.method, &*sent.path, leaks(&sent)), ("GET", "/user", false));
    assert!(!format!("{sent:?}").contains(&shell.token), "{sent:?}");

    let denied = shell.refused(WRITES, 403, "denied");
    assert!(denied.contains("\"message\":") && denied.contains("rule_denied"), "{denied}");
    // A server sees the changes of another process within half a second.
    machine.run(&["freeze", "--agent", "nightly-report"]).exits(0);
    shell.until(READS, 403);
    shell.refused(READS, 403, "frozen");
    machine.run(&["thaw", "--agent", "nightly-report"]).exits(0);
    shell.until(READS, 200);
    shell.until(READS, 429);
    let spent = shell.refused(READS, 429, "budget");
    assert!(spent.contains("\r\nretry-after: "), "{spent}");
    let before = machine.provider.seen().len();
    machine.run(&["agents", "remove", "nightly-report", "--yes"]).exits(0);
    shell.until(READS, 401);
    shell.refused(READS, 401, "denied");
    assert_eq!(machine.provider.seen().len(), before);
}

#[test]
fn a_grant_is_narrowed_to_what_was_used_after_the_difference_was_shown() {
    let machine = machine();
    machine.add_github("octocat").exits(0);
    let rules = GUIDE.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    machine.write("issues.toml", rules.as_bytes());
    let token = machine.run(&["agents", "create", "nightly-report"]).exits(0).out.trim().to_owned();
    machine.run(&["agents", "learn", "nightly-report"]).exits(5).warns("may use no connection");
    let grant = ["agents", "grant", "nightly-report", "github", "--rules", "issues.toml"];
    machine.run(&grant).exits(0);
    let learn = ["agents", "learn", "nightly-report"];
    machine.run(&learn).exits(0).says("Requests on record: 0 allowed, 0 denied").says("already, with the same rules");
    let serving = Serving::start(&machine);
    let shell = Shell { machine: &machine, server: format!("http://{}", serving.address), token };
    for path in ["/repos/acme/site/issues/7", "/repos/acme/site/issues/8", "/repos/acme/site/issues/12"] {
        shell.ask("GET", path);
    }
    shell.ask("DELETE", "/repos/acme/site/issues/7/lock");
    let shown = GUIDE.split("`connections agents learn nightly-report`").nth(1).unwrap();
    let shown = shown.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let learned = machine.run(&learn).exits(0).warns("--yes");
    for line in shown.lines() {
        assert!(learned.out.lines().any(|printed| printed == line), "{line} in {}", learned.out);
    }
    let words = |machine: &Machine| {
        let shown = machine.run(&["agents", "show", "nightly-report", "--json"]).exits(0).json();
        (shown["grants"][0]["words"][0].clone(), shown["grants"][0]["expiresAt"].clone())
    };
    let (before, ends) = words(&machine);
    assert_eq!(before, "may send GET or HEAD /repos/acme/{repo}/issues/**", "nothing is changed without --yes");
    let json = machine.run(&[&learn[..], &["--json"]].concat()).exits(0).json();
    check(&json, "learned");
    assert_eq!((&json["requests"], &json["refused"], &json["granted"]), (&3.into(), &1.into(), &false.into()));
    let wider = machine.run(&[&learn[..], &["--refused"]].concat()).exits(0);
    wider.says("  + is asked about before DELETE /repos/acme/site/issues/7/lock");
    machine.run(&[&learn[..], &["--since", "2100-01-01T00:00:00Z"]].concat()).exits(0).says("Requests on record: 0 allowed");
    machine.run(&[&learn[..], &["--yes"]].concat()).exits(0).says("nightly-report has these rules from now on");
    let (after, still_ends) = words(&machine);
    assert_eq!(after, "may send GET /repos/acme/site/issues/{number}");
    let seconds = |time: &serde_json::Value| time.as_str().unwrap()[..16].to_owned();
    assert_eq!(seconds(&still_ends), seconds(&ends), "the end stays");
    machine.run(&[&learn[..], &["--yes"]].concat()).exits(0).says("already, with the same rules");
    // The page and other programs do the same by the API.
    let explain = ["agents", "explain", "nightly-report", "GET", "/repos/acme/other/issues/7"];
    machine.run(&explain).exits(0).says("does not match because the path does not match").says("the request is denied: ");
    let body = machine.run(&[&explain[..], &["--json"]].concat()).exits(0).json();
    check(&body, "explanation");
}
