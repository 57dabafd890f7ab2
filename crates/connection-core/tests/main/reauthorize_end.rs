//! The end of a re-authorization when the provider cannot be reached or the store cannot write, and how it
//! continues.

use connection_contract::Liveness;
use connection_core::{Outcome, SetupStep};

use crate::{
    acme::KIND,
    odd_plugin::{ODD, Odd},
    reauthorize::{HOT, answered, credentials, reauthorized, state, token},
    setup_rotated::rotates_once,
    setup_writes::{break_writes, is_store, mend},
    sql,
    test_host::{World, answers, code, connected, me, step},
    test_server::Reply,
    user::{beside, labels, looked, requests_to, set_up},
};

/// Answers the verification of key-2 with this from now on; its setup succeeds.
fn verification(world: &World, reply: fn() -> Reply) {
    let mut requests = 0;
    world.provider(move |request| {
        if request.contains("Bearer key-2\r") {
            requests += 1;
        }
        if requests > 1 { reply() } else { me("1", "ada") }
    });
}

#[tokio::test]
async fn a_credential_that_cannot_be_verified_waits_where_the_old_one_works() {
    for old in [Liveness::Live, Liveness::Offline] {
        let world = World::new().await;
        let registry = world.acme().await;
        let connection = connected(&registry, "key-1").await;
        if old == Liveness::Offline {
            world.provider(|_| Reply::whole(503, "", ""));
            connection.verify().await.unwrap();
        }
        let before = state(&world).await;
        verification(&world, || Reply::whole(503, "", ""));
        let session = answered(&connection, "key-2").await;
        let (_, notice) = step(&session).await;
        let SetupStep::Notice { beside: notices } = &notice else { panic!("{notice:?}") };
        assert!(notices.iter().any(|notice| notice.reason.as_ref().is_some_and(|why| why.code == "provider_error")));
        assert!(beside(&notice).iter().any(|line| line.contains("your answers are saved")), "{notice:?}");
        assert_eq!(state(&world).await, before, "{old:?}");
        assert_eq!(token(&connection).await, "key-1");

        // The provider is still down, and the session waits. Then another process tries.
        let again = registry.setups().resume(session.id()).await.unwrap();
        assert!(matches!(step(&again).await, (1, SetupStep::Notice { .. })));
        let id = session.id();
        drop((session, again, registry));
        world.provider(|_| me("1", "ada"));
        let registry = world.acme().await;
        let listed = registry.setups().list().await.unwrap();
        assert_eq!((listed[0].reauthorizes, &listed[0].extension), (Some(connection.id()), &None));
        let session = registry.setups().resume(id).await.unwrap();
        assert_eq!(code(&session.terminal().await.unwrap()), "done Live", "{old:?}");
        world.clock.advance(HOT);
        assert_eq!(token(&connection).await, "key-2");
    }
}

#[tokio::test]
async fn a_credential_that_cannot_be_verified_takes_the_place_of_one_that_does_not_work() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    world.provider(|_| Reply::whole(401, "", ""));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Failing);
    verification(&world, || Reply::whole(503, "", ""));
    let Outcome::Done(done) = reauthorized(&connection, "key-2").await else { panic!("it was lost") };
    assert_eq!((done.liveness, &*done.reason.unwrap().code), (Liveness::Offline, "provider_error"));
    assert_eq!(credentials(&world).await, ["previous 1", "current 2"]);
    world.provider(|_| me("1", "ada"));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    assert_eq!(token(&connection).await, "key-2");
}

