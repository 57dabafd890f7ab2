//! A page of a stranger whose name is pointed to this machine after it was loaded (DNS rebinding) reads nothing.
//!
//! The control is the same server behind a relay that hides the stranger's name, as a server without the defence would
//! ignore it.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::SeqCst},
    },
    thread,
};

use connection_faults::browser::Browser;
use serde_json::{Value, json};

use super::first_start;
use crate::{serve::Serving, visit::visit_as_named};

const STRANGER: &str = "stranger.example";

/// The stranger's own server answers.
const STRANGERS_OWN: u8 = 0;
/// The name is pointed to the server of this machine.
const POINTED: u8 = 1;
/// The name is pointed to the server of this machine, which does not learn the name.
const POINTED_UNNOTICED: u8 = 2;

/// Starts a port at which the stranger's server answers, or that of this machine, as the returned value says.
fn resolved(server: SocketAddr) -> (u16, Arc<AtomicU8>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = Arc::new(AtomicU8::new(STRANGERS_OWN));
    let chosen = target.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let chosen = chosen.clone();
            // A browser may close a connection that it opened in advance.
            thread::spawn(move || drop(answered(stream, server, &chosen)));
        }
    });
    (port, target)
}

/// Answers one request, or passes it on.
fn answered(mut stream: TcpStream, server: SocketAddr, chosen: &AtomicU8) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    let mut length = 0;
    // The browser may have opened the connection before the name was pointed elsewhere, so the request decides.
    reader.fill_buf()?;
    let target = chosen.load(SeqCst);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if name.eq_ignore_ascii_case("host") && target == POINTED_UNNOTICED {
            line = format!("Host: {server}\r\n");
        }
        head.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if target == STRANGERS_OWN {
        let page = "<title>Stranger</title>";
        return write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
            page.len()
        );
    }
    let mut passed = TcpStream::connect(server)?;
    passed.write_all(&[head.as_bytes(), &body].concat())?;
    io::copy(&mut passed, &mut stream).map(drop)
}

/// Sends a request from the stranger's page to the name of the page, and returns the status and the text that the page
/// reads.
async fn read(browser: &Browser, method: &str, path: &str, body: Option<Value>) -> (u64, String) {
    let script = "
        const [method, path, body] = arguments;
        return fetch(path, { method, body, headers: body ? { 'content-type': 'application/json' } : {} })
            .then(async (answer) => ({ status: answer.status, text: await answer.text() }))";
    let body = body.map_or(Value::Null, |body| json!(body.to_string()));
    let read = browser.run(script, vec![json!(method), json!(path), body]).await;
    (read["status"].as_u64().unwrap(), read["text"].as_str().unwrap().to_owned())
}

#[test]
fn a_page_whose_name_is_pointed_to_this_machine_reads_nothing() {
    let machine = first_start();
    let serving = Serving::with_page(&machine);
    let (port, target) = resolved(serving.address);
    let (_, code) = serving.page.as_deref().unwrap().split_once("#code=").unwrap();
    let exchange = || Some(json!({ "code": code }));
    visit_as_named(&[(STRANGER, port)], async |browser| {
        browser.open(&format!("http://{STRANGER}/")).await;
        assert_eq!(browser.title().await, "Stranger");
        target.store(POINTED, SeqCst);
        for path in ["/", "/api/v1/me", "/api/v1/openapi.json", "/healthz"] {
            let (status, text) = read(browser, "GET", path, None).await;
            assert_eq!(status, 421, "{path}: {text}");
            assert!(!text.contains("Connections") && !text.contains("openapi"), "{path}: {text}");
        }
        let (status, text) = read(browser, "POST", "/api/v1/page-tokens", exchange()).await;
        assert_eq!(status, 421, "{text}");

        // The control: without the comparison of names, the stranger's page reads what the server answers.
        target.store(POINTED_UNNOTICED, SeqCst);
        let (status, text) = read(browser, "GET", "/", None).await;
        assert!(status == 200 && text.contains("<title>Connections</title>"), "{status}: {text}");
        let (status, text) = read(browser, "GET", "/api/v1/me", None).await;
        assert!(status == 401 && text.contains("unauthenticated"), "{status}: {text}");
        // A change needs the origin of the page, too, so that even then the code is of no use to the stranger.
        let (status, text) = read(browser, "POST", "/api/v1/page-tokens", exchange()).await;
        assert!(status == 403 && !text.contains("cn_"), "{status}: {text}");

        // The code has not been used, and opens the page for the person at this machine.
        browser.open(serving.page.as_deref().unwrap()).await;
        browser.shows("Connect your first account").await;
    });
}
