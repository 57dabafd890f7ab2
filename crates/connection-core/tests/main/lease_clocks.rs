//! Processes whose clocks are an hour wrong, each in another direction: none takes the live lease of another, and each
//! takes one that has expired by the clock of the database.

use std::{sync::Arc, time::Duration};

use connection_contract::{SigningKey, Timestamp};
use connection_core::{
    ApprovalState, ConnectionRegistry, ManualClock, NewAccessToken, RegistryBuilder, RepeatedRequest, Role,
};
use tokio::runtime::Handle;

use crate::{
    acme::Acme,
    approvals_kit::{Asking, upload},
    fake::Fake,
    hooks::{Hooks, deliver, enabled},
    outgoing_events::Operator,
    renewing::{Renewals, Renewing, process, refreshed, token},
    setup_processes::{asking, begun, reached},
    sql,
    test_host::World,
    test_server::Reply,
    user::requests_to,
    webhook_deliveries::{next, none},
};

const HOUR: i64 = 3600;
/// The differences of the clocks of two processes from that of the database, in seconds.
const WRONG: [(i64, i64); 2] = [(HOUR, -HOUR), (-HOUR, HOUR)];

/// Returns a clock that differs from the one of the database.
async fn clock(world: &World, wrong: i64) -> ManualClock {
    ManualClock::at(Timestamp::from_seconds(world.database_now().await + wrong))
}

/// Creates the database, sets the clock of the test, and returns the builder of another process with another clock.
async fn clocks(world: &World, wrong: (i64, i64)) -> (RegistryBuilder, ManualClock) {
    world.builder().open().await.unwrap().close().await;
    let (ours, theirs) = wrong;
    world.clock.jump_to(Timestamp::from_seconds(world.database_now().await + ours));
    let clock = clock(world, theirs).await;
    (world.builder().clock(Arc::new(clock.clone())), clock)
}

/// Lets a process work while time passes on its clock, for as long as no request needs.
async fn works(world: &World, clock: &ManualClock) {
    for _ in 0..100 {
        clock.advance(Duration::from_millis(50));
        sql::number(&world.database(), "SELECT 1").await;
    }
}

#[tokio::test]
async fn a_refresh_has_one_holder() {
    for (ours, theirs) in WRONG {
        let it = Renewals::of(Renewing::new()).await;
        let [plugin, other] = [Renewing::new(), Renewing::new()];
        let clocks = [clock(&it.world, ours).await, clock(&it.world, theirs).await];
        let one = process(&it.world, &plugin, clocks[0].clone()).await.connection(it.connection.id()).await.unwrap();
        let two = process(&it.world, &other, clocks[1].clone()).await.connection(it.connection.id()).await.unwrap();
        it.expire().await;
        plugin.before.close();
        let first = Handle::current().spawn(async move { token(&one).await });
        plugin.before.until_inside(1).await;
        let second = Handle::current().spawn(async move { token(&two).await });
        // The holder extends its lease.
        tokio::join!(works(&it.world, &clocks[0]), works(&it.world, &clocks[1]));
        assert_eq!(refreshed(&other), 0, "{ours}: another process refreshes it");
        it.world.leases_expire().await;
        while refreshed(&other) == 0 {
            works(&it.world, &clocks[1]).await;
        }
        assert_eq!(second.await.unwrap().unwrap(), "access-2");
        first.abort();
    }
}

#[tokio::test]
async fn a_setup_has_one_holder() {
    // A session lasts for a quarter of an hour by the clock of the process that looks at it.
    for wrong in [(HOUR, -HOUR), (-300, 300)] {
        let world = World::new().await;
        world.provider(|_| Reply::silence());
        let (builder, theirs) = clocks(&world, wrong).await;
        let [plugin, other] = [asking(), asking()];
        let one = world.open(plugin).await;
        let session = begun(&one).await;
        world.server.until_asked(1).await;
        let two = builder.kind(other.clone()).open().await.unwrap();
        let _twin = two.setups().resume(session.id()).await.unwrap();
        reached(&other.about, 1).await;
        works(&world, &theirs).await;
        assert_eq!(requests_to(&world, "GET /odd"), 1, "{wrong:?}: another process asks");
        world.leases_expire().await;
        while requests_to(&world, "GET /odd") < 2 {
            works(&world, &theirs).await;
        }
    }
}

