//! `serve` gives its page to the person at this machine, and to nobody else.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
};

use serde_json::{Value, json};

use super::{Answer, Serving, ask, machine, until};
use crate::{
    program::{Machine, check},
    provider::NOTION_KEY,
    visit::visit,
};

/// The example of the guide.
const ACME: &str = include_str!("../../../../connection-manifest/examples/acme.toml");

fn serve(machine: &Machine, arguments: &[&str]) -> Serving {
    let mut command = machine.command();
    command.args(["serve", "--json"]).args(arguments);
    Serving::of(command)
}

fn exchange(serving: &Serving, code: &str) -> Answer {
    let headers = format!("origin: {}\r\ncontent-type: application/json\r\nconnection: close\r\n", serving.url);
    serving.ask("POST", "/api/v1/page-tokens", &headers, json!({ "code": code }).to_string().as_bytes())
}

/// Returns the answer to a request with a token.
fn get_with_token(serving: &Serving, token: &str, path: &str) -> Answer {
    serving.ask("GET", path, &format!("authorization: Bearer {token}\r\nconnection: close\r\n"), b"")
}

fn parsed(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn a_program_that_starts_it_gets_the_page_with_a_code_that_is_good_once() {
    let mut machine = machine();
    machine.set("CONNECTIONS_OWNER", "ada");
    let serving = serve(&machine, &["--print-page"]);
    let page = serving.page.clone().unwrap();
    let (address, code) = page.split_once("/#code=").unwrap();
    assert_eq!(address, serving.url);
    let answer = exchange(&serving, code);
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(exchange(&serving, code).status, 403);
    let token = parsed(&answer)["token"].as_str().unwrap().to_owned();
    let me = parsed(&get_with_token(&serving, &token, "/api/v1/me"));
    assert_eq!((&me["role"], &me["owner"]), (&json!("manage"), &json!("ada")));
    let system = parsed(&get_with_token(&serving, &token, "/api/v1/system"));
    assert_eq!((&system["publicUrl"], &system["version"]), (&json!(serving.url), &json!(env!("CARGO_PKG_VERSION"))));
    assert_eq!(get_with_token(&serving, "cn_other", "/api/v1/me").status, 401);
    assert_eq!(serving.get("/api/v1/me").status, 401);
    serving.signal("TERM");
    assert_eq!(serving.ended().0, 0);
    // The token is stored, and a server that was started again accepts it.
    let again = Serving::start(&machine);
    assert!(again.page.is_none());
    assert_eq!(get_with_token(&again, &token, "/api/v1/me").status, 200);
}

#[test]
fn the_browser_opens_an_address_without_a_code_which_serves_its_first_visitor_alone() {
    let machine = machine();
    let opener = machine.write(
        "bin/xdg-open",
        b"#!/bin/sh\nprintf '%s' \"$1\" > \"$HOME/opened.new\"\nmv \"$HOME/opened.new\" \"$HOME/opened\"\n",
    );
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = machine.command();
    command.env("PATH", format!("{}:/usr/bin:/bin", machine.path("bin").display())).env("DISPLAY", ":0");
    command.args(["serve", "--json", "--open"]);
    let serving = Serving::of(command);
    let opened = machine.path("opened");
    until("a browser is opened", || opened.exists());
    let opened = fs::read_to_string(opened).unwrap();
    let host = opened.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    assert!(host.starts_with("127.0.0.1:") && !opened.contains("code"), "{opened}");
    let visit = |host_header: &str, headers: &str| {
        ask(host.parse().unwrap(), host_header, "GET", "/", &format!("{headers}connection: close\r\n"), b"")
    };
    // Neither a page whose name resolves to this machine nor a page of another site is the first visitor.
    assert_eq!(visit("evil.example", "").status, 421);
    assert_eq!(visit(&host, "sec-fetch-site: cross-site\r\n").status, 403);
    let first = visit(&host, "sec-fetch-site: none\r\n");
    assert_eq!(first.status, 303, "{first:?}");
    let (address, code) = first.header("location").unwrap().split_once("/#code=").unwrap();
    assert_eq!(address, serving.url);
    let second = visit(&host, "sec-fetch-site: none\r\n");
    assert_eq!(second.status, 410);
    assert!(second.body.contains("has been opened before"), "{second:?}");
    assert_eq!(exchange(&serving, code).status, 201);
}

#[test]
fn a_second_start_shows_the_page_of_the_server_that_runs() {
    let machine = machine();
    let serving = Serving::start(&machine);
    let listen = serving.address.to_string();
    let again = |machine: &Machine, argument: &str| {
        let mut command = machine.command();
        command.env("CONNECTIONS_INBOUND__LISTEN", &listen).args(["serve", "--json", argument]);
        command.output().unwrap()
    };
    let ended = again(&machine, "--print-page");
    assert!(ended.status.success(), "{ended:?}");
    let output: Value = serde_json::from_slice(&ended.stdout).unwrap();
    check(&output, "serving");
    assert_eq!(output["state"], "running");
    let (address, code) = output["page"].as_str().unwrap().split_once("/#code=").unwrap();
    assert_eq!(address, serving.url);
    assert_eq!(exchange(&serving, code).status, 201);
    // Without a desktop, the person is told which address to open, and the command ends at once.
    let ended = again(&machine, "--open");
    assert!(ended.status.success(), "{ended:?}");
    assert!(String::from_utf8_lossy(&ended.stderr).contains("Open this address within 60 seconds"), "{ended:?}");
    // A command that asks for no page is refused, and so is one of another database.
    let mut command = machine.command();
    command.env("CONNECTIONS_INBOUND__LISTEN", &listen).arg("serve");
    assert_eq!(command.output().unwrap().status.code(), Some(1));
    let other = super::machine();
    other.run(&["key", "--json"]);
    other.run(&["tokens", "create", "a program"]).exits(0);
    let refused = again(&other, "--print-page");
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(!String::from_utf8_lossy(&refused.stdout).contains("code="), "{refused:?}");
}

/// As in a container, where the server listens on every address.
#[test]
fn a_server_that_listens_on_every_address_is_found_on_the_loopback_address() {
    let mut machine = machine();
    machine.set("CONNECTIONS_INBOUND__LISTEN", "0.0.0.0:0");
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", "https://connections.example");
    let serving = Serving::start(&machine);
    let port = serving.address.port();
    let mut command = machine.command();
    command.env("CONNECTIONS_INBOUND__LISTEN", format!("0.0.0.0:{port}")).args(["serve", "--json", "--print-page"]);
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let output: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert!(output["page"].as_str().unwrap().starts_with(&format!("http://127.0.0.1:{port}/#code=")), "{output}");
}

#[test]
fn an_open_page_does_not_keep_it_from_ending() {
    let machine = machine();
    let serving = serve(&machine, &["--print-page"]);
    let page = serving.page.clone().unwrap();
    let (_, code) = page.split_once("/#code=").unwrap();
    let token = parsed(&exchange(&serving, code))["token"].as_str().unwrap().to_owned();
    let mut stream = TcpStream::connect(serving.address).unwrap();
    let head =
        format!("GET /api/v1/live HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\r\n", serving.address);
    stream.write_all(head.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream);
    let mut text = String::new();
    while !text.contains(": listening") {
        assert_ne!(lines.read_line(&mut text).unwrap(), 0, "{text}");
    }
    serving.signal("TERM");
    lines.read_to_string(&mut text).unwrap();
    assert!(text.ends_with("0\r\n\r\n"), "the stream was cut off: {text}");
    assert_eq!(serving.ended().0, 0);
}

#[test]
fn without_a_desktop_the_person_is_told_which_address_to_open() {
    let machine = machine();
    let mut command = machine.command();
    command.args(["serve", "--json", "--open"]);
    let mut serving = Serving::of(command);
    let said = serving.says("  http://127.0.0.1");
    assert!(said.contains("No browser could be opened. Open this address within 60 seconds:\n  http"), "{said}");
    assert_eq!(serving.get("/").status, 200);
    serving.signal("TERM");
    assert_eq!(serving.ended().0, 0);
}

/// From the first start to a connected account, in a browser.
#[test]
fn a_person_connects_an_account_on_the_page() {
    let machine = machine();
    let origin = machine.provider.origin.clone();
    machine.provider.tell(200, "content-type: application/json\r\n", r#"{"id":7,"name":"<b>Ada</b>"}"#);
    machine.write("configuration/kinds/acme.toml", ACME.as_bytes());
    machine.configure(&format!("[http.endpoints]\n\"https://api.acme.example\" = \"{origin}\"\n"));
    let serving = Serving::with_page(&machine);
    let visited = visit(async |browser| {
        browser.open(serving.page.as_deref().unwrap()).await;
        browser.shows("Nothing is connected").await;
        assert_eq!(browser.address().await, format!("{}/", serving.url), "the code is not in the address");
        browser.open(&format!("{}/connect/acme", serving.url)).await;
        browser.shows("Acme").await;
        browser.click("form button[type=submit]").await;
        browser.write("form input[type=password]", NOTION_KEY).await;
        browser.click("form button[type=submit]").await;
        browser.shows("<b>Ada</b>").await;
    });
    if visited.is_none() {
        return;
    }
    let requests = machine.provider.seen();
    assert!(requests.iter().all(|request| request.headers["authorization"] == format!("Bearer {NOTION_KEY}")));
    let list = machine.run(&["list"]).exits(0);
    assert!(list.out.contains("acme"), "{}", list.out);
}
