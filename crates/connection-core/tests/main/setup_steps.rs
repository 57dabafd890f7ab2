//! A setup as its host drives it: steps, their answers, and a single end.

use std::{future::poll_fn, pin::pin};

use connection_contract::Kind;
use connection_core::{AdvanceError, Error, Outcome, SetupStage, SetupStep};
use futures_core::Stream as _;

use crate::{
    acme::{Acme, KIND},
    inbound::{Inbound, returned, state},
    odd_plugin::{ODD, Odd},
    race_plugin::{RACE, race},
    test_host::{World, answers, code, me, step},
    test_server::Reply,
    user::{beside, finish, labels, requests_to},
};

/// R-INSEAM-020, R-INSEAM-021, R-INSEAM-023
#[tokio::test]
async fn prompts_come_in_any_number_and_notices_stay_beside_them() {
    let world = World::new().await;
    let registry = world.open(Odd::new("notices")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (no, first) = step(&session).await;
    let first = if no == 0 { step(&session).await.1 } else { first };
    let SetupStep::Prompt { prompt, fields, open: None, .. } = &first else { panic!("{first:?}") };
    assert_eq!((prompt.title.as_str(), &*fields[0].name, fields.len()), ("Odd", "a", 1));
    assert_eq!(beside(&first), ["first", "beside"]);
    assert_eq!(session.current_step().unwrap().0, 1);
    session.advance(1, &answers(&[("a", "x")])).await.unwrap();
    let second = loop {
        let (_, step) = step(&session).await;
        if matches!(step, SetupStep::Prompt { .. }) {
            break step;
        }
    };
    assert_eq!(beside(&second), ["first", "second"], "what was shown stays, what a wait showed does not");
    session.advance(2, &answers(&[("b", "x")])).await.unwrap();
    assert!(matches!(step(&session).await, (3, SetupStep::Done { .. })));
    assert!(session.next_step().await.unwrap().is_none(), "exactly one end");
    assert!(matches!(session.current_step(), Some((3, SetupStep::Done { .. }))), "which stays to be seen");
}

#[tokio::test]
async fn the_stream_of_steps_ends_with_the_session() {
    let world = World::new().await;
    let registry = world.open(Odd::new("ask twice")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let mut steps = pin!(session.steps());
    let mut seen = Vec::new();
    while let Some(item) = poll_fn(|cx| steps.as_mut().poll_next(cx)).await {
        let (no, step) = item.unwrap();
        if let SetupStep::Prompt { fields, .. } = &step {
            session.advance(no, &answers(&[(&*fields[0].name, "x")])).await.unwrap();
        }
        seen.push(no);
    }
    assert_eq!(seen, [1, 2, 3]);
    assert!(matches!(step(&session).await, (3, _)), "the handle has a place of its own");
}

/// R-INSEAM-024
#[tokio::test]
async fn a_redirect_resumes_itself_and_cannot_be_answered() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = world.builder().kind(odd.clone()).inbound(std::sync::Arc::new(Inbound::new())).open().await.unwrap();
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (no, redirect) = step(&session).await;
    assert!(matches!(redirect, SetupStep::Redirect { .. }));
    assert!(matches!(session.advance(no, &[]).await, Err(AdvanceError::NoPrompt)));
    assert!(matches!(session.current_step(), Some((1, SetupStep::Redirect { .. }))), "it still waits");
    registry.setups().deliver(returned(&state(&redirect))).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(odd.seen(), ["code"], "the plugin saw what came, without the state");
}

/// R-INSEAM-025, R-INSEAM-026
#[tokio::test]
async fn terminal_resolves_when_the_row_is_stored_and_tells_a_failure_as_data() {
    let world = World::new().await;
    let registry = world.acme().await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    let wait = session.clone();
    let (outcome, advanced) = tokio::join!(async { (wait.terminal().await, labels(&registry).await) }, async {
        session.advance(no, &answers(&[("accessToken", "key-1")])).await
    });
    advanced.unwrap();
    let (Ok(Outcome::Done(done)), listed) = outcome else { panic!("{outcome:?}") };
    assert_eq!(listed, [done.label.as_str()], "a list right after it sees the row");

    world.provider(|_| Reply::whole(401, "", ""));
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "bad")])).await.unwrap();
    let Outcome::Failed(failure) = session.terminal().await.unwrap() else { panic!("it worked") };
    assert_eq!(failure.code, "unauthorized");
    assert!(!failure.message.as_str().is_empty());
    assert_eq!(labels(&registry).await.len(), 1, "a failed setup leaves no row");
}

