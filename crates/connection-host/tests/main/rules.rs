//! The commands `rules`, and the guide for rules, whose commands are run here.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeSet;

use crate::{
    program::{Machine, check},
    provider::TOKEN,
};

const GUIDE: &str = include_str!("../../../../docs/guide/agents.md");

/// Returns the file of rules that the guide shows.
fn file() -> &'static str {
    GUIDE.split("```toml\n").nth(1).unwrap().split("```").next().unwrap()
}

/// Returns a machine with the file of the guide.
fn machine() -> Machine {
    let machine = Machine::new();
    machine.write("issues.toml", file().as_bytes());
    machine
}

/// Returns each command of the guide with the output that it shows after the command, if it shows one.
fn shown() -> Vec<(&'static str, Option<&'static str>)> {
    // What is frozen is in a database, and tested beside it.
    let rules = GUIDE.split("\n## Freeze\n").next().unwrap();
    let parts = rules.split("`connections ").skip(1);
    let shown = parts.map(|part| {
        let (command, rest) = part.split_once('`').unwrap();
        let output = rest.split_once("```text\n").and_then(|(_, output)| output.split_once("```"));
        (command, output.map(|(output, _)| output))
    });
    // `agent_runs`, `approvals`, `doors`, `mcp_tools` and `uses` run these beside a server, and `credentials` and
    // `changed_kinds` beside other programs and kinds.
    let beside = [
        "agents learn",
        "agents run",
        "approvals",
        "credential",
        "kinds accept",
        "mcp",
        "serve",
        "tokens create",
        "uses",
    ];
    let shown = shown.filter(|(command, _)| !beside.iter().any(|start| command.starts_with(start)));
    shown.collect()
}

/// Returns `true` if a text is the pattern, in which `...` stands for a part of a line.
fn fits(text: &str, pattern: &str) -> bool {
    let fits_line = |(line, pattern): (&str, &str)| {
        let mut parts = pattern.split("...");
        let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
        let mut last = None;
        for part in parts {
            let Some(at) = rest.rfind(part).filter(|_| part.is_empty()).or_else(|| rest.find(part)) else {
                return false;
            };
            rest = &rest[at + part.len()..];
            last = Some(part);
        }
        rest.is_empty() || last == Some("")
    };
    text.lines().count() == pattern.lines().count() && text.lines().zip(pattern.lines()).all(fits_line)
}

#[test]
fn every_command_of_the_guide_prints_what_the_guide_shows() {
    let mut machine = machine();
    machine.set("GITHUB_TOKEN", TOKEN);
    machine.run(&["add", "github", "--from-env", "accessToken=GITHUB_TOKEN"]).exits(0);
    let mut outputs = 0;
    for (command, output) in shown() {
        let arguments: Vec<&str> = command.split(' ').collect();
        let ran = machine.run(&arguments).exits(0);
        if let Some(output) = output {
            assert!(fits(&ran.out, output), "{command}:\n{}\nin place of\n{output}", ran.out);
            outputs += 1;
        }
    }
    assert_eq!(outputs, 14);
    let commands = |first: &str| {
        let commands = shown().into_iter().filter_map(|(command, _)| command.split_once(' '));
        let commands = commands.filter(|(word, _)| *word == first);
        commands.filter_map(|(_, rest)| rest.split(' ').next()).collect::<BTreeSet<&str>>()
    };
    assert_eq!(commands("rules"), BTreeSet::from(["check", "diff", "explain", "presets"]));
    assert_eq!(commands("agents"), BTreeSet::from(["create", "explain", "grant", "remove", "revoke", "show", "token"]));
}

#[test]
fn rules_are_read_without_a_database() {
    let machine = machine();
    for (command, _) in shown().into_iter().filter(|(command, _)| !command.starts_with("agents ")) {
        machine.run(&command.split(' ').collect::<Vec<_>>()).exits(0);
    }
    assert!(!machine.data().exists(), "a command made a database");
}