#[tokio::test]
async fn a_repeated_request_has_one_holder() {
    for wrong in WRONG {
        let world = World::new().await;
        let (builder, _) = clocks(&world, wrong).await;
        let one = world.acme().await;
        let two = builder.kind(Acme::default()).open().await.unwrap();
        let token = one.access_tokens().create(NewAccessToken::new("a", Role::Manage)).await.unwrap().token.id;
        let begins = async |registry: &ConnectionRegistry| {
            let tokens = registry.access_tokens();
            let request = tokens.request_key(token, "key", "POST /things", b"{}");
            tokens.begin_request(request).await.unwrap()
        };
        assert_eq!(begins(&one).await, RepeatedRequest::First);
        assert_eq!(begins(&two).await, RepeatedRequest::InProgress, "{wrong:?}");
        world.leases_expire().await;
        assert_eq!(begins(&two).await, RepeatedRequest::First, "{wrong:?}");
        assert_eq!(begins(&one).await, RepeatedRequest::InProgress, "{wrong:?}");
    }
}

#[tokio::test]
async fn an_approved_request_has_one_holder() {
    for wrong in WRONG {
        let it = Asking::new().await;
        let id = it.asked(upload(), "data").await;
        it.world.provider(|_| Reply::silence());
        let asked = it.world.server.requests().len();
        it.approve(id).await.unwrap();
        it.world.server.until_asked(asked + 1).await;
        let (builder, _) = clocks(&it.world, wrong).await;
        let two = builder.kind(Acme::default()).open().await.unwrap();
        let found = async || two.approvals().get(id).await.unwrap().approval.state;
        assert_eq!(found().await, ApprovalState::Executing, "{wrong:?}: its process lives");
        it.world.leases_expire().await;
        assert_eq!(found().await, ApprovalState::Unknown, "{wrong:?}");
    }
}

#[tokio::test]
async fn a_delivery_of_a_webhook_has_one_holder() {
    for wrong in WRONG {
        let world = World::new().await;
        let (builder, _) = clocks(&world, wrong).await;
        let hooks = Hooks::new(SigningKey::Generated);
        let one = builder.kind(hooks.clone()).open().await.unwrap();
        let two = world.open(hooks).await;
        let connection = enabled(&one, "ada").await;
        deliver(&connection, &one, "1").await;
        let mut first = one.webhooks().deliveries().await.unwrap();
        let mut second = two.webhooks().deliveries().await.unwrap();
        assert_eq!(first.next().await.unwrap().unwrap().number(), 1);
        assert!(none(&world, &mut second, Duration::from_secs(60)).await, "{wrong:?}: another receiver has it");
        world.leases_expire().await;
        assert_eq!(next(&world, &mut second).await.number(), 1, "{wrong:?}");
    }
}

#[tokio::test]
async fn an_outgoing_event_has_one_holder() {
    for wrong in WRONG {
        let world = World::new().await;
        let (builder, theirs) = clocks(&world, wrong).await;
        let fake = Fake::new();
        let operator = Operator::new().await;
        operator.answers(|_| Reply::silence());
        let one = world.open(fake.clone()).await;
        let running = operator.runs(&world, &one).await;
        fake.connected(&one, "ada").await;
        operator.until(1).await;
        let two = builder.kind(fake.clone()).open().await.unwrap();
        let _running = operator.runs(&world, &two).await;
        // The message is due by both clocks.
        sql::run(&world.database(), "UPDATE connection_outbox SET next_at = 1").await;
        works(&world, &theirs).await;
        works(&world, &theirs).await;
        assert_eq!(operator.messages().len(), 1, "{wrong:?}: another process sends it");
        running.abort();
        world.leases_expire().await;
        while operator.messages().len() < 2 {
            works(&world, &theirs).await;
        }
        let messages = operator.messages();
        assert_eq!(messages[0].id, messages[1].id, "{wrong:?}");
    }
}
