//! Live changes.

use connection_client::Error;
use connection_core::Role;
use connection_faults::server::{Reply, TestServer};

use crate::{failures::client_of, host::Host};

#[tokio::test]
async fn a_change_is_told_to_who_listens_until_the_server_stops() {
    let host = Host::new().await;
    let client = host.client(Role::Manage).await;
    let mut changes = client.live().await.unwrap();
    let id = host.connected(&client, "octocat").await;
    // The steps of its setup are told, too.
    let change = loop {
        let change = changes.next().await.unwrap().unwrap();
        if change.of != "setup" {
            break change;
        }
    };
    assert_eq!((&*change.of, change.id), ("connection", Some(id)));
    host.streams.end();
    while let Some(change) = changes.next().await.unwrap() {
        assert_eq!(change.of, "setup");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_or_has_no_end_of_a_hint_is_an_error() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999999\r\n\r\n: listening\n\n";
    let cut = TestServer::start(move |_| Reply::raw(head)).await;
    let mut changes = client_of(&cut).live().await.unwrap();
    assert!(matches!(changes.next().await, Err(Error::Unreachable { .. })));
    let flood = TestServer::start(move |_| Reply::flood(head, 1)).await;
    let mut changes = client_of(&flood).live().await.unwrap();
    assert!(matches!(changes.next().await, Err(Error::TooLarge { limit: 65_536, .. })));
}