#[test]
fn the_results_have_their_shapes() {
    let machine = machine();
    let json = |arguments: &[&str]| machine.run(&[arguments, &["--json"]].concat()).exits(0).json();
    let checked = json(&["rules", "check", "issues.toml"]);
    check(&checked, "rulesChecked");
    assert_eq!(checked["words"][0], "may send GET or HEAD /repos/acme/{repo}/issues/**");
    let explained = json(&["rules", "explain", "github/read", "GET", "/user"]);
    check(&explained, "explanation");
    assert_eq!((explained["decision"].as_str(), explained["rule"].as_str()), (Some("allow"), Some("reads")));
    let refused = json(&["rules", "explain", "github/read", "GET", "/a%2fb"]);
    check(&refused, "explanation");
    assert_eq!(refused["decision"], "refused");
    let differs = json(&["rules", "diff", "ask", "everything"]);
    check(&differs, "rulesDiff");
    assert_eq!((differs["differs"].as_bool(), differs["before"].as_str()), (Some(true), Some("ask")));
    let same = json(&["rules", "diff", "everything", "ask"]);
    check(&same, "rulesDiff");
    assert_eq!(same["differs"], false);
    let presets = json(&["rules", "presets", "twilio"]);
    presets.as_array().unwrap().iter().for_each(|preset| check(preset, "preset"));
    let names: Vec<_> = presets.as_array().unwrap().iter().map(|preset| preset["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["read", "ask"]);
}

#[test]
fn a_file_with_a_problem_is_refused_with_its_place() {
    let machine = Machine::new();
    for (text, place) in [
        ("[[rule]]\nname = \"a\"\npath = \"a\"\neffect = \"allow\"\n", "bad.toml: rule[0].path: must begin with"),
        ("[[rule]]\nname = \"a\"\n", "bad.toml: rule[0].effect: must be a text"),
        ("\n[[rule]\n", "bad.toml: line 2: "),
        ("rules = []\n", "bad.toml: rules: has the unknown member \"rules\""),
    ] {
        machine.write("bad.toml", text.as_bytes());
        machine.run(&["rules", "check", "bad.toml"]).exits(2).warns(place);
    }
    machine.write("bad.json", b"{ \"rule\": [");
    machine.run(&["rules", "check", "bad.json"]).exits(2).warns("bad.json: this is not JSON");
    machine.run(&["rules", "check", "gone.toml"]).exits(2).warns("gone.toml");
    machine.feed(&["rules", "check", "-"], file()).exits(0).says("may send GET or HEAD");
}

#[test]
fn a_preset_that_does_not_exist_is_named_with_those_that_do() {
    let machine = Machine::new();
    machine.run(&["rules", "explain", "github/write", "GET", "/"]).exits(5).warns("its presets are read, ask");
    machine.run(&["rules", "explain", "githb/read", "GET", "/"]).exits(5).warns("Did you mean 'github'?");
    // The rules of an agent are those of its grant.
    let explained = machine.run(&["rules", "explain", "deploy", "GET", "/"]).exits(2);
    explained.warns("`connections agents explain deploy METHOD PATH` does this for the grant of an agent");
    machine.run(&["rules", "presets", "githb"]).exits(5).warns("unknown kind");
}

#[test]
fn a_body_and_a_header_are_a_part_of_the_request() {
    let machine = machine();
    let path = "/repos/acme/site/issues/7/comments";
    machine.write("body.json", br#"{"body":"Thanks!"}"#);
    let explain = |more: &[&str]| machine.run(&[&["rules", "explain", "issues.toml", "post", path], more].concat());
    explain(&["--body", "body.json"]).exits(0).says("a person is asked about the request");
    explain(&["--body", "body.json", "--header", "Content-Type: text/plain"]).exits(0).says("another media type");
    explain(&["-H", "Cookie: a=b"]).exits(0).says("the request is refused");
    explain(&["-H", "no header"]).exits(2);
    let graphql = |body: &str| {
        let arguments = ["rules", "explain", "linear/read", "POST", "/graphql", "--body", "-"];
        machine.feed(&arguments, &serde_json::json!({ "query": body }).to_string()).exits(0)
    };
    graphql("{ viewer { id } }").says("the request is allowed");
    graphql("mutation { issueDelete(id: \"1\") { success } }").says("the document has a mutation");
}

#[test]
fn a_path_is_read_as_its_kind_says() {
    let machine = Machine::new();
    let path = "/api/v4/projects/group%2Fproject/issues";
    machine.run(&["rules", "explain", "gitlab/read", "GET", path]).exits(0).says("the request is allowed");
    machine.run(&["rules", "explain", "ask", "GET", path]).exits(0).says("the request is refused");
    let explain = ["rules", "explain", "ask", "GET", path, "--kind", "gitlab"];
    machine.run(&explain).exits(0).says("a person is asked about the request");
    machine.run(&["rules", "explain", "ask", "GET", path, "--kind=gitlab"]).exits(0).says("a person is asked");
}

#[test]
fn a_header_that_a_kind_of_the_same_provider_uses_for_its_credential_is_refused() {
    let machine = Machine::new();
    let explain = |kind: &str| {
        let header = "X-Postmark-Account-Token: other";
        machine.run(&["rules", "explain", "ask", "GET", "/servers", "--kind", kind, "-H", header]).exits(0)
    };
    explain("postmark-account").says("the request is refused");
    explain("postmark").says("the request is refused");
    explain("github").says("a person is asked about the request");
}

#[test]
fn all_presets_are_listed_with_those_that_every_kind_has() {
    let listed = Machine::new().run(&["rules", "presets"]).exits(0);
    for line in ["github/read", "slack/read", "twilio/read", "ask", "everything", "  may send every request"] {
        assert!(listed.out.lines().any(|shown| shown == line), "{line}: {}", listed.out);
    }
    assert!(!listed.out.contains("/ask"), "{}", listed.out);
}
