//! Setups that use up a code: exactly once, whatever is lost on the way.

use std::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

use connection_contract::prelude::*;
use connection_core::{ConnectionRegistry, Outcome};
use connection_faults::scripted::{Scripted, live};

use crate::{
    acme::API,
    setup_writes::{break_writes, is_store, mend},
    sql,
    test_host::{World, code},
    test_server::Reply,
    user::{finish, looked, requests_to, set_up},
};

const SPENDS: Kind = Kind::from_static("spends");
const CODE: &str = "code-that-works-once";

/// The kind `spends`: asks, then spends a code until the provider answers with a token.
fn spends() -> Scripted<AtomicUsize> {
    spends_again(0)
}

/// The same kind, which may try again this many times after an answer other than 200.
fn spends_again(polls: usize) -> Scripted<AtomicUsize> {
    let descriptor = Descriptor::new(SPENDS, "Spends", AuthType::Custom).origin(API).field(Field::text("a", "A"));
    Scripted::with(AtomicUsize::new(0), descriptor).setup(move |runs, ctx| {
        Box::pin(async move {
            let run = runs.fetch_add(1, SeqCst);
            ctx.prompt(Prompt::new("Spend").field("a")).await;
            let base = ctx.base_url(API)?;
            let code = Secret::from(CODE);
            let mut left = polls;
            let token = loop {
                // Different in every run, as a signature may be.
                let body = format!("{run} {CODE}");
                let request = HttpRequest::post(base, "/token").form("assertion", body.as_str());
                match ctx.send_once(Spend::new("code", &code), request).await {
                    Ok(answer) if answer.status() != 200 && left > 0 => left -= 1,
                    answer => break classify(answer)?.body().duplicate(),
                }
            };
            Ok(live(token, Identity::new("1", "ada")))
        })
    })
}

async fn exchanges(world: &World) -> Option<i64> {
    sql::number(&world.database(), "SELECT COUNT(*) FROM connection_exchange").await
}

#[tokio::test]
async fn a_code_is_spent_once_and_nothing_of_it_is_left() {
    let world = World::new().await;
    world.provider(|_| Reply::ok("token"));
    let registry = world.open(spends()).await;
    assert_eq!(code(&set_up(&registry, &SPENDS).await), "done Live");
    assert_eq!((requests_to(&world, "POST /token"), exchanges(&world).await), (1, Some(0)));
}