/// R-INSEAM-027, R-INSEAM-028
#[tokio::test]
async fn an_answer_never_reaches_another_step() {
    let world = World::new().await;
    let registry = world.open(Odd::new("ask twice")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    step(&session).await;
    let a = answers(&[("a", "x")]);
    for wrong in [0, 2, u64::MAX] {
        assert!(matches!(session.advance(wrong, &a).await, Err(AdvanceError::WrongStep { current: 1 })));
    }
    session.advance(1, &a).await.unwrap();
    let refused = session.advance(1, &a).await.unwrap_err();
    assert!(matches!(refused, AdvanceError::WrongStep { current: 2 } | AdvanceError::NoPrompt), "{refused:?}");
    assert!(matches!(step(&session).await, (2, SetupStep::Prompt { .. })));
    assert!(matches!(session.advance(1, &a).await, Err(AdvanceError::WrongStep { current: 2 })));
    session.advance(2, &answers(&[("b", "x")])).await.unwrap();
    session.terminal().await.unwrap();
    for no in [2, 3] {
        assert!(matches!(session.advance(no, &a).await, Err(AdvanceError::Ended)), "after the end");
    }
    assert_eq!(labels(&registry).await.len(), 1, "no second row");
}

#[tokio::test]
async fn two_concurrent_answers_have_one_winner() {
    let world = World::new().await;
    let registry = world.acme().await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    let one = answers(&[("accessToken", "key-1")]);
    let two = answers(&[("accessToken", "key-2")]);
    let (one, two) = tokio::join!(session.advance(no, &one), session.advance(no, &two));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(requests_to(&world, "GET /me"), 2, "one probe in setup, one of the candidate");
}

/// R-INSEAM-030
#[tokio::test]
async fn two_setups_of_one_kind_do_not_meet() {
    let world = World::new().await;
    world.provider(|request| if request.contains("Bearer bad") { Reply::whole(401, "", "") } else { me("1", "ada") });
    let registry = world.acme().await;
    let a = registry.setups().begin(&KIND).await.unwrap();
    let b = registry.setups().begin(&KIND).await.unwrap();
    assert_ne!(a.id(), b.id());
    assert_eq!(registry.setups().list().await.unwrap().len(), 2);
    step(&a).await;
    step(&b).await;
    b.advance(1, &answers(&[("accessToken", "bad")])).await.unwrap();
    assert_eq!(code(&b.terminal().await.unwrap()), "unauthorized");
    assert!(matches!(a.current_step(), Some((1, SetupStep::Prompt { .. }))));
    a.advance(1, &answers(&[("accessToken", "key-1")])).await.unwrap();
    assert_eq!(code(&a.terminal().await.unwrap()), "done Live");
}

/// R-INSEAM-030
#[tokio::test]
async fn two_setups_of_one_kind_make_two_rows() {
    let world = World::new().await;
    let registry = world.acme().await;
    for id in ["1", "2"] {
        world.provider(move |_| me(id, id));
        crate::test_host::connected(&registry, id).await;
    }
    assert_eq!(labels(&registry).await, ["1", "2"]);
}

/// R-INSEAM-031
#[tokio::test]
async fn a_kind_that_is_not_registered_cannot_be_begun_nor_resumed() {
    let world = World::new().await;
    let registry = world.acme().await;
    let unknown = Kind::from_static("nobody");
    let error = registry.setups().begin(&unknown).await.unwrap_err();
    assert!(matches!(&error, Error::UnknownKind(kind) if *kind == unknown));
    assert!(error.to_string().contains("nobody"));
    let session = registry.setups().begin(&KIND).await.unwrap();
    step(&session).await;
    assert!(registry.kinds().unregister(&KIND));
    assert!(matches!(registry.setups().resume(session.id()).await, Err(Error::UnknownKind(_))));
    registry.kinds().register(Acme::default()).unwrap();
    registry.setups().resume(session.id()).await.unwrap();
    session.advance(1, &answers(&[("accessToken", "key-1")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live", "nothing was lost");
}

#[tokio::test]
async fn a_session_belongs_to_its_owner() {
    let world = World::new().await;
    let registry = world.acme().await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    let other = registry.owner("u42").unwrap();
    assert!(matches!(other.setups().resume(session.id()).await, Err(Error::SessionNotFound(_))));
    assert!(other.setups().list().await.unwrap().is_empty());
    let theirs = other.setups().begin(&KIND).await.unwrap();
    step(&theirs).await;
    theirs.advance(1, &answers(&[("accessToken", "key-1")])).await.unwrap();
    theirs.terminal().await.unwrap();
    assert_eq!((labels(&registry).await.len(), labels(&other).await.len()), (0, 1));
}

/// R-INSEAM-011, R-INSEAM-034
#[tokio::test]
async fn a_kind_that_needs_callbacks_is_listed_on_a_host_without_and_each_no_is_told() {
    let world = World::new().await;
    let none: [(Option<Inbound>, &str); 2] =
        [(None, "cannot receive callbacks"), (Some(Inbound::none_left()), "no free callback address")];
    for (inbound, message) in none {
        let mut builder = world.builder().kind(race()).kind(Odd::new("redirect"));
        if let Some(inbound) = inbound {
            builder = builder.inbound(std::sync::Arc::new(inbound));
        }
        let registry = builder.open().await.unwrap();
        assert_eq!(registry.kinds().get(&RACE).unwrap().descriptor.needs.len(), 1);
        assert_eq!(registry.kinds().list().len(), 2);
        let Outcome::Failed(failure) = finish(&registry.setups().begin(&ODD).await.unwrap()).await.unwrap() else {
            panic!("it worked")
        };
        assert_eq!(failure.code, "no_callback");
        assert!(failure.message.as_str().contains(message), "{failure:?}");
        assert!(labels(&registry).await.is_empty());
    }
}

#[tokio::test]
async fn a_wait_for_ever_is_no_wait_for_nothing() {
    let world = World::new().await;
    let registry = world.open(Odd::new("sleep for ever")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (no, shown) = step(&session).await;
    assert!(no == 1 && matches!(shown, SetupStep::Notice { .. }), "{shown:?}");
    assert_eq!(registry.setups().list().await.unwrap()[0].stage, SetupStage::Waiting);
}
