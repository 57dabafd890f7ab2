//! A setup on `serve` belongs to the browser of whoever began it: the page that shows it goes on without a question, and
//! every other browser reads who will receive the account.

use connection_contract::encode;
use connection_faults::user_agent::{UserAgent, question};
use serde_json::{Value, json};

use super::{Answer, Serving, google::Google, machine, until};
use crate::{program::Machine, real::Running, visit::visit};

/// A setup for Gmail, begun over the API of a server.
pub(crate) struct Begun<'a> {
    serving: &'a Serving,
    token: String,
    id: String,
    /// The start address.
    pub(crate) open: String,
    /// The cookie of the page that shows it.
    cookie: String,
}

pub(crate) fn send(serving: &Serving, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let headers = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\nconnection: close\r\n");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    serving.ask(method, &format!("/api/v1{path}"), &headers, body.as_bytes())
}

fn parsed(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"))
}

impl<'a> Begun<'a> {
    pub(crate) fn with(serving: &'a Serving, token: &str) -> Self {
        let begun = send(serving, token, "POST", "/setups", &json!({ "kind": "gmail" }));
        let id = parsed(&begun)["id"].as_str().unwrap().to_owned();
        let path = format!("/setups/{id}");
        let mut setup = Value::Null;
        until("it asks for the application", || {
            setup = parsed(&send(serving, token, "GET", &path, &Value::Null));
            setup["type"] == "prompt"
        });
        let answers = json!({ "clientId": "app", "clientSecret": "SECRET-of-app" });
        send(serving, token, "POST", &format!("{path}/answers"), &json!({ "step": setup["step"], "answers": answers }));
        let mut shown = None;
        until("it shows an address", || {
            let answer = send(serving, token, "GET", &path, &Value::Null);
            let has_address = parsed(&answer)["open"].is_string();
            shown = Some(answer);
            has_address
        });
        let shown = shown.unwrap();
        let cookie = shown.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let open = parsed(&shown)["open"].as_str().unwrap().to_owned();
        Self { serving, token: token.to_owned(), id, open, cookie }
    }

    fn opened_with(&self, cookie: &str) -> Answer {
        let path = self.open.strip_prefix(&self.serving.url).unwrap();
        self.serving.ask("GET", path, &format!("cookie: {cookie}\r\nconnection: close\r\n"), b"")
    }

    fn state(&self) -> Value {
        parsed(&send(self.serving, &self.token, "GET", &format!("/setups/{}", self.id), &Value::Null))
    }

    /// Waits for the step that shows the account, and returns its label.
    fn confirms(&self) -> String {
        let mut setup = Value::Null;
        until("it shows the account", || {
            setup = self.state();
            setup["type"] == "confirm"
        });
        setup["account"]["label"].as_str().unwrap().to_owned()
    }
}

