//! A browser that opens a link to a door which somebody pasted, while the page's token is in its storage.
//!
//! A browser of today says that it is one, and is refused before anything is sent. An older one does not, and gets the
//! answer with headers by which it runs nothing. A passing server between browser and host makes it such a browser, and
//! as the control, also takes those headers away.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use connection_faults::{
    browser::Browser,
    double::{Double, Seen},
};
use serde_json::json;

use crate::{
    serve::{Serving, machine},
    visit::visit_with_failing_requests,
};

const TOKEN: &str = "123456:0123456789SECRETtelegram";
/// Reads the storage of the page, and sends it to this host.
const SCRIPT: &str = "fetch('/stolen?' + encodeURIComponent(JSON.stringify(localStorage)))";
/// The name of each type of answer, with its media type.
const TYPES: [(&str, &str); 8] = [
    ("html", "text/html"),
    ("xhtml", "application/xhtml+xml"),
    ("svg", "image/svg+xml"),
    ("xml", "text/xml"),
    ("sniffed", ""),
    ("text", "text/plain"),
    ("json", "application/json"),
    ("parts", "multipart/x-mixed-replace; boundary=x"),
];
/// Those that run the script if nothing forbids it.
const RUN: [&str; 5] = ["html", "xhtml", "svg", "xml", "sniffed"];

fn answered(name: &str, media: &str) -> (u16, String, String) {
    let body = match name {
        "xhtml" | "xml" => {
            format!("<html xmlns=\"http://www.w3.org/1999/xhtml\"><body><script>{SCRIPT}</script></body></html>")
        }
        "svg" => format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><script>{SCRIPT}</script></svg>"),
        "parts" => format!("--x\r\nContent-Type: text/html\r\n\r\n<html><script>{SCRIPT}</script></html>\r\n--x--\r\n"),
        _ => format!("<html><body><script>{SCRIPT}</script></body></html>"),
    };
    let headers = if media.is_empty() { String::new() } else { format!("content-type: {media}\r\n") };
    (200, headers, body)
}

/// Starts a provider that answers `/bot…/NAME` with that type.
fn provider() -> Double {
    Double::start(|_| {
        |seen: &Seen| match TYPES.iter().find(|(known, _)| *known == name(seen)) {
            Some((name, media)) => answered(name, media),
            None => (200, String::new(), json!({ "ok": true, "result": { "id": 1 } }).to_string()),
        }
    })
}

/// Returns the last part of the path.
fn name(seen: &Seen) -> &str {
    seen.path.rsplit('/').next().unwrap_or_default()
}

/// What the passing server takes away.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    Nothing,
    /// The headers by which a browser says what it is.
    Sender,
    /// Those, and the headers by which the host forbids a browser to run an answer.
    Protection,
}

/// A server that passes requests on to the host, and notes what passed.
struct Between {
    port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

struct State {
    host: Option<SocketAddr>,
    takes: Takes,
    /// The targets of the requests whose answers have passed.
    passed: Vec<String>,
}

impl Between {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = State { host: None, takes: Takes::Nothing, passed: Vec::new() };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                thread::spawn(move || drop(pass(&shared, stream)));
            }
        });
        Self { port, state }
    }

    fn takes(&self, takes: Takes) {
        let mut state = self.state.0.lock().unwrap();
        state.takes = takes;
        state.passed.clear();
    }

    /// Waits until the answer to a request with this text in its target has passed, and returns the target.
    fn passed(&self, text: &str) -> String {
        let (state, changed) = &*self.state;
        let has_not = |state: &mut State| !state.passed.iter().any(|target| target.contains(text));
        let state = changed.wait_while(state.lock().unwrap(), has_not).unwrap();
        state.passed.iter().find(|target| target.contains(text)).unwrap().clone()
    }

    fn has_stolen(&self) -> bool {
        self.state.0.lock().unwrap().passed.iter().any(|target| target.contains("/stolen"))
    }
}