/// Continues in another process when one cannot, until the setup ends.
async fn in_turn(world: &World, of: &str) -> Outcome {
    let first = world.open(spends()).await;
    break_writes(world, of).await;
    let session = first.setups().begin(&SPENDS).await.unwrap();
    let error = finish(&session).await.expect_err(of);
    assert!(is_store(&error), "{of}: {error:?}");
    let id = session.id();
    drop((session, first));
    mend(world).await;
    let second: ConnectionRegistry = world.open(spends()).await;
    finish(&second.setups().resume(id).await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_code_is_spent_once_whichever_write_fails() {
    for (of, sent) in [
        ("INSERT ON connection_exchange", 1),
        ("UPDATE ON connection_exchange WHEN NEW.state = 'answered'", 1),
        ("INSERT ON connection_setup_effect WHEN NEW.seq = 1", 1),
        ("DELETE ON connection_exchange", 1),
        ("UPDATE ON connection_setup WHEN NEW.state = 'done'", 1),
        ("INSERT ON connection_account", 1),
        ("INSERT ON connection_credential", 1),
    ] {
        let world = World::new().await;
        world.provider(|_| Reply::ok("token"));
        assert_eq!(code(&in_turn(&world, of).await), "done Live", "{of}");
        assert_eq!((requests_to(&world, "POST /token"), exchanges(&world).await), (sent, Some(0)), "{of}");
    }
}

#[tokio::test]
async fn a_code_whose_answer_is_lost_ends_the_setup_and_is_not_sent_again() {
    let replies: [fn() -> Reply; 3] = [
        || Reply::whole(503, "", "down"),
        || Reply::raw(""),
        || Reply::raw("HTTP/1.1 200 Told\r\ncontent-length: 9\r\n\r\n"),
    ];
    for reply in replies {
        let world = World::new().await;
        world.provider(move |_| reply());
        let registry = world.open(spends()).await;
        let session = registry.setups().begin(&SPENDS).await.unwrap();
        assert_eq!(code(&finish(&session).await.unwrap()), "refresh_outcome_unknown");
        let again = registry.setups().resume(session.id()).await.unwrap();
        assert_eq!(code(&again.terminal().await.unwrap()), "refresh_outcome_unknown");
        assert_eq!((requests_to(&world, "POST /token"), exchanges(&world).await), (1, Some(0)));
    }
}

#[tokio::test]
async fn a_code_that_was_sent_by_a_run_that_is_lost_is_not_sent_again() {
    let world = World::new().await;
    world.provider(|_| Reply::ok("token"));
    let registry = world.open(spends()).await;
    break_writes(&world, "UPDATE ON connection_exchange WHEN NEW.state = 'answered'").await;
    let session = registry.setups().begin(&SPENDS).await.unwrap();
    assert!(is_store(&finish(&session).await.unwrap_err()));
    let id = session.id();
    drop((session, registry));
    mend(&world).await;
    // As if the process had died before it knew the answer, and enough time had passed that no answer can arrive.
    std::fs::remove_dir_all(world.state()).unwrap();
    sql::run(&world.database(), "UPDATE connection_exchange SET sent_at = sent_at - 61").await;
    let registry = world.open(spends()).await;
    let session = registry.setups().resume(id).await.unwrap();
    assert_eq!(code(&finish(&session).await.unwrap()), "refresh_outcome_unknown");
    assert_eq!(requests_to(&world, "POST /token"), 1);
}

/// A process that lives and cannot write just now, and another one on another machine, which sees only the row.
#[tokio::test]
async fn a_living_process_is_waited_for() {
    let world = World::new().await;
    world.provider(|_| Reply::ok("token"));
    let first = world.open(spends()).await;
    break_writes(&world, "UPDATE ON connection_exchange WHEN NEW.state = 'answered'").await;
    let session = first.setups().begin(&SPENDS).await.unwrap();
    assert!(is_store(&finish(&session).await.unwrap_err()));
    let builder = world.builder().state_directory(world.directory.path().join("elsewhere"));
    let second = builder.kind(spends()).open().await.unwrap();
    let resumed = second.setups().resume(session.id()).await.unwrap();
    let waiting = finish(&resumed);
    let mended = async {
        let leased = "SELECT COUNT(*) FROM connection_setup WHERE lease_owner IS NOT NULL";
        while sql::number(&world.database(), leased).await != Some(1) {}
        mend(&world).await;
        std::future::pending::<()>().await;
    };
    let both = async {
        tokio::select! { ended = waiting => ended, () = mended => unreachable!() }
    };
    let ended = tokio::time::timeout(Duration::from_secs(60), looked(&world, both)).await;
    assert_eq!(code(&ended.expect("it waits for ever").unwrap()), "done Live");
    assert_eq!((requests_to(&world, "POST /token"), exchanges(&world).await), (1, Some(0)));
}

/// Another run was first: nothing replaced the answer, so it stays.
#[tokio::test]
async fn an_entry_that_is_not_written_takes_no_answer_away() {
    let world = World::new().await;
    world.provider(|_| Reply::ok("token"));
    let registry = world.open(spends()).await;
    let passed_over = if crate::test_host::on_postgres() {
        "CREATE FUNCTION trip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; \
         CREATE TRIGGER trip BEFORE INSERT ON connection_setup_effect FOR EACH ROW WHEN (NEW.seq = 1) \
         EXECUTE FUNCTION trip()"
    } else {
        "CREATE TRIGGER trip BEFORE INSERT ON connection_setup_effect WHEN NEW.seq = 1 BEGIN SELECT RAISE(IGNORE); END"
    };
    sql::script(&world.database(), passed_over).await;
    let session = registry.setups().begin(&SPENDS).await.unwrap();
    let (no, _) = crate::test_host::step(&session).await;
    session.advance(no, &crate::test_host::answers(&[("a", "x")])).await.unwrap();
    let runs = async {
        while sql::number(&world.database(), "SELECT COUNT(*) FROM connection_exchange WHERE state = 'answered'").await
            != Some(1)
        {}
        for _ in 0..20 {
            assert_eq!((requests_to(&world, "POST /token"), exchanges(&world).await), (1, Some(1)));
        }
    };
    tokio::time::timeout(Duration::from_secs(60), runs).await.expect("it comes to the answer");
    mend(&world).await;
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!((requests_to(&world, "POST /token"), exchanges(&world).await), (1, Some(0)));
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_asked_again_by_whoever_resumes() {
    let world = World::new().await;
    world.provider(|_| Reply::whole(429, "", "later"));
    let registry = world.open(spends()).await;
    let session = registry.setups().begin(&SPENDS).await.unwrap();
    let rests = async {
        let mut seen = session.next_step().await.unwrap();
        while !matches!(seen, Some((_, connection_core::SetupStep::Notice { .. }))) {
            if let Some((no, connection_core::SetupStep::Prompt { .. })) = seen {
                session.advance(no, &crate::test_host::answers(&[("a", "x")])).await.unwrap();
            }
            seen = session.next_step().await.unwrap();
        }
    };
    rests.await;
    assert_eq!((requests_to(&world, "POST /token"), exchanges(&world).await), (1, Some(0)));
    world.provider(|_| Reply::ok("token"));
    let again = registry.setups().resume(session.id()).await.unwrap();
    assert_eq!(code(&again.terminal().await.unwrap()), "done Live");
    assert_eq!(requests_to(&world, "POST /token"), 2);
}

#[tokio::test]
async fn what_is_asked_for_again_and_again_gets_each_answer_of_its_own() {
    let world = World::new().await;
    let mut polls = 0;
    world.provider(move |_| {
        polls += 1;
        if polls < 4 { Reply::whole(400, "", "pending") } else { Reply::ok("token") }
    });
    let registry = world.open(spends_again(5)).await;
    assert_eq!(code(&set_up(&registry, &SPENDS).await), "done Live");
    assert_eq!((requests_to(&world, "POST /token"), exchanges(&world).await), (4, Some(0)));
}

#[tokio::test]
async fn a_setup_that_is_cancelled_while_it_spends_leaves_nothing() {
    let world = World::new().await;
    world.provider(|_| Reply::silence());
    let registry = world.open(spends()).await;
    let session = registry.setups().begin(&SPENDS).await.unwrap();
    let (no, _) = crate::test_host::step(&session).await;
    session.advance(no, &crate::test_host::answers(&[("a", "x")])).await.unwrap();
    world.server.until_asked(1).await;
    session.cancel().await.unwrap();
    assert_eq!(exchanges(&world).await, Some(0));
    world.clock.advance(Duration::from_secs(3600));
    registry.close().await;
    assert_eq!(exchanges(&world).await, Some(0), "what came late is written nowhere");
}
