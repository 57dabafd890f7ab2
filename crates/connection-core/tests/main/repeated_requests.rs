//! A request under a key is carried out at most once in 24 hours, whichever process it reaches.

use std::time::Duration;

use connection_core::{AccessTokenId, ConnectionRegistry, NewAccessToken, RepeatedRequest, RequestKey, Role};

use crate::{
    acme::KIND,
    import::{import, item},
    old_rows::scheduled,
    sql,
    test_host::{World, database_clock},
};

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
    let rows = world.rows().await;
    assert!(!rows.iter().any(|row| row.contains("canary")), "{rows:?}");
    registry.close().await;
    let again = world.acme().await;
    assert_eq!(again.access_tokens().begin_request(first).await.unwrap(), RepeatedRequest::Made("made-1".to_owned()));
    world.clock.advance(DAY - Duration::from_secs(1));
    assert_eq!(begun(first).await, RepeatedRequest::Made("made-1".to_owned()));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(begun(first).await, RepeatedRequest::First);
    assert_eq!(begun(first).await, RepeatedRequest::InProgress, "it is remembered from now on");
    let count = "SELECT COUNT(*) FROM connection_access_token_request";
    assert_eq!(sql::number(&world.database(), count).await, Some(2), "the key of the other token is old, and there");
    scheduled(&world, &again, count, 1).await;
    assert_eq!(begun(first).await, RepeatedRequest::InProgress);
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

/// A process that is killed while it carries a request out, and another process.
struct Interrupted {
    world: World,
    registry: ConnectionRegistry,
    other: ConnectionRegistry,
    token: AccessTokenId,
    request: RequestKey,
}

impl Interrupted {
    async fn new() -> Self {
        let world = World::new().await;
        let registry = world.acme().await;
        let other = world.acme().await;
        let token = registry.access_tokens().create(NewAccessToken::new("a", Role::Manage)).await.unwrap().token.id;
        let request = registry.access_tokens().request_key(token, "key", "POST /things", b"{}");
        let it = Self { world, registry, other, token, request };
        assert_eq!(it.registry.access_tokens().begin_request(request).await.unwrap(), RepeatedRequest::First);
        it
    }

    /// Carries out a part of the request.
    async fn carry_out<T: Send>(&self, work: impl Future<Output = T> + Send) -> T {
        self.registry.access_tokens().carry_out_request(self.request, Box::pin(work)).await
    }

    /// Sends the same request to the other process.
    async fn again(&self) -> (RequestKey, RepeatedRequest) {
        let tokens = self.other.access_tokens();
        let request = tokens.request_key(self.token, "key", "POST /things", b"{}");
        (request, tokens.begin_request(request).await.unwrap())
    }
}

#[tokio::test]
async fn a_request_whose_process_was_killed_is_carried_out_again_if_it_made_nothing() {
    let it = Interrupted::new().await;
    assert_eq!(it.again().await.1, RepeatedRequest::InProgress);
    it.world.leases_expire().await;
    let (second, found) = it.again().await;
    assert_eq!(found, RepeatedRequest::First);
    assert_eq!(it.again().await.1, RepeatedRequest::InProgress, "the second one has it now");
    // The first process was only paused: it changes nothing, and does not end the second attempt.
    let late = it.carry_out(async { it.registry.setups().begin(&KIND).await }).await;
    assert!(late.is_err(), "{late:?}");
    assert!(it.registry.setups().list().await.unwrap().is_empty());
    it.registry.access_tokens().end_request(it.request, None).await.unwrap();
    assert_eq!(it.again().await.1, RepeatedRequest::InProgress);
    it.other.access_tokens().end_request(second, Some("made-2".to_owned())).await.unwrap();
    assert_eq!(it.again().await.1, RepeatedRequest::Made("made-2".to_owned()));
}

#[tokio::test]
async fn a_request_whose_process_was_killed_after_its_transaction_is_answered() {
    let it = Interrupted::new().await;
    let session = it.carry_out(async { it.registry.setups().begin(&KIND).await }).await.unwrap();
    it.world.leases_expire().await;
    assert_eq!(it.again().await.1, RepeatedRequest::Made(session.id().to_string()));
    let it = Interrupted::new().await;
    let tokens = it.registry.access_tokens();
    let issued = it.carry_out(tokens.create(NewAccessToken::new("b", Role::Read))).await.unwrap();
    assert_eq!(it.again().await.1, RepeatedRequest::Made(issued.token.id.to_string()));
    // The control: what is made beside a request is not part of it.
    let it = Interrupted::new().await;
    it.registry.access_tokens().create(NewAccessToken::new("b", Role::Read)).await.unwrap();
    it.world.leases_expire().await;
    assert_eq!(it.again().await.1, RepeatedRequest::First);
}

#[tokio::test]
async fn an_import_that_was_interrupted_is_not_repeated_and_names_what_it_made() {
    let it = Interrupted::new().await;
    let rows = vec![item(KIND, "key-1", "a"), item(KIND, "key-2", "b")];
    let results = it.carry_out(import(&it.registry, rows)).await;
    let made: Vec<_> = results.into_iter().map(|result| result.unwrap().connection.to_string()).collect();
    assert_eq!(it.again().await.1, RepeatedRequest::InProgress);
    // The store failed, so that the process does not know what was made.
    it.registry.access_tokens().release_request(it.request).await.unwrap();
    assert_eq!(it.again().await.1, RepeatedRequest::Part(made.join(",")));
    assert_eq!(it.again().await.1, RepeatedRequest::Part(made.join(",")));
}

#[tokio::test]
async fn a_request_whose_store_failed_is_carried_out_again_at_once() {
    let it = Interrupted::new().await;
    sql::refuse(&it.world.database(), "INSERT ON connection_setup").await;
    assert!(it.carry_out(async { it.registry.setups().begin(&KIND).await }).await.is_err());
    sql::refuse_no_more(&it.world.database()).await;
    it.registry.access_tokens().release_request(it.request).await.unwrap();
    assert_eq!(it.again().await.1, RepeatedRequest::First);
}

/// The clock of the test passes a minute, and the one of the database decides about the lease.
#[tokio::test]
async fn a_process_renews_its_lease_while_it_carries_a_request_out() {
    let it = Interrupted::new().await;
    it.world.leases_expire().await;
    let now = database_clock();
    let left = format!("SELECT COUNT(*) FROM connection_access_token_request WHERE lease_until > {now}");
    let work = async {
        while sql::number(&it.world.database(), &left).await == Some(0) {
            it.world.clock.advance(Duration::from_secs(1));
        }
    };
    it.carry_out(work).await;
    assert_eq!(it.again().await.1, RepeatedRequest::InProgress);
}
