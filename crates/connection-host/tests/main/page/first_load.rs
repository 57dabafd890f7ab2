//! The amount that a browser loads before a person can use the page, in counts and bytes, and what a page that was left
//! keeps open.

use std::collections::BTreeSet;

use connection_faults::browser::Browser;
use serde_json::Value;

use super::{enter, first_start};
use crate::{
    serve::{Serving, token, until},
    visit::visit,
};

/// The maximum size of the document, its files and its data, as they are sent.
const MAX_BYTES: f64 = 150_000.0;

/// Holds the answer to each request for the data of the first screen until all of them were sent, so that a page that
/// waited for one answer before it sent the next request would wait for ever.
const HOLD: &str = "
    const needed = new Set(['/api/v1/me', '/api/v1/connections']);
    const sent = window.sentRequests = new Set();
    const all = Promise.withResolvers();
    const send = window.fetch;
    window.fetch = async (resource, options) => {
        const address = new URL(resource.url ?? resource, window.location.href);
        const answer = send(resource, options);
        if (needed.has(address.pathname)) {
            sent.add(address.pathname);
            if (sent.size === needed.size) all.resolve();
            await all.promise;
        }
        return answer;
    };";

/// Returns whether the requests for the data of the first screen passed through [`HOLD`] and were answered.
const ARRIVED: &str = "
    const paths = performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname);
    return window.sentRequests.size === 2 && [...window.sentRequests].every((path) => paths.includes(path))";

/// Returns the path of each file and request that was loaded, and the bytes that were sent.
const LOADED: &str = "
    const entries = ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type));
    return entries.map(({ name, transferSize }) => ({ path: new URL(name).pathname, bytes: transferSize }))";

#[test]
fn a_page_loads_little_and_is_silent_after_it_was_left() {
    let machine = first_start();
    let monitor = token(&machine);
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        browser.resize(1280, 900).await;
        // The code is exchanged on this visit alone.
        enter(browser, &serving).await;
        keeps_no_connection_to_the_server_open_after_it_was_left(browser, &serving, &monitor).await;
        can_be_used_after_two_round_trips_and_150_kilobytes(browser, &serving).await;
    });
}

/// A browser opens few connections to a server, and keeps pages in memory for the back button.
async fn keeps_no_connection_to_the_server_open_after_it_was_left(browser: &Browser, serving: &Serving, monitor: &str) {
    let in_flight = || {
        let answer = serving.ask("GET", "/metrics", &format!("authorization: Bearer {monitor}\r\n"), b"");
        let line = answer.body.lines().find_map(|line| line.strip_prefix("connections_http_requests_in_flight "));
        line.unwrap().parse::<usize>().unwrap()
    };
    browser.shows("Live updates").await;
    // The request of the monitor itself is one of them.
    until("the page listens", || in_flight() == 2);
    let leave = "window.dispatchEvent(new PageTransitionEvent(arguments[0], { persisted: true }))";
    browser.run(leave, vec!["pagehide".into()]).await;
    until("the page that was left is silent", || in_flight() == 1);
    browser.run(leave, vec!["pageshow".into()]).await;
    until("the page listens again", || in_flight() == 2);
}

/// The first round trip is for the document and the files that it names, and the second is for the data.
async fn can_be_used_after_two_round_trips_and_150_kilobytes(browser: &Browser, serving: &Serving) {
    let document = serving.get("/").body;
    browser.open("about:blank").await;
    browser.forget_files().await;
    browser.run_first(HOLD).await;
    browser.open(&format!("{}/", serving.url)).await;
    browser.shows("Connect your first account").await;
    browser.until("the data of the first screen has arrived", ARRIVED, Vec::new()).await;
    let loaded = browser.run(LOADED, Vec::new()).await;
    let loaded = loaded.as_array().unwrap();
    let path = |entry: &Value| entry["path"].as_str().unwrap().to_owned();
    let files = loaded.iter().map(path).filter(|path| path.starts_with("/assets/")).collect::<BTreeSet<_>>();
    assert!(files.len() > 15, "{files:?}");
    let unnamed: Vec<_> = files.iter().filter(|file| !document.contains(file.as_str())).collect();
    assert!(unnamed.is_empty(), "the document does not name files that the first screen needs: {unnamed:?}");
    let bytes: f64 = loaded.iter().map(|entry| entry["bytes"].as_f64().unwrap()).sum();
    assert!((50_000.0..=MAX_BYTES).contains(&bytes), "{bytes} bytes: {loaded:?}");
}
