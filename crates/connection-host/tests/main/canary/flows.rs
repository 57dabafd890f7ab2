//! Tokens that a provider issues while the program runs, and webhook addresses and keys that the program generates.

use serde_json::Value;

use super::watch::{Watch, finds};
use crate::provider::{KEY_SECRET, SECRETS, TOKEN};

/// The pairs of tokens that the provider issues, one for each refresh.
const GIVEN: [(&str, &str); 3] = [
    ("canary+access/2f0a", "canary+refresh/77be"),
    ("canary+access/8c31", "canary+refresh/e04d"),
    ("canary+access/51d7", "canary+refresh/3a9f"),
];

fn gives(pair: (&str, &str)) -> String {
    let (access, refresh) = pair;
    format!(r#"{{"access": "{access}", "refresh": "{refresh}"}}"#)
}

/// Runs the example `examples/renewing.rs` and searches its outputs.
#[test]
fn no_token_of_a_renewal_is_found_in_any_output_log_error_or_file() {
    let mut watch = Watch::new();
    GIVEN.iter().flat_map(|(access, refresh)| [access, refresh]).for_each(|secret| watch.knows(secret));
    let endpoints = format!(r#"{{"https://api.renewing.example": "{}"}}"#, watch.machine.provider.origin);
    watch.machine.set("CONNECTIONS_HTTP__ENDPOINTS", &endpoints);
    let machine = &watch.machine;
    let tokens = format!(r#"{{"accessToken": "{TOKEN}", "refreshToken": "{KEY_SECRET}"}}"#);
    let tokens = machine.write("given/tokens.json", tokens.as_bytes());
    let run = |arguments: &[&str], exit| watch.example("renewing", arguments, exit);
    run(&["add", "renewing", "--input", &tokens], 0);
    // The provider refuses the refresh for now, and repeats all secrets in its answer.
    let said = SECRETS.iter().map(|secret| format!("{secret:?}")).collect::<Vec<_>>().join(",");
    for status in [429, 418] {
        machine.provider.tell(status, &format!("x-said-back: {KEY_SECRET}\r\n"), &format!("[{said}]"));
        run(&["refresh", "renewing"], 4);
        run(&["refresh", "renewing", "--json"], 4);
    }
    for pair in GIVEN {
        machine.provider.tell(200, "", &gives(pair));
        run(&["refresh", "renewing", "--json"], 0);
    }
    machine.provider.tell(503, "", &format!("[{said}]"));
    run(&["refresh", "renewing"], 4);
    for command in ["list", "events", "show renewing", "events renewing", "verify --all", "doctor"] {
        let command: Vec<_> = command.split(' ').collect();
        run(&command, 0);
        run(&[&command[..], &["--json"]].concat(), 0);
    }
    run(&["remove", "renewing", "--yes"], 0);
    run(&["add", "renewing", "--input", &tokens], 0);
    // The control: only `send` prints what the provider repeats, and the search finds it.
    machine.provider.tell(200, "", GIVEN[2].1);
    let printed = machine.run_example("renewing", &["send", "renewing", "GET", "/"]);
    assert!(watch.leaks(&printed.bytes), "{}", printed.out);
    machine.provider.tell(400, "", &format!("[{said}]"));
    run(&["refresh", "renewing"], 4);
    // The control for the whole test: a log was written, and the tokens were used.
    assert!(watch.seen.borrow().iter().any(|text| finds(text, b"refresh")));
    assert!(machine.provider.seen().iter().any(|seen| seen.path == "/token" && seen.body.contains(KEY_SECRET)));
}

#[test]
fn no_address_or_key_of_webhooks_is_found_but_where_it_is_asked_for() {
    let mut watch = Watch::new();
    let origin = watch.machine.provider.origin.clone();
    watch.machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &origin);
    let token = watch.machine.write("given/token", TOKEN.as_bytes());
    watch.run(&["add", "github", "--label", "work", "--field", &format!("accessToken=@{token}")], 0);
    for command in ["enable", "rotate"] {
        let shown = watch.machine.run(&["webhooks", "github", command, "--json", "--show-secrets"]).exits(0);
        let secret = |member: &str| shown.json()[member].as_str().map(str::to_owned).expect("it is shown");
        let address = secret("address");
        let key = secret("key");
        watch.knows(address.rsplit('/').next().expect("it has parts"));
        watch.knows(&key);
        // The control: the secrets that were requested are in the output, and the search finds them.
        assert!(watch.leaks(&shown.bytes));
        let printed = watch.machine.run(&["webhooks", "github", "key", "--show-secrets"]).exits(0);
        assert!(watch.leaks(&printed.bytes) && finds(&printed.bytes, key.as_bytes()));
    }
    for command in ["enable", "rotate", "handshake", "end-grace", "deliveries", "test"] {
        // The test does not know the secrets that `rotate` makes here, and the other commands make none.
        for status in [200, 404, 500] {
            watch.machine.provider.tell(status, "", "");
            let exit = match command {
                "test" => 1,
                "handshake" => 6,
                "rotate" if status != 200 => continue,
                _ => 0,
            };
            watch.run(&["webhooks", "github", command], exit);
            watch.run(&["webhooks", "github", command, "--json"], if command == "rotate" { 0 } else { exit });
        }
        watch.run(&["webhooks", "github", "key"], 2);
        watch.run(&["webhooks", "github"], 0);
        watch.run(&["webhooks", "github", "--json"], 0);
    }
    watch.run(&["events", "github", "--json"], 0);
    watch.run(&["webhooks", "github", "disable", "--yes"], 0);
    let posted = watch.machine.provider.seen().into_iter().filter(|seen| seen.method == "POST");
    assert!(posted.count() >= 6, "tests were sent");
    let off: Value = watch.machine.run(&["webhooks", "github", "--json"]).exits(0).json();
    assert_eq!(off["enabled"], false);
}
