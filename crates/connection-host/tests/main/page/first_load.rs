//! The amount that a browser loads before a person can use the page, in counts and bytes, and what a page that was left
//! keeps open.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{enter, first_start};
use crate::{
    serve::{Serving, token, until},
    visit::visit,
};

/// The maximum size of the document, its files and its data, as they are sent.
const MAX_BYTES: f64 = 150_000.0;

/// Returns what was loaded: the path, the bytes that were sent, and the times at which each request began and its
/// answer arrived.
const LOADED: &str = "
    const entries = ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type));
    return entries.map(({ name, transferSize, startTime, responseStart }) =>
        ({ path: new URL(name).pathname, bytes: transferSize, began: startTime, answered: responseStart }))";

/// The first round trip is for the document and the files that it names, and the second is for the data.
#[test]
fn the_page_can_be_used_after_two_round_trips_and_150_kilobytes() {
    let machine = first_start();
    let serving = Serving::with_page(&machine);
    let document = serving.get("/").body;
    visit(async |browser| {
        // The code is exchanged on the first visit alone.
        enter(browser, &serving).await;
        browser.open("about:blank").await;
        browser.forget_files().await;
        browser.open(&format!("{}/", serving.url)).await;
        browser.shows("Connect your first account").await;
        let loaded = browser.run(LOADED, Vec::new()).await;
        let loaded = loaded.as_array().unwrap();
        let path = |entry: &Value| entry["path"].as_str().unwrap().to_owned();
        let files = loaded.iter().map(path).filter(|path| path.starts_with("/assets/")).collect::<BTreeSet<_>>();
        assert!(files.len() > 15, "{files:?}");
        let unnamed: Vec<_> = files.iter().filter(|file| !document.contains(file.as_str())).collect();
        assert!(unnamed.is_empty(), "the document does not name files that the first screen needs: {unnamed:?}");
        // No request for data waits for the answer to another one.
        let data = loaded.iter().filter(|entry| path(entry).starts_with("/api/")).collect::<Vec<_>>();
        let first_screen = ["/api/v1/me", "/api/v1/connections"];
        let needed: Vec<_> = data.iter().filter(|entry| first_screen.contains(&path(entry).as_str())).collect();
        assert_eq!(needed.len(), first_screen.len(), "{data:?}");
        let time = |entry: &Value, name: &str| entry[name].as_f64().unwrap();
        let began = needed.iter().map(|entry| time(entry, "began")).fold(0.0, f64::max);
        let answered = needed.iter().map(|entry| time(entry, "answered")).fold(f64::MAX, f64::min);
        assert!(began < answered, "the requests follow one another: {needed:?}");
        let bytes: f64 = loaded.iter().map(|entry| time(entry, "bytes")).sum();
        assert!((50_000.0..=MAX_BYTES).contains(&bytes), "{bytes} bytes: {loaded:?}");
    });
}

/// A browser opens few connections to a server, and keeps pages in memory for the back button.
#[test]
fn a_page_that_was_left_keeps_no_connection_to_the_server_open() {
    let machine = first_start();
    let monitor = token(&machine);
    let serving = Serving::with_page(&machine);
    let in_flight = || {
        let answer = serving.ask("GET", "/metrics", &format!("authorization: Bearer {monitor}\r\n"), b"");
        let line = answer.body.lines().find_map(|line| line.strip_prefix("connections_http_requests_in_flight "));
        line.unwrap().parse::<usize>().unwrap()
    };
    visit(async |browser| {
        browser.resize(1280, 900).await;
        enter(browser, &serving).await;
        browser.shows("Live updates").await;
        // The request of the monitor itself is one of them.
        until("the page listens", || in_flight() == 2);
        let leave = "window.dispatchEvent(new PageTransitionEvent(arguments[0], { persisted: true }))";
        browser.run(leave, vec!["pagehide".into()]).await;
        until("the page that was left is silent", || in_flight() == 1);
        browser.run(leave, vec!["pageshow".into()]).await;
        until("the page listens again", || in_flight() == 2);
    });
}
