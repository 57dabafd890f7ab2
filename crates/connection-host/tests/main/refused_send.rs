//! `send` whose provider refuses the request with 401, and what the other commands say about the connection afterwards.

use crate::program::Machine;

const BODY: &str = r#"{"message":"Bad credentials"}"#;

/// Lets the provider refuse everything, and sends a request.
fn refused(machine: &Machine) -> usize {
    machine.provider.tell(401, "", BODY);
    let before = machine.provider.seen().len();
    let sent = machine.run(&["send", "github", "GET", "/user/repos"]).exits(1).warns("answered 401 Unauthorized");
    assert_eq!(sent.out.trim_end(), BODY, "the answer is the output");
    machine.provider.seen().len() - before
}

#[test]
fn a_refused_send_is_verified_before_the_command_ends() {
    let machine = Machine::new();
    machine.add_github("one").exits(0);
    assert_eq!(refused(&machine), 2, "the request and the probe");
    let listed = machine.run(&["list", "--json"]).exits(0).json();
    assert_eq!((&listed[0]["liveness"], &listed[0]["reason"]["code"]), (&"failing".into(), &"unauthorized".into()));
    machine.run(&["doctor"]).exits(4).says("1 of 1 do not work");
    // Nobody has seen the provider's own words yet.
    machine.run(&["show", "github"]).exits(0).says("provider says  Bad credentials");
    let shown = machine.run(&["show", "github", "--json"]).exits(0).json();
    assert_eq!(shown["reason"]["providerText"], "Bad credentials");
    assert_eq!(listed[0]["reason"].get("providerText"), None);
    // The control: any other status is followed by no probe.
    machine.provider.tell(403, "", "{}");
    let before = machine.provider.seen().len();
    machine.run(&["send", "github", "GET", "/user/repos"]).exits(1);
    assert_eq!(machine.provider.seen().len() - before, 1);
    // A challenge says the same with other statuses.
    for status in [400, 403] {
        let machine = Machine::new();
        machine.add_github("one").exits(0);
        machine.provider.tell(status, "www-authenticate: Bearer error=\"invalid_token\"\r\n", BODY);
        let before = machine.provider.seen().len();
        let sent = machine.run(&["send", "github", "GET", "/user/repos"]).exits(1);
        sent.warns("a verification found that the connection is failing");
        assert_eq!(machine.provider.seen().len() - before, 2, "the request and the probe");
    }
}

#[test]
fn the_remedy_of_a_refused_send_is_what_its_verification_found() {
    let machine = Machine::new();
    machine.add_github("one").exits(0);
    machine.provider.tell(401, "", BODY);
    let send = || machine.run(&["send", "github", "GET", "/user/repos"]).exits(1);
    let sent = send().warns("a verification found that the connection is failing: api.github.com answered 401");
    let sent = sent.warns("run `connections reauthorize github:one`");
    assert!(!sent.err.contains("connections verify"), "{}", sent.err);
    // The control: the second one within five minutes is not verified.
    send().warns("`connections verify github:one` says whether the credential still works");
}

#[test]
fn what_is_told_of_a_refused_use_is_true_until_and_after_its_verification() {
    let machine = Machine::new();
    machine.add_github("one").exits(0);
    let well = "none of 1 failed when it was last verified";
    machine.run(&["doctor"]).exits(0).says(well);
    assert_eq!(refused(&machine), 2);
    machine.provider.behave();
    machine.run(&["verify", "github"]).exits(0);
    machine.run(&["doctor"]).exits(0).says(well);
    // The second one within five minutes is not verified at once.
    assert_eq!(refused(&machine), 1);
    let told = "none of 1 failed when it was last verified, but the provider of 1 refused a request since";
    let refusal = "api.github.com answered 401 Unauthorized to a request at";
    let doctor = machine.run(&["doctor"]).exits(4).says(told).says(&format!("github:one is live: {refusal}"));
    doctor.says("connections verify github:one");
    let listed = machine.run(&["list"]).exits(0).says(refusal).says("was not verified since");
    listed.says("Verify with:\n  connections verify github:one");
    let shown = machine.run(&["show", "github", "--json"]).exits(0).json();
    assert_eq!((&shown["liveness"], &shown["reason"]["code"]), (&"live".into(), &"use_refused".into()));
    machine.provider.behave();
    machine.run(&["verify", "github"]).exits(0);
    machine.run(&["doctor"]).exits(0).says(well);
    let listed = machine.run(&["list"]).exits(0);
    assert!(!listed.out.contains("refused"), "{}", listed.out);
}

#[test]
fn a_send_that_lacks_scopes_names_them_and_changes_no_liveness() {
    let machine = Machine::new();
    machine.add_github("one").exits(0);
    let challenge = "www-authenticate: Bearer error=\"insufficient_scope\", scope=\"repo:write\"\r\n";
    machine.provider.tell(403, challenge, "{}");
    let before = machine.provider.seen().len();
    let sent = machine.run(&["send", "github", "GET", "/user/repos"]).exits(1).warns("answered 403 Forbidden");
    sent.warns("lacks the scopes repo:write").warns("connections reauthorize github:one");
    let json = machine.run(&["send", "github", "GET", "/user/repos", "--json"]).exits(1);
    let answer: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    crate::program::check(&answer, "answer");
    assert_eq!((&answer["missingScopes"], &answer["askableScopes"]), (&["repo:write"][..].into(), &[""; 0][..].into()));
    assert_eq!(machine.provider.seen().len() - before, 2, "no probe follows");
    assert_eq!(machine.run(&["list", "--json"]).exits(0).json()[0]["liveness"], "live");
    // The control: a 403 that names no scope.
    machine.provider.tell(403, "", "{}");
    machine.run(&["send", "github", "GET", "/user/repos"]).exits(1).warns("connections verify github:one");
    let field = format!("accessToken=@{}", machine.write("token", crate::provider::TOKEN.as_bytes()));
    let refused = machine.run(&["reauthorize", "github", "--scope", "repo:write", "--field", &field]);
    refused.exits(6).warns("cannot ask for these scopes");
}
