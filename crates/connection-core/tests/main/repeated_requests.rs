//! A request under a key is carried out at most once in 24 hours, whichever process it reaches.

use std::time::Duration;

use connection_core::{NewAccessToken, RepeatedRequest, RequestKey, Role};

use crate::{sql, test_host::World};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_request_is_carried_out_once_by_any_process_for_a_day() {
    let world = World::new().await;
    let registry = world.acme().await;
    let other = world.acme().await;
    let [ada, bob] = [registry.access_tokens(); 2];
    let ada_id = ada.create(NewAccessToken::new("a", Role::Manage).owner("ada")).await.unwrap().token.id;
    let bob_id = bob.create(NewAccessToken::new("b", Role::Manage).owner("bob")).await.unwrap().token.id;
    let key = |token, body: &[u8]| registry.access_tokens().request_key(token, "canary-key", "POST /setups", body);
    let begun = async |request: RequestKey| other.access_tokens().begin_request(request).await.unwrap();
    let first = key(ada_id, b"canary-body");
    assert_eq!(ada.begin_request(first).await.unwrap(), RepeatedRequest::First);
    assert_eq!(begun(first).await, RepeatedRequest::InProgress);
    assert_eq!(begun(key(ada_id, b"other")).await, RepeatedRequest::Other);
    assert_eq!(begun(key(bob_id, b"canary-body")).await, RepeatedRequest::First, "the key of another token");
    ada.end_request(first, Some("made-1".to_owned())).await.unwrap();
    assert_eq!(begun(first).await, RepeatedRequest::Made("made-1".to_owned()));
    assert_eq!(begun(key(ada_id, b"other")).await, RepeatedRequest::Other);
    // A setup that has made a connection stays, whatever another end says.
    ada.end_request(first, None).await.unwrap();
    assert_eq!(begun(first).await, RepeatedRequest::Made("made-1".to_owned()));
    let rows = connection_faults::stored::rows(&world.address()).await;
    assert!(!rows.iter().any(|row| row.contains("canary")), "{rows:?}");
    registry.close().await;
    let again = world.acme().await;
    assert_eq!(again.access_tokens().begin_request(first).await.unwrap(), RepeatedRequest::Made("made-1".to_owned()));
    world.clock.advance(DAY - Duration::from_secs(1));
    assert_eq!(begun(first).await, RepeatedRequest::Made("made-1".to_owned()));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(begun(first).await, RepeatedRequest::First);
    let count = "SELECT COUNT(*) FROM connection_access_token_request";
    assert_eq!(sql::number(&world.database(), count).await, Some(1), "the others were deleted");
}

#[tokio::test]
async fn a_request_that_made_nothing_may_be_sent_again_and_of_many_at_once_one_is_first() {
    let world = World::new().await;
    let registry = world.acme().await;
    let other = world.acme().await;
    let tokens = registry.access_tokens();
    let id = tokens.create(NewAccessToken::new("a", Role::Manage)).await.unwrap().token.id;
    let request = tokens.request_key(id, "key", "POST /tokens", b"{}");
    for _ in 0..2 {
        assert_eq!(tokens.begin_request(request).await.unwrap(), RepeatedRequest::First);
        tokens.end_request(request, None).await.unwrap();
    }
    let callers = (0..8).map(|number| {
        let registry = if number % 2 == 0 { registry.clone() } else { other.clone() };
        tokio::runtime::Handle::current()
            .spawn(async move { registry.access_tokens().begin_request(request).await.unwrap() })
    });
    let callers: Vec<_> = callers.collect();
    let mut first = 0;
    for caller in callers {
        match caller.await.unwrap() {
            RepeatedRequest::First => first += 1,
            found => assert_eq!(found, RepeatedRequest::InProgress),
        }
    }
    assert_eq!(first, 1);
}
