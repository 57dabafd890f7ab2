//! The log of a request shows only its method and its origin.

use connection_contract::{HttpRequest, Secret};

use super::{base, client, named};
use crate::HttpPolicy;
use connection_faults::{
    log::TestLog,
    server::{Reply, TestServer},
};

#[tokio::test]
async fn paths_queries_headers_and_bodies_are_not_logged() {
    let log = TestLog::of_this_thread();
    let server = TestServer::start(|_| Reply::ok("leak-answer")).await;
    let request = HttpRequest::post(&base(&server.origin()), "/leak-path")
        .query("q", "leak-query")
        .bearer(&Secret::from("leak-header"))
        .form("f", "leak-body");
    client(HttpPolicy::new()).send(&named(&server.origin()), request).await.unwrap();
    let text = log.text();
    assert!(text.contains("method=POST") && text.contains(&server.origin()) && text.contains("status=200"), "{text}");
    assert!(!text.contains("leak"), "{text}");
    // The control: this log shows such a text if it is logged.
    tracing::debug!(path = "/leak-path");
    assert!(log.text().contains("leak"));
}
