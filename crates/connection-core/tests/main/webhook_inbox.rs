//! An inbox can be read without claiming anything, and a host can send itself a delivery like its provider.

use connection_contract::{HttpError, SigningKey, Timestamp};
use connection_core::Error;

use crate::{
    hooks::{Hooks, SIGNATURE, deliver, enabled, send, token},
    sql,
    test_host::{START, World, connected},
    test_server::Reply,
};

#[tokio::test]
async fn waiting_events_are_shown_without_claiming_them() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    let info = connection.webhooks().info().await.unwrap().unwrap();
    assert_eq!((info.received, info.waiting, info.last_received_at), (0, 0, None));
    for number in 1..=45 {
        deliver(&connection, &registry, &number.to_string()).await;
    }
    let mut after = None;
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let page = connection.webhooks().inbox(after).await.unwrap();
        pages += 1;
        for event in &page.items {
            let event = event.as_ref().unwrap();
            assert_eq!(event.body().expose(), event.number().to_string().as_bytes());
            seen.push(event.number());
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((seen, pages), ((1..=45).collect(), 3));
    // A caller that claims events gets the first one, and acknowledged events are no longer shown.
    let mut deliveries = connection.webhooks().deliveries().await.unwrap();
    let first = deliveries.next().await.unwrap().unwrap();
    assert_eq!(first.number(), 1);
    assert_eq!(connection.webhooks().inbox(None).await.unwrap().items.len(), 20, "somebody has it, and it waits");
    first.acknowledge().await.unwrap();
    let page = connection.webhooks().inbox(None).await.unwrap();
    assert_eq!(page.items[0].as_ref().unwrap().number(), 2);
    let info = connection.webhooks().info().await.unwrap().unwrap();
    let last = Some(Timestamp::from_seconds(START));
    assert_eq!((info.received, info.waiting, info.last_received_at), (45, 44, last));
}

#[tokio::test]
async fn one_that_does_not_open_is_named_and_hides_no_other() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    for body in ["1", "2", "3"] {
        deliver(&connection, &registry, body).await;
    }
    sql::run(&world.database(), "UPDATE connection_webhook SET sealed = (SELECT sealed FROM connection_webhook WHERE number = 1) WHERE number = 2").await;
    let page = connection.webhooks().inbox(None).await.unwrap();
    let numbers: Vec<_> = page.items.iter().map(|event| event.as_ref().map(|event| event.number())).collect();
    assert!(matches!(numbers[..], [Ok(1), Err(Error::Sealed { .. }), Ok(3)]), "{numbers:?}");
    let other = world.acme().await;
    let none = connected(&other, "key-1").await.webhooks().inbox(None).await;
    assert!(matches!(none, Err(Error::NotSupported { .. })), "{none:?}");
}

#[tokio::test]
async fn a_host_sends_itself_what_its_provider_would() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    world.provider(|_| Reply::ok("{}"));
    let origin = world.server.origin();
    let path = format!("/below/webhooks/{}", token(&connection).await);
    let sent = connection.webhooks().send_test(&origin, &path).await.unwrap();
    assert_eq!(sent.answer().unwrap().status(), 200);
    assert!(!format!("{sent:?}").contains(&token(&connection).await));
    let request = world.server.requests().pop().unwrap();
    assert!(request.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{request}");
    // The delivery that arrived there is authentic here.
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let line = head.lines().find(|line| line.to_lowercase().starts_with(SIGNATURE)).unwrap();
    let signature = line.split_once(": ").unwrap().1.to_owned();
    let headers = vec![(SIGNATURE.to_owned(), signature)];
    send(&registry, &token(&connection).await, headers, body).await.unwrap();
    assert_eq!(connection.webhooks().info().await.unwrap().unwrap().received, 1);
    // Each test is another event, and a missing answer is an error in the result.
    let again = connection.webhooks().send_test(&origin, &path).await.unwrap();
    assert!(again.answer().is_ok() && world.server.requests().pop().unwrap().split_once("\r\n\r\n").unwrap().1 != body);
    world.provider(|_| Reply::raw(""));
    connection.webhooks().send_test(&origin, &path).await.unwrap().answer().unwrap_err();
    let no_url = connection.webhooks().send_test("nowhere", "/").await.unwrap();
    assert_eq!(no_url.answer().unwrap_err(), HttpError::Protocol);
    connection.webhooks().disable().await.unwrap();
    let off = connection.webhooks().send_test(&origin, &path).await;
    assert!(matches!(off, Err(Error::WebhookDisabled { .. })));
}