#[tokio::test]
async fn one_that_waits_and_is_given_up_leaves_the_old_one() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let before = state(&world).await;
    verification(&world, || Reply::whole(503, "", ""));
    let session = answered(&connection, "key-2").await;
    assert!(matches!(step(&session).await, (1, SetupStep::Notice { .. })));
    session.cancel().await.unwrap();
    assert_eq!(state(&world).await, before);
    assert!(registry.setups().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_credential_rotated_by_its_verification_replaces_the_old_one() {
    let world = World::new().await;
    let odd = Odd::new("none");
    let registry = world.open(odd.clone()).await;
    let Outcome::Done(done) = set_up(&registry, &ODD).await else { panic!("not connected") };
    let connection = registry.connection(done.connection).await.unwrap();
    registry.kinds().replace(odd.then("verify rotates")).unwrap();
    let session = connection.reauthorize().await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    // A separate serialization for each: the first credential, the second, and its rotated version.
    assert_eq!(odd.serialized.load(std::sync::atomic::Ordering::SeqCst), 3);
    assert_eq!(credentials(&world).await, ["previous 1", "current 2"]);
}

/// A rotated credential is not lost while the session waits: the one that was entered no longer works.
#[tokio::test]
async fn a_waiting_session_continues_with_the_rotated_credential() {
    let world = World::new().await;
    let odd = Odd::new("none");
    let registry = world.open(odd.clone()).await;
    let Outcome::Done(done) = set_up(&registry, &ODD).await else { panic!("not connected") };
    let connection = registry.connection(done.connection).await.unwrap();
    let odd = odd.then("verify rotates offline");
    registry.kinds().replace(odd.clone()).unwrap();
    let session = connection.reauthorize().await.unwrap();
    let id = session.id();
    assert!(matches!(step(&session).await.1, SetupStep::Notice { .. }));
    drop((session, registry));
    let registry = world.open(odd).await;
    let session = registry.setups().resume(id).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(credentials(&world).await, ["previous 1", "current 3"]);
}

/// The same holds if its end cannot be stored, or if the process dies before that.
#[tokio::test]
async fn a_session_that_could_not_end_continues_with_the_rotated_credential() {
    let world = World::new().await;
    world.provider(rotates_once());
    let registry = world.acme().await;
    break_writes(&world, "UPDATE ON connection_setup WHEN NEW.state = 'done'").await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
    assert!(is_store(&session.terminal().await.unwrap_err()));
    let id = session.id();
    drop((session, registry));
    mend(&world).await;
    let registry = world.acme().await;
    let session = registry.setups().resume(id).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("what it was rotated to is lost") };
    assert_eq!(token(&registry.connection(done.connection).await.unwrap()).await, "fresh");
}

/// A failure of any write, at the end or before it, leaves the old credential whole and a session that can continue.
#[tokio::test]
async fn a_failure_of_each_write_leaves_the_old_credential_and_a_session_that_goes_on() {
    for (of, elsewhere) in [
        ("INSERT ON connection_setup_effect WHEN NEW.seq = 1", false),
        ("UPDATE OF next_generation ON connection_account", true),
        ("UPDATE ON connection_setup WHEN NEW.state = 'done'", false),
        ("DELETE ON connection_setup_effect", true),
        ("UPDATE ON connection_credential WHEN NEW.state = 'previous'", true),
        ("INSERT ON connection_credential", false),
        ("UPDATE OF generation ON connection_account", true),
        ("UPDATE OF config ON connection_account", false),
        ("UPDATE ON connection_liveness", true),
        ("INSERT ON connection_event", false),
    ] {
        let world = World::new().await;
        let registry = world.acme().await;
        let connection = connected(&registry, "key-1").await;
        let before = state(&world).await;
        let requests = requests_to(&world, "GET /me");
        break_writes(&world, of).await;
        let session = answered(&connection, "key-2").await;
        let error = session.terminal().await.unwrap_err();
        assert!(is_store(&error), "{of}: {error:?}");
        assert_eq!(state(&world).await, before, "{of}");
        mend(&world).await;
        assert_eq!(token(&connection).await, "key-1", "{of}");
        let other = world.acme().await;
        let registry = if elsewhere { &other } else { &registry };
        let again = registry.setups().resume(session.id()).await.unwrap();
        assert_eq!(code(&again.terminal().await.unwrap()), "done Live", "{of}");
        world.clock.advance(HOT);
        assert_eq!(token(&connection).await, "key-2", "{of}");
        assert_eq!(labels(registry).await, ["ada"], "{of}");
        assert_eq!(requests_to(&world, "GET /me"), requests + 3, "{of}: one of the two requests was repeated");
        let apart = "SELECT CAST(a.generation - l.generation AS TEXT) FROM connection_account AS a \
                     JOIN connection_liveness AS l ON l.connection_id = a.id";
        let apart = sql::texts(&world.database(), apart).await;
        assert_eq!(apart, ["0"], "{of}: live with the credential that was measured");
    }
}

/// Two processes end one session: it ends once.
#[tokio::test]
async fn two_processes_that_end_one_session_tell_one_end() {
    let world = World::new().await;
    let registry = world.acme().await;
    let elsewhere = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    break_writes(&world, "UPDATE ON connection_setup WHEN NEW.state = 'done'").await;
    let session = answered(&connection, "key-2").await;
    assert!(is_store(&session.terminal().await.unwrap_err()));
    mend(&world).await;
    let (here, there) = tokio::join!(registry.setups().resume(session.id()), elsewhere.setups().resume(session.id()));
    let here = here.unwrap();
    let there = there.unwrap();
    let ends = async { tokio::join!(here.terminal(), there.terminal()) };
    let (one, two) = looked(&world, ends).await;
    assert_eq!((code(&one.unwrap()), code(&two.unwrap())), ("done Live".into(), "done Live".into()));
    let kinds = sql::texts(&world.database(), "SELECT kind FROM connection_event WHERE kind = 'reauthorized'").await;
    assert_eq!(kinds.len(), 1);
    world.clock.advance(HOT);
    assert_eq!(token(&connection).await, "key-2");
}
