//! The ways to finish a setup at a provider: the certified provider, with the program `examples/oauth2.rs`.

use connection_faults::user_agent::UserAgent;
use serde_json::json;

use crate::{
    program::{Machine, on_postgres},
    real::{Real, browsed},
};

/// RFC 8252: the program listens on loopback while the setup waits, without a person at a terminal.
#[test]
fn a_browser_that_comes_back_connects() {
    let Some(real) = Real::start(json!({})) else { return };
    let application = real.application();
    let mut adding = real.begin(&["add", "real", "--no-browser", "--input", &application]);
    let redirect = adding.line("Redirect address: ");
    let port = redirect.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/callback/real"));
    assert!(port.is_some_and(|port| port.parse::<u16>().is_ok()), "{redirect}");
    let (back, shown) = browsed(&adding.link());
    assert!(back.starts_with(&redirect), "{back}");
    assert!(shown.status == 200 && shown.body.contains("Connected"), "{shown:?}");
    adding.end().exits(0).says("Connected ada (real:ada) · live");
    // The application that the first setup stored is not asked for again.
    let mut again = real.begin(&["add", "real", "--again", "--json"]);
    browsed(&again.link());
    let added = again.end().exits(0);
    assert_eq!(added.json()["label"], "ada-2", "{}", added.out);
    real.run(&["list"]).exits(0).says("real:ada-2");
}

#[test]
fn a_program_that_asks_for_nothing_goes_to_the_browser_without_input() {
    let Some(real) = Real::start(json!({})) else { return };
    let mut adding = real.begin(&["add", "real-public"]);
    browsed(&adding.link());
    adding.end().exits(0).says("Connected ada (real-public:ada) · live");
    let mut again = real.begin(&["reauthorize", "real-public"]);
    browsed(&again.link());
    again.end().exits(0).says("Reauthorized ada (real-public:ada) · live");
}

/// The address where the browser ended is read only after the link is shown, and only one line is read.
#[test]
fn where_a_browser_ended_is_taken_from_standard_input() {
    let Some(real) = Real::start(json!({})) else { return };
    let mut adding = real.begin(&["add", "real-public", "--paste", "--field", "callbackUrl=@-"]);
    let link = adding.link();
    let back = UserAgent::new().follow(&link).unwrap();
    adding.type_line(&back);
    adding.end().exits(0).says("Connected ada (real-public:ada) · live");
    // An address of another attempt is refused, and nothing is left.
    let mut other = real.begin(&["add", "real-public", "--again", "--paste", "--field", "callbackUrl=@-"]);
    other.link();
    other.type_line(&back);
    other.end().exits(3).warns("belongs to another attempt");
    real.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
}

#[test]
fn a_code_that_is_typed_elsewhere_connects_from_the_program() {
    let Some(real) = Real::start(json!({})) else { return };
    let application = real.application();
    let mut adding = real.begin(&["add", "real", "--device", "--input", &application]);
    let shown = adding.line("Open this address and type the code: ");
    let (link, code) = shown.trim_end_matches(')').split_once(" (code ").unwrap();
    crate::servers::allowed(link, code);
    let added = adding.end().exits(0).says("Connected ada (real:ada) · live");
    assert!(!added.err.contains("Redirect address"), "nothing leads to a browser here: {}", added.err);
}

#[test]
fn a_kind_that_asks_which_way_is_told() {
    let Some(real) = Real::start(json!({})) else { return };
    real.run(&["add", "real-chosen"]).exits(2).warns("method");
    let mut adding = real.begin(&["add", "real-chosen", "--device"]);
    let shown = adding.line("Open this address and type the code: ");
    let (link, code) = shown.trim_end_matches(')').split_once(" (code ").unwrap();
    crate::servers::allowed(link, code);
    adding.end().exits(0).says("Connected ada (real-chosen:ada) · live");
}

/// The control: nothing is made, not even a database.
#[test]
fn a_way_that_a_kind_does_not_have_is_refused_before_anything_is_made() {
    let machine = Machine::new();
    machine.run(&["add", "gmail", "--device"]).exits(2).warns("does not support device codes").warns("--paste");
    let ran = machine.run(&["add", "github", "--paste", "--json"]).exits(2);
    assert_eq!(ran.error()["error"]["code"], "way_not_offered");
    machine.run(&["add", "gmail", "--device", "--paste"]).exits(2);
    assert!(!machine.data().exists());
}

