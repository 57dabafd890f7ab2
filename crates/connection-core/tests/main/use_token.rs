//! The access token is provided for one call, recorded before the caller sees it, and only by kinds that hand one
//! out.

use connection_core::Error;

use crate::{
    fake::Fake,
    sql,
    test_host::{World, connected},
};

const RELEASES: &str = "SELECT body FROM connection_event WHERE kind = 'secret_released'";

#[tokio::test]
async fn each_time_is_recorded_before_the_token_is_seen() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    for time in 1..=3 {
        let seen = connection
            .with_access_token(async |token| {
                let recorded = sql::texts(&world.database(), RELEASES).await;
                (token.expose().to_vec(), recorded)
            })
            .await
            .unwrap();
        assert_eq!(seen, (b"key-1".to_vec(), vec![r#"{"name":"accessToken"}"#.to_owned(); time]));
    }
}

#[tokio::test]
async fn a_token_whose_record_cannot_be_stored_is_not_lent() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    sql::refuse(&world.database(), "INSERT ON connection_event").await;
    let mut called = false;
    let error = connection.with_access_token(async |_| called = true).await.unwrap_err();
    assert!(matches!(error, Error::Store(_)), "{error:?}");
    assert!(!called);
    sql::refuse_no_more(&world.database()).await;
    connection.with_access_token(async |_| called = true).await.unwrap();
    assert!(called);
}

#[tokio::test]
async fn kinds_without_one_say_so_and_record_nothing() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let mut called = false;
    let error = connection.with_access_token(async |_| called = true).await.unwrap_err();
    assert!(matches!(error, Error::NotSupported { .. }), "{error:?}");
    assert!(!called);
    assert_eq!(sql::texts(&world.database(), RELEASES).await, [""; 0]);
}

#[tokio::test]
async fn a_handle_of_a_connection_that_is_gone_lends_and_sends_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let request = connection.request("GET", "/things").await.unwrap();
    registry.remove(connection.id()).await.unwrap();
    let before = world.server.requests().len();
    let mut called = false;
    assert!(matches!(connection.with_access_token(async |_| called = true).await, Err(Error::NotFound(_))));
    assert!(matches!(connection.send(request).await, Err(Error::NotFound(_))));
    assert!(matches!(connection.base_url().await, Err(Error::NotFound(_))));
    assert!(matches!(connection.files().await, Err(Error::NotFound(_))));
    assert!(!called);
    assert_eq!(world.server.requests().len(), before);
}