/// Reads a head, and leaves out these headers.
fn head(from: &mut BufReader<TcpStream>, left_out: &[&str]) -> std::io::Result<String> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if line.trim_end().is_empty() {
            return Ok(head);
        }
        if !left_out.contains(&&*name) && name != "connection" {
            head.push_str(&line);
        }
    }
}

/// Passes one request on, and its answer back.
fn pass(shared: &(Mutex<State>, Condvar), stream: TcpStream) -> std::io::Result<()> {
    let (host, takes) = {
        let state = shared.0.lock().unwrap();
        (state.host.unwrap(), state.takes)
    };
    let sender = ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user"];
    let protection =
        ["content-security-policy", "content-disposition", "x-content-type-options", "cross-origin-resource-policy"];
    let mut client = BufReader::new(stream.try_clone()?);
    let request = head(&mut client, if takes == Takes::Nothing { &[] } else { &sender })?;
    let target = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let length =
        request.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    client.read_exact(&mut body)?;
    let mut server = TcpStream::connect(host)?;
    server.write_all(format!("{request}connection: close\r\n\r\n").as_bytes())?;
    server.write_all(&body)?;
    let mut server = BufReader::new(server);
    let is_of_door = target.starts_with("/use/");
    let unprotected = takes == Takes::Protection && is_of_door;
    let answer = head(&mut server, if unprotected { &protection } else { &[] })?;
    let mut client = stream;
    client.write_all(format!("{answer}connection: close\r\n\r\n").as_bytes())?;
    let ended = std::io::copy(&mut server, &mut client).map(drop);
    shared.0.lock().unwrap().passed.push(target);
    shared.1.notify_all();
    ended
}

/// Follows a link, as somebody does who pastes it into the address bar.
async fn follow(browser: &Browser, link: &str) {
    browser.run("setTimeout((to) => { location.href = to; }, 0, arguments[0])", vec![json!(link)]).await;
}

#[test]
fn a_browser_that_opens_a_link_to_a_door_runs_no_answer_beside_the_token_of_the_page() {
    let (between, mut machine) = (Between::start(), machine());
    let origin = format!("http://127.0.0.1:{}", between.port);
    let api = provider();
    let was_asked = |of: &str| api.seen().iter().any(|seen| name(seen) == of);
    machine.configure(&format!("[http.endpoints]\n\"https://api.telegram.org\" = \"{}\"\n", api.origin()));
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", &origin);
    let bot =
        json!({ "kind": "telegram", "label": "bot", "identity": { "id": "1" }, "credential": { "token": TOKEN } });
    machine.feed(&["import", "-"], &bot.to_string()).exits(0);
    let token = machine.run(&["agents", "create", "deploy"]).exits(0).out.trim().to_owned();
    machine.run(&["agents", "grant", "deploy", "telegram:bot", "--rules", "everything", "--yes"]).exits(0);
    let serving = Serving::with_page(&machine);
    between.state.0.lock().unwrap().host = Some(serving.address);
    let page = serving.page.as_deref().unwrap().to_owned();
    let page = page.replace(&format!("http://{}", serving.address), &origin);
    let link = |name: &str| format!("{origin}/use/telegram:bot/bot1:{token}/{name}");
    visit_with_failing_requests(async |browser| {
        browser.open(&page).await;
        let signed_in = "return JSON.stringify(localStorage).includes('cn_')";
        browser.until("the token of the page is stored", signed_in, Vec::new()).await;
        follow(browser, &link("html")).await;
        between.passed("/html");
        assert!(!was_asked("html"), "a browser was served");

        between.takes(Takes::Sender);
        for (name, _) in TYPES {
            browser.open(&origin).await;
            follow(browser, &link(name)).await;
            between.passed(&format!("/{name}"));
        }
        assert!(TYPES.iter().all(|(name, _)| was_asked(name)));
        // The control: without the headers of the host, the same answers run.
        assert!(!between.has_stolen());
        for name in RUN {
            between.takes(Takes::Protection);
            browser.open(&origin).await;
            follow(browser, &link(name)).await;
            let stolen = between.passed("/stolen");
            assert!(stolen.contains("cn_"), "{name}: {stolen}");
        }
    });
}
