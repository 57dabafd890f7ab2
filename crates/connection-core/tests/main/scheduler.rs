//! The scheduler: due work is done without any use, once, and with a limit on concurrency.

use std::{future::poll_fn, task::Poll};

use connection_contract::{Identity, Kind, Secret, Timestamp, VerifyResult};
use connection_core::{Connection, ConnectionRegistry, Import, Limits, SetupStep};
use tokio::runtime::Handle;

use crate::{
    acme::API,
    fake::{FAKE, Fake, count},
    renewing::{LIFE, RENEWING, Renewals, Renewing, refreshed, run, send},
    sql,
    test_host::{on_postgres, START, World, step},
    test_server::Reply,
};

/// Lets time pass until the condition holds.
async fn until(world: &World, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    const LEASED: &str = "SELECT count(*) FROM connection_liveness WHERE lease_owner IS NOT NULL";
    let last = world.now() + 600;
    let mut leased = 0;
    while world.now() < last {
        if is_so().await {
            return;
        }
        // The limits of a refresh in progress are seconds of this clock, and a slow machine needs a while for it.
        leased = if number(world, LEASED).await == 0 { 0 } else { leased + 1 };
        if !(1..=1_000).contains(&leased) {
            world.clock.advance(std::time::Duration::from_secs(1));
        }
        // Tasks that it began take a moment, even while no time passes.
        sql::look_on(&world.database(), 1, if on_postgres() { 120 } else { 20 }, || ()).await;
    }
    panic!("it does not come to it: {what}");
}

async fn number(world: &World, sql: &str) -> i64 {
    sql::number(&world.database(), sql).await.unwrap_or_default()
}