/// Makes a token for every owner if it is an administrator's, and else for this owner.
pub(crate) fn created(machine: &Machine, owner: &str, role: &str) -> String {
    let mut command = machine.command();
    command.args(["tokens", "create", owner, "--role", role]);
    match role {
        "admin" => command.arg("--every-owner"),
        _ => command.args(["--owner", owner]),
    };
    let made = command.output().unwrap();
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_page_of_print_page_goes_on_and_another_browser_reads_who_receives_the_account() {
    let machine = machine();
    Google::of(&machine, 3600);
    let serving = Serving::with_page(&machine);
    let (_, code) = serving.page.as_deref().unwrap().split_once("#code=").unwrap();
    let headers = format!("origin: {}\r\ncontent-type: application/json\r\nconnection: close\r\n", serving.url);
    let body = json!({ "code": code }).to_string();
    let page = parsed(&serving.ask("POST", "/api/v1/page-tokens", &headers, body.as_bytes()));
    let setup = Begun::with(&serving, page["token"].as_str().unwrap());
    let asked = setup.opened_with("a=b");
    assert_eq!((asked.status, asked.header("location")), (200, None));
    assert!(asked.body.contains("<strong>local</strong>") && question(&asked.body).is_some(), "{}", asked.body);
    assert_eq!(asked.header("x-frame-options"), Some("DENY"));
    let led = setup.opened_with(&setup.cookie);
    let provider = led.header("location").unwrap();
    assert!(led.status == 303 && provider.starts_with("https://accounts.google.com/"), "{led:?}");
    let state = provider.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let callback = format!("/callback/gmail?code=the-code&state={state}");
    assert_eq!(serving.get(&callback).status, 403, "a browser without the proof");
    let headers = format!("cookie: {}\r\nconnection: close\r\n", setup.cookie);
    assert_eq!(serving.ask("GET", &callback, &headers, b"").status, 303);
    assert_eq!(setup.confirms(), "ada@example.com");
}

/// Mallory pastes an address that somebody gave her: she reads whose account it is, and the start address asks in every
/// browser but hers.
#[test]
fn a_setup_that_is_finished_by_pasting_asks_in_another_browser_and_shows_the_account() {
    let machine = machine();
    let google = Google::of(&machine, 3600);
    let serving = Serving::start(&machine);
    let setup = Begun::with(&serving, &created(&machine, "mallory", "manage"));
    let asked = setup.opened_with("");
    assert!(asked.status == 200 && asked.body.contains("<strong>mallory</strong>"), "{asked:?}");
    // Her own browser leads her on, and she learns the address of the provider.
    let provider = setup.opened_with(&setup.cookie).header("location").unwrap().to_owned();
    let state = provider.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let callback = format!("/callback/gmail?code=the-code&state={state}");
    // The browser of somebody who followed the address of the provider brings its answer in vain.
    assert_eq!(serving.get(&callback).status, 403);
    assert!(google.grants().is_empty());
    let shown = setup.state();
    let fields = shown["fields"].as_array().unwrap();
    assert_eq!(fields[0]["name"], "callbackUrl", "{shown}");
    let pasted = json!({ "callbackUrl": format!("{}{callback}", serving.url) });
    let answers = json!({ "step": shown["step"], "answers": pasted });
    send(&serving, &setup.token, "POST", &format!("/setups/{}/answers", setup.id), &answers);
    assert_eq!(setup.confirms(), "ada@example.com");
    let connections = parsed(&send(&serving, &setup.token, "GET", "/connections", &Value::Null));
    assert_eq!(connections["items"], json!([]), "nothing is stored before it is confirmed");
}

/// In a real browser, the address opens our own page, which names the owner, and leads nowhere by itself.
#[test]
fn a_person_who_gets_the_start_address_of_somebody_else_reads_who_receives_the_account() {
    let machine = machine();
    Google::of(&machine, 3600);
    let serving = Serving::start(&machine);
    let setup = Begun::with(&serving, &created(&machine, "mallory", "manage"));
    visit(async |browser| {
        browser.open(&setup.open).await;
        let page = browser.shows("Receives the account").await;
        assert!(page.contains("mallory") && page.contains("accounts.google.com"), "{page}");
        assert_eq!(browser.address().await, setup.open);
    });
}

/// `--host`: the command of another machine has a token, and its browser has no proof.
#[test]
fn the_browser_of_another_machine_is_asked_by_the_server() {
    let machine = machine();
    Google::of(&machine, 3600);
    let serving = Serving::start(&machine);
    let mut client = Machine::new();
    client.set("CONNECTIONS_HOST_TOKEN", &created(&machine, "local", "manage"));
    client.write("id", b"app");
    client.write("secret", b"SECRET-of-app");
    let mut command = client.command();
    let fields = ["--field", "clientId=@id", "--field", "clientSecret=@secret"];
    command.args(["--host", &serving.url, "add", "gmail"]).args(fields);
    let mut adding = Running::of(command);
    let link = adding.link();
    let mut browser = UserAgent::new();
    let asked = browser.get(&link).unwrap();
    assert!(asked.status == 200 && asked.header("location").is_none(), "{asked:?}");
    assert!(asked.body.contains("<strong>local</strong>"), "{}", asked.body);
    let provider = browser.follow(&link).unwrap();
    let redirect_uri = encode::percent_encode(&format!("{}/callback/gmail", serving.url));
    assert!(provider.contains(&redirect_uri), "{provider}");
    let state = provider.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let taken = browser.get(&format!("{}/callback/gmail?code=the-code&state={state}", serving.url)).unwrap();
    assert_eq!(taken.status, 303);
    adding.end().exits(0).says("Connected ada@example.com");
}