/// The command was killed while it waited. The next one listens at the address that the browser knows.
#[test]
fn a_killed_add_is_gone_on_with_at_the_same_address() {
    let Some(real) = Real::start(json!({})) else { return };
    let mut adding = real.begin(&["add", "real-public"]);
    let redirect = adding.line("Redirect address: ");
    let link = adding.link();
    adding.kill();
    let setups = real.run(&["setup", "list", "--json"]).exits(0).json();
    let id = setups[0]["id"].as_str().unwrap().to_owned();
    let mut resumed = real.begin(&["setup", "resume", &id]);
    assert_eq!((resumed.line("Redirect address: "), resumed.link()), (redirect, link.clone()));
    browsed(&link);
    resumed.end().exits(0).says("Connected ada (real-public:ada) · live");
}

/// The command that began the setup still runs and receives the callback. The resumed one sees the result.
#[test]
fn resumed_beside_the_command_that_began_it_says_who_listens_and_ends_with_it() {
    let Some(real) = Real::start(json!({})) else { return };
    let mut adding = real.begin(&["add", "real-public"]);
    let redirect = adding.line("Redirect address: ");
    let link = adding.link();
    let setups = real.run(&["setup", "list", "--json"]).exits(0).json();
    let id = setups[0]["id"].as_str().unwrap().to_owned();
    let mut resumed = real.begin(&["setup", "resume", &id]);
    assert_eq!(resumed.line("Redirect address: "), redirect);
    resumed.line("Another program listens there.");
    assert_eq!(resumed.link(), link);
    browsed(&link);
    adding.end().exits(0).says("Connected ada (real-public:ada) · live");
    resumed.end().exits(0).says("Connected ada (real-public:ada) · live");
}

#[cfg(unix)]
#[test]
fn control_c_while_a_browser_is_waited_for_leaves_nothing() {
    let Some(real) = Real::start(json!({})) else { return };
    let mut adding = real.begin(&["add", "real-public"]);
    adding.link();
    let interrupted = std::process::Command::new("kill").args(["-INT", &adding.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    adding.end().exits(3).warns("cancelled");
    real.run(&["setup", "list"]).exits(0).says("There is no unfinished setup");
}

/// Providers compare the configured port, and another program uses it. The error says what to do, and `--paste` needs
/// no port.
#[test]
fn a_port_that_is_taken_is_told() {
    let Some(real) = Real::start(json!({})) else { return };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    real.machine.configure(&format!(
        "inbound.loopback_port = {port}\n[http.endpoints]\n\"{0}\" = \"{0}\"\n",
        real.server.issuer()
    ));
    let expected = format!("http://127.0.0.1:{port}/callback/real-public");
    real.run(&["add", "real-public"]).exits(1).warns("inbound.loopback_port").warns("--paste");
    assert!(!real.machine.data().exists());
    let mut pasting = real.begin(&["add", "real-public", "--paste", "--field", "callbackUrl=@-"]);
    assert_eq!(pasting.line("Redirect address: "), expected);
    let back = UserAgent::new().follow(&pasting.link()).unwrap();
    pasting.type_line(&back);
    pasting.end().exits(0).says("Connected ada");
    drop(taken);
    let mut adding = real.begin(&["add", "real-public", "--again"]);
    assert_eq!(adding.line("Redirect address: "), expected);
    browsed(&adding.link());
    adding.end().exits(0).says("Connected ada (real-public:ada-2)");
}

/// Fields that only `--paste` asks for, and fields that are asked for once, are marked as such.
#[test]
fn a_kind_tells_its_ways_and_the_address_to_register() {
    let mut machine = Machine::new();
    let shown = machine.run(&["kinds", "show", "gmail"]).exits(0);
    let shown = shown.says("to paste").says("once").says("http://127.0.0.1/callback/gmail (with any port");
    assert!(shown.out.contains("--paste") && !shown.out.contains("--device"), "{}", shown.out);
    machine.set("CONNECTIONS_INBOUND__LOOPBACK_PORT", "8400");
    let kind = machine.run(&["kinds", "show", "gmail", "--json"]).exits(0).json();
    assert_eq!(kind["redirectUri"], "http://127.0.0.1:8400/callback/gmail");
    assert_eq!(kind["ways"], json!(["browser", "paste"]));
    let pasted = kind["fields"].as_array().unwrap().iter().find(|field| field["name"] == "callbackUrl").unwrap();
    assert_eq!((&pasted["way"], &pasted["once"]), (&json!("paste"), &json!(false)));
    assert!(machine.run(&["kinds", "show", "github", "--json"]).json()["redirectUri"].is_null());
    // Without a configured application, and without a person to ask, the command fails.
    machine.run(&["add", "gmail"]).exits(2).warns("clientId");
    // A database on a server may hold an application, so it is opened.
    assert!(on_postgres() || !machine.data().exists());
}