/// Creates connections of several accounts; the provider refreshes each any number of times.
async fn many(world: &World, plugin: &Renewing, accounts: usize) -> (ConnectionRegistry, Vec<Connection>) {
    world.provider(|request| match request.starts_with("POST /token") {
        true => Reply::ok(r#"{"access":"access-9","refresh":"refresh-9","life":3600}"#),
        false => crate::test_host::me("1", "ada"),
    });
    let registry = world.open(plugin.clone()).await;
    let mut connections = Vec::new();
    for account in 0..accounts {
        let owner = registry.owner(format!("u{account}")).unwrap();
        connections.push(plugin.connected(&owner).await);
    }
    (registry, connections)
}

/// Q25
#[tokio::test]
async fn credentials_of_all_owners_are_renewed_when_they_are_due_and_nobody_uses_them() {
    let world = World::new().await;
    let plugin = Renewing::new();
    let (registry, _connections) = many(&world, &plugin, 6).await;
    world.clock.advance(std::time::Duration::from_secs(u64::try_from(LIFE - 460).unwrap()));
    let _running = run(&registry);
    world.clock.until_asleep(1).await;
    assert_eq!(refreshed(&plugin), 0);
    until(&world, "all are renewed", async || {
        number(&world, "SELECT count(*) FROM connection_account WHERE generation = 2").await == 6
    })
    .await;
    assert_eq!(refreshed(&plugin), 6);
    // Each of them was refreshed before its end.
    assert!(world.now() < START + LIFE, "{}", world.now() - START);
}

#[tokio::test]
async fn one_provider_is_asked_for_four_at_once() {
    let world = World::new().await;
    let plugin = Renewing::new();
    let (registry, _connections) = many(&world, &plugin, 10).await;
    plugin.before.close();
    world.clock.advance(std::time::Duration::from_secs(u64::try_from(LIFE - 200).unwrap()));
    let _running = run(&registry);
    plugin.before.until_inside(4).await;
    for _ in 0..3 {
        world.clock.advance(std::time::Duration::from_secs(2));
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        assert_eq!((plugin.before.inside(), refreshed(&plugin)), (4, 4));
    }
    plugin.before.open();
    until(&world, "all are renewed", async || {
        number(&world, "SELECT count(*) FROM connection_account WHERE generation = 2").await == 10
    })
    .await;
    assert_eq!(refreshed(&plugin), 10);
}

/// R-INSEAM-053: a preflight has all permits of a provider, whose next connection falls due.
#[tokio::test]
async fn the_scheduler_and_a_preflight_share_the_permits_of_a_provider() {
    let world = World::new().await;
    let fake = Fake::new();
    let well = Fake::of(Kind::from_static("well"));
    let builder = world.builder().limits(Limits::new().verify_per_provider(2));
    let registry = builder.kind(fake.clone()).kind(well.clone()).open().await.unwrap();
    let named = [fake.connected(&registry, "one").await.id(), fake.connected(&registry, "two").await.id()];
    let third = fake.connected(&registry, "three").await;
    let alone = well.connected(&registry, "alone").await;
    fake.gate.close();
    let mut results = registry.preflight(named);
    fake.gate.until_inside(2).await;
    for connection in [&third, &alone] {
        let id = sql::id(connection.id());
        let due = format!("UPDATE connection_liveness SET next_check_at = {START} WHERE connection_id = {id}");
        assert_eq!(sql::run(&world.database(), due).await, 1);
    }
    let _running = run(&registry);
    until(&world, "the other provider is asked", async || count(&well.verified) == 1).await;
    for _ in 0..3 {
        world.clock.advance(std::time::Duration::from_secs(2));
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        assert_eq!(fake.gate.inside(), 2);
    }
    fake.gate.open();
    for _ in named {
        results.next().await.unwrap().1.unwrap();
    }
    until(&world, "the third is checked", async || count(&fake.verified) == 3).await;
}

#[tokio::test]
async fn two_schedulers_refresh_once() {
    let it = Renewals::new().await;
    let other = it.world.open(it.plugin.clone()).await;
    it.edit(&format!("UPDATE connection_liveness SET next_check_at = {}", START + 10)).await;
    let _running = [run(&it.registry), run(&other)];
    until(&it.world, "it is looked at", async || count(&it.plugin.verified) > 0).await;
    until(&it.world, "that is stored", async || it.lease("next_check_at").await.is_none()).await;
    it.at(LIFE - 400);
    until(&it.world, "it is renewed", async || it.number("generation").await == 2).await;
    assert_eq!((it.provider.request_count(), count(&it.plugin.verified)), (1, 1));
    assert_eq!(it.lease("next_check_at").await, None);
}

#[tokio::test]
async fn a_scheduler_that_is_dropped_at_any_moment_loses_nothing() {
    let it = Renewals::new().await;
    for polls in 0..10_usize {
        it.fall_due().await;
        let mut running = Box::pin(it.registry.run());
        for _ in 0..=polls {
            assert!(poll_fn(|cx| Poll::Ready(running.as_mut().poll(cx))).await.is_pending());
            tokio::task::yield_now().await;
        }
        drop(running);
    }
    it.fall_due().await;
    let before = it.provider.request_count();
    let _running = run(&it.registry);
    until(&it.world, "it is renewed", async || it.provider.request_count() > before).await;
    until(&it.world, "it is stored", async || {
        it.number("generation").await == i64::try_from(it.provider.request_count()).unwrap() + 1
    })
    .await;
    let issuer = it.provider.lock();
    assert!(!issuer.is_revoked, "{issuer:?}");
}

#[tokio::test]
async fn a_pause_that_a_provider_asks_for_is_kept_for_all_its_connections() {
    let world = World::new().await;
    let plugin = Renewing::new();
    let (registry, mut connections) = many(&world, &plugin, 1).await;
    *plugin.gives.lock().unwrap() = ["access-1", "refresh-1", "2"];
    connections.push(plugin.connected(&registry.owner("u0").unwrap()).await);
    // Both have been refreshed before, so the origin is known.
    sql::run(&world.database(), format!("UPDATE connection_liveness SET refresh_origin = '{API}'")).await;
    let requests = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = requests.clone();
    world.provider(move |_| {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Reply::whole(429, "retry-after: 300\r\n", "")
    });
    let due = |id: &Connection, at: i64| {
        format!("UPDATE connection_credential SET refresh_at = {at} WHERE connection_id = {}", sql::id(id.id()))
    };
    sql::run(&world.database(), due(&connections[0], START + 10)).await;
    sql::run(&world.database(), due(&connections[1], START + 60)).await;
    let _running = run(&registry);
    until(&world, "the first is refused", async || count(&requests) == 1).await;
    until(&world, "five minutes passed", async || world.now() >= START + 290).await;
    assert_eq!(count(&requests), 1);
    until(&world, "the pause is over", async || count(&requests) > 1).await;
}

#[tokio::test]
async fn an_end_that_no_refresh_prevents_is_announced_once_a_week_before() {
    let world = World::new().await;
    let fake = Fake::new();
    let plugin = Renewing::new();
    let registry = world.builder().kind(fake.clone()).kind(plugin.clone()).open().await.unwrap();
    let at = |seconds| Timestamp::from_seconds(START + seconds);
    let day = 86_400;
    let import = |kind: Kind, name: &str, credential: &str| {
        Import::new(kind, Secret::from(credential), Identity::new(name.to_owned(), name.to_owned()))
    };
    let items = vec![
        import(FAKE, "soon", "blob").valid_until(at(6 * day)),
        import(FAKE, "later", "blob").valid_until(at(9 * day)),
        // A credential that refreshes automatically ends with its authorization.
        import(RENEWING, "renews", "access-1 refresh-1").valid_until(at(6 * day)),
        import(RENEWING, "ends", "access-1 refresh-1").valid_until(at(90 * day)).authorized_until(at(5 * day)),
    ];
    let mut imports = registry.import_all(items).start();
    while let Some(item) = imports.next().await {
        item.unwrap();
    }
    let announced = async || {
        let sql = "SELECT a.label || ' ' || e.body FROM connection_event AS e \
                   JOIN connection_account AS a ON a.id = e.connection_id WHERE e.kind = 'expiring' ORDER BY a.label";
        sql::texts(&world.database(), sql).await
    };
    let _running = [run(&registry), run(&world.builder().kind(fake).kind(plugin).open().await.unwrap())];
    until(&world, "two are told", async || announced().await.len() == 2).await;
    let text = |seconds: i64| at(seconds).to_rfc3339();
    let ends = format!(r#"ends {{"at":"{}","what":"authorization"}}"#, text(5 * day));
    let soon = format!(r#"soon {{"at":"{}","what":"credential"}}"#, text(6 * day));
    assert_eq!(announced().await, [ends, soon]);
    world.clock.advance(std::time::Duration::from_secs(3 * 86_400));
    until(&world, "the third is told", async || announced().await.len() == 3).await;
    until(&world, "minutes pass", async || world.now() > START + 3 * day + 300).await;
    assert_eq!(announced().await.len(), 3);
}

#[tokio::test]
async fn an_end_that_a_probe_moves_is_told_again() {
    const DAY: i64 = 86_400;
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let finds = async |days: i64, rotates: bool| {
        fake.finds(move |_| {
            let found = VerifyResult::live().valid_until(Some(Timestamp::from_seconds(START + days * DAY)));
            if rotates { found.rotated(Secret::from("fresh")) } else { found }
        });
        assert_eq!(connection.verify().await.unwrap().valid_until.unwrap().seconds(), START + days * DAY);
    };
    let told = "SELECT COUNT(*) FROM connection_event WHERE kind = 'expiring'";
    finds(5, false).await;
    let _running = run(&registry);
    until(&world, "it is told", async || number(&world, told).await == 1).await;
    // An end that is at most a day later counts as the same, also that of a credential to which the provider rotated.
    for rotates in [false, true] {
        finds(6, rotates).await;
        let passed = world.now() + 120;
        until(&world, "minutes pass", async || world.now() > passed).await;
        assert_eq!(number(&world, told).await, 1, "{rotates}");
    }
    finds(90, false).await;
    world.clock.advance(std::time::Duration::from_secs(84 * DAY.unsigned_abs()));
    until(&world, "it is told again", async || number(&world, told).await == 2).await;
}

#[tokio::test]
async fn a_row_that_cannot_be_told_of_keeps_nothing_from_being_renewed() {
    let it = Renewals::new().await;
    it.edit(&format!("UPDATE connection_credential SET authorized_until = {}", START + 86_400)).await;
    sql::refuse(&it.world.database(), "UPDATE OF announced_at ON connection_credential").await;
    it.at(LIFE - 200);
    let _running = run(&it.registry);
    until(&it.world, "it is renewed", async || it.number("generation").await == 2).await;
    assert!(!it.events().await.contains(&"expiring".to_owned()), "that was refused");
}

#[tokio::test]
async fn a_setup_whose_run_was_lost_goes_on() {
    let world = World::new().await;
    let fake = Fake::new();
    let lost = {
        let registry = world.open(fake.clone()).await;
        let session = registry.setups().begin(&FAKE).await.unwrap();
        step(&session).await;
        session.id()
    };
    // The state after a process was killed while the plugin was working.
    sql::run(&world.database(), "UPDATE connection_setup SET state = 'running', sealed_step = NULL").await;
    let registry = world.open(fake.clone()).await;
    let _running = run(&registry);
    until(&world, "it waits again", async || {
        sql::texts(&world.database(), "SELECT state FROM connection_setup").await == ["waiting"]
    })
    .await;
    let session = registry.setups().resume(lost).await.unwrap();
    assert!(matches!(step(&session).await.1, SetupStep::Prompt { .. }));
}

#[tokio::test]
async fn the_server_ends_after_the_registry_is_closed() {
    let it = Renewals::new().await;
    let registry = it.registry.clone();
    let running = Handle::current().spawn(async move { registry.run().await });
    it.world.clock.until_asleep(1).await;
    it.registry.close().await;
    crate::test_host::outlasted(&it.world, running).await;
    // Without a scheduler, a use refreshes.
    let other = it.world.open(it.plugin.clone()).await;
    it.at(LIFE * 3);
    assert_eq!(send(&other.connection(it.connection.id()).await.unwrap()).await.unwrap(), 200);
    assert_eq!(it.provider.request_count(), 1);
}
