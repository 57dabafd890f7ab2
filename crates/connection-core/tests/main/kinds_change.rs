//! Kinds that are replaced and unregistered while they are in use: what was begun ends with the definition that it
//! began with, and what waits continues with the current one.

use std::sync::atomic::Ordering::SeqCst;

use connection_contract::{Kind, Liveness, Secret, VerifyResult, prelude::*};
use connection_core::{AdvanceError, ConnectionRegistry, Error, Outcome, RegisterError, SetupStep, Teardown};
use connection_faults::scripted::Scripted;
use tokio::task::JoinSet;

use crate::{
    acme::{Acme, KIND},
    fake::{FAKE, Fake, count},
    sql,
    test_host::{World, answers, code, connected, me, step},
};

/// Returns the kind `fake` in a later version that asks for something else.
fn later() -> Scripted {
    Scripted::new(Descriptor::new(FAKE, "Later", AuthType::Custom).field(Field::text("code", "Code")))
}

/// Returns the credentials that a verification of the session's connection sees.
async fn credential(registry: &ConnectionRegistry, outcome: &Outcome, of: &Fake) -> Vec<u8> {
    let Outcome::Done(done) = outcome else { panic!("not connected: {outcome:?}") };
    registry.connection(done.connection).await.unwrap().verify().await.unwrap();
    of.seen.lock().unwrap().last().unwrap().clone()
}

#[tokio::test]
async fn a_setup_that_waits_goes_on_with_the_definition_that_replaced_its_own() {
    let world = World::new().await;
    let first = Fake::new();
    let second = Fake::new();
    *second.blob.lock().unwrap() = b"second".to_vec();
    let registry = world.open(first.clone()).await;
    let session = registry.setups().begin(&FAKE).await.unwrap();
    let (no, _) = step(&session).await;
    registry.kinds().replace(second.clone()).unwrap();
    session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
    let outcome = session.terminal().await.unwrap();
    assert_eq!(credential(&registry, &outcome, &second).await, b"second");
    assert_eq!((count(&first.serialized), count(&second.serialized)), (0, 1));
}

