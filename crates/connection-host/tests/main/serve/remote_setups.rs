//! Setups on a server that go on in a browser or by a code, begun by `add` and `reauthorize` on another machine.

use connection_faults::user_agent::UserAgent;
use serde_json::json;

use super::{Serving, google::Google, machine, remote::Remote};
use crate::{
    program::Machine,
    real::{Real, Running, browsed},
    servers::allowed,
};

/// Writes the application of Gmail into files, and returns the options that name them.
pub(crate) fn application(client: &Machine) -> [&'static str; 4] {
    client.write("id", b"app");
    client.write("secret", b"SECRET-of-app");
    ["--field", "clientId=@id", "--field", "clientSecret=@secret"]
}

/// Starts a command of the other machine, which runs while a test acts as the person.
fn begin(remote: &Remote, arguments: &[&str]) -> Running {
    let mut command = remote.client.command();
    command.args(remote.arguments(arguments));
    Running::of(command)
}

/// Acts as a browser that signs in and returns to the server.
pub(crate) fn come_back(link: &str) {
    let mut browser = UserAgent::new();
    let provider = browser.follow(link).unwrap();
    let state = provider.split("state=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
    let origin = link.split("/callback").next().unwrap();
    let taken = browser.get(&format!("{origin}/callback/gmail?code=the-code&state={state}")).unwrap();
    assert_eq!(taken.status, 303);
}

#[test]
fn a_browser_comes_back_to_the_server() {
    let server = machine();
    Google::of(&server, 3600);
    let remote = Remote::of(server, "manage");
    let mut adding = begin(&remote, &[&["add", "gmail"], &application(&remote.client)[..]].concat());
    come_back(&adding.link());
    // Without a person at a terminal, the account is taken as it is, as on the machine of the server.
    adding.end().exits(0).says("Connected ada@example.com (gmail:ada@example.com) · live");
    let mut again = begin(&remote, &["reauthorize", "gmail"]);
    come_back(&again.link());
    again.end().exits(0).says("Reauthorized ada@example.com");
}

#[test]
fn a_setup_survives_a_restart_of_the_server() {
    let mut server = machine();
    let listen = std::net::TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).unwrap();
    server.set("CONNECTIONS_INBOUND__LISTEN", &listen.to_string());
    Google::of(&server, 3600);
    let remote = Remote::of(server, "manage");
    let mut adding = begin(&remote, &[&["add", "gmail"], &application(&remote.client)[..]].concat());
    let link = adding.link();
    let Remote { server, serving, .. } = remote;
    serving.kill();
    let serving = Serving::start(&server);
    come_back(&link);
    adding.end().exits(0).says("Connected ada@example.com");
    drop(serving);
}

#[test]
fn a_setup_whose_command_was_killed_is_continued_from_another_machine() {
    let server = machine();
    Google::of(&server, 3600);
    let remote = Remote::of(server, "manage");
    let mut adding = begin(&remote, &[&["add", "gmail"], &application(&remote.client)[..]].concat());
    adding.link();
    adding.kill();
    remote.run(&["setup", "list"]).exits(0).says("gmail");
    let mut resumed = begin(&remote, &["setup", "resume"]);
    come_back(&resumed.link());
    resumed.end().exits(0).says("Connected ada@example.com (gmail:ada@example.com) · live");
    remote.run(&["setup", "list"]).exits(0).says("There is no unfinished setup.");
}

/// A server with a provider that issues codes, and a machine of a person.
fn real() -> Option<(Real, Serving, Machine)> {
    let mut real = Real::start(json!({}))?;
    real.machine.set("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    let serving = Serving::of(real.command(&["serve", "--json"]));
    let mut client = Machine::new();
    let token = real.run(&["tokens", "create", "another machine", "--role", "manage"]).exits(0);
    client.set("CONNECTIONS_HOST_TOKEN", token.out.trim());
    Some((real, serving, client))
}

#[test]
fn a_code_is_shown_where_the_command_runs() {
    let Some((real, serving, client)) = real() else { return };
    let application = client.write("application.json", std::fs::read(real.application()).unwrap().as_slice());
    let mut command = client.command();
    command.args(["--host", &serving.url, "add", "real", "--device", "--input", &application]);
    let mut adding = Running::of(command);
    let shown = adding.line("Open this address and type the code: ");
    let (link, code) = shown.trim_end_matches(')').split_once(" (code ").unwrap();
    allowed(link, code);
    adding.end().exits(0).says("Connected ada (real:ada) · live");
}

#[test]
fn the_address_where_a_browser_ended_can_be_pasted() {
    let Some((_real, serving, client)) = real() else { return };
    let begin = |arguments: &[&str]| {
        let mut command = client.command();
        command.args(["--host", &serving.url]).args(arguments);
        Running::of(command)
    };
    let mut adding = begin(&["add", "real-public", "--paste", "--field", "callbackUrl=@-"]);
    let mut browser = UserAgent::new();
    let provider = browser.follow(&adding.link()).unwrap();
    let back = browser.follow(&provider).unwrap();
    adding.type_line(&back);
    adding.end().exits(0).says("Connected ada (real-public:ada) · live");
    let mut again = begin(&["add", "real-public", "--again"]);
    browsed(&again.link());
    again.end().exits(0).says("Connected ada (real-public:ada-2) · live");
}