/// An answer to a question that is no longer asked changes nothing, and the current question is shown.
#[tokio::test]
async fn a_setup_whose_next_definition_asks_something_else_asks_that() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let session = registry.setups().begin(&FAKE).await.unwrap();
    let (no, _) = step(&session).await;
    registry.kinds().replace(later()).unwrap();
    let refused = session.advance(no, &answers(&[("name", "ada")])).await.unwrap_err();
    assert!(
        matches!(refused, AdvanceError::Invalid(_)) && refused.to_string().contains("the requested fields are: code"),
        "{refused}"
    );
    let (next, shown) = step(&session).await;
    assert!(matches!(&shown, SetupStep::Prompt { fields, .. } if *fields[0].name == *"code"), "{shown:?}");
    session.advance(next, &answers(&[("code", "eve")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

#[tokio::test]
async fn a_setup_whose_kind_is_taken_away_stays_and_goes_on_when_it_is_back() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let session = registry.setups().begin(&FAKE).await.unwrap();
    let (no, _) = step(&session).await;
    assert!(registry.kinds().unregister(&FAKE));
    let refused = session.advance(no, &answers(&[("name", "ada")])).await.unwrap_err();
    assert!(matches!(&refused, AdvanceError::Error(Error::UnknownKind(kind)) if *kind == FAKE), "{refused:?}");
    assert!(matches!(registry.setups().begin(&FAKE).await, Err(Error::UnknownKind(_))));
    assert!(matches!(registry.setups().resume(session.id()).await, Err(Error::UnknownKind(_))));
    let setups = registry.setups().list().await.unwrap();
    assert_eq!((setups.len(), setups[0].id), (1, session.id()));
    registry.kinds().register(fake).unwrap();
    session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

#[tokio::test]
async fn a_run_that_is_under_way_ends_with_the_definition_that_it_began_with() {
    for taken_away in [false, true] {
        let world = World::new().await;
        let first = Acme::default();
        let second = Acme::default();
        let registry = world.open(first.clone()).await;
        let changing = registry.clone();
        let next = second.clone();
        // The setup waits for this answer.
        world.provider(move |_| {
            match taken_away {
                true => drop(changing.kinds().unregister(&KIND)),
                false => changing.kinds().replace(next.clone()).unwrap(),
            }
            me("1", "ada")
        });
        let session = registry.setups().begin(&KIND).await.unwrap();
        let (no, _) = step(&session).await;
        session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
        let outcome = session.terminal().await.unwrap();
        assert_eq!(code(&outcome), "done Live", "taken away: {taken_away}");
        assert_eq!((first.calls.serialized.load(SeqCst), second.calls.serialized.load(SeqCst)), (1, 0));
        world.provider(|_| me("1", "ada"));
        if taken_away {
            registry.kinds().register(second).unwrap();
        }
        let Outcome::Done(done) = outcome else { unreachable!() };
        let connection = registry.connection(done.connection).await.unwrap();
        assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    }
}

#[tokio::test]
async fn a_probe_that_is_under_way_ends_with_its_definition_and_loses_nothing() {
    for taken_away in [false, true] {
        let world = World::new().await;
        let first = Fake::new();
        let second = Fake::new();
        let registry = world.open(first.clone()).await;
        let connection = first.connected(&registry, "ada").await;
        first.finds(|_| VerifyResult::live().rotated(Secret::from("fresh")));
        first.gate.close();
        let probing = connection.clone();
        let mut probe = JoinSet::new();
        probe.spawn(async move { probing.verify().await });
        first.gate.until_inside(1).await;
        match taken_away {
            true => assert!(registry.kinds().unregister(&FAKE)),
            false => registry.kinds().replace(second.clone()).unwrap(),
        }
        first.gate.open();
        let info = probe.join_next().await.unwrap().unwrap().unwrap();
        assert_eq!((info.liveness, info.registered), (Liveness::Live, !taken_away));
        if taken_away {
            assert!(matches!(connection.verify().await, Err(Error::UnknownKind(_))));
            registry.kinds().register(second.clone()).unwrap();
        }
        // The provider has replaced the credential, and the next definition gets the new one.
        connection.verify().await.unwrap();
        assert_eq!(*second.seen.lock().unwrap(), [b"fresh".to_vec()]);
    }
}

/// A credential is stored with what its plugin reported about it, even if the kind was unregistered meanwhile.
#[tokio::test]
async fn a_credential_keeps_the_names_of_its_secrets_when_its_plugin_goes_in_mid_probe() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    const NAMES: &str = "SELECT secret_names FROM connection_credential WHERE state = 'current'";
    let before = sql::texts(&world.database(), NAMES).await;
    assert_eq!(before, [r#"["accessToken"]"#]);
    let changing = registry.clone();
    world.provider(move |_| {
        changing.kinds().unregister(&KIND);
        crate::test_server::Reply::ok(r#"{"id":"1","name":"ada","rotate":"key-2"}"#)
    });
    connection.verify().await.unwrap();
    assert_eq!(sql::texts(&world.database(), NAMES).await, before);
}

#[tokio::test]
async fn a_request_and_a_removal_under_way_end_and_the_next_are_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let changing = registry.clone();
    world.provider(move |_| {
        changing.kinds().unregister(&KIND);
        me("1", "ada")
    });
    let request = connection.request("GET", "/things").await.unwrap();
    assert_eq!(connection.send(request).await.unwrap().status(), 200);
    assert!(matches!(connection.request("GET", "/things").await, Err(Error::UnknownKind(_))));
    assert!(matches!(connection.with_access_token(async |_| ()).await, Err(Error::UnknownKind(_))));
    registry.kinds().register(Acme::default()).unwrap();
    connection.with_access_token(async |_| ()).await.unwrap();
    // The request of the teardown unregisters the kind.
    assert_eq!(registry.remove(connection.id()).await.unwrap().teardown, Teardown::Revoked);
    assert!(registry.kinds().list().is_empty());
}

#[test]
fn many_threads_that_register_leave_one_of_each_kind() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (_world, registry) = runtime.block_on(async {
        let world = World::new().await;
        let registry = world.builder().open().await.unwrap();
        (world, registry)
    });
    let kind = |number: usize| Kind::parse(&format!("kind-{number}")).unwrap();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let register = |number: usize| {
            let registry = &registry;
            scope.spawn(move || {
                let shared = registry.kinds().register(Fake::new());
                registry.kinds().register(Fake::of(kind(number))).unwrap();
                registry.kinds().replace(Fake::of(kind(number))).unwrap();
                assert!(registry.kinds().get(&FAKE).is_some() && registry.kinds().get(&kind(number)).is_some());
                shared
            })
        };
        let threads: Vec<_> = (0..16).map(register).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refused.into_iter().all(|error| matches!(error, RegisterError::Taken { kind, .. } if *kind == FAKE)));
    assert_eq!(registry.kinds().list().len(), 17);
}
