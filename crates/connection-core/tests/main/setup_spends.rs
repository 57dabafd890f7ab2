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
    test_host::{World, answers, code, on_postgres, step},
    test_server::Reply,
    user::{beside, finish, looked, requests_to, set_up},
};

/// An answer to an exchange, and how its end is told.
type Case = (fn() -> Reply, &'static str);

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
    let replies: [Case; 3] = [
        (|| Reply::whole(503, "", "down"), "api.acme.example answered 503 Service Unavailable"),
        (|| Reply::raw(""), "the answer of api.acme.example was lost"),
        (
            || Reply::raw("HTTP/1.1 200 Told\r\ncontent-length: 9\r\n\r\n"),
            "api.acme.example answered 200 OK, and the rest could not be read",
        ),
    ];
    for (reply, end) in replies {
        let world = World::new().await;
        world.provider(move |_| reply());
        let registry = world.open(spends()).await;
        let session = registry.setups().begin(&SPENDS).await.unwrap();
        let ended = finish(&session).await.unwrap();
        let Outcome::Failed(failure) = &ended else { panic!("{ended:?}") };
        assert_eq!(failure.message.as_str(), format!("a token or code may have been used: {end}"));
        assert_eq!(code(&ended), "refresh_outcome_unknown");
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
    let passed_over = if on_postgres() {
        "CREATE FUNCTION trip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; \
         CREATE TRIGGER trip BEFORE INSERT ON connection_setup_effect FOR EACH ROW WHEN (NEW.seq = 1) \
         EXECUTE FUNCTION trip()"
    } else {
        "CREATE TRIGGER trip BEFORE INSERT ON connection_setup_effect WHEN NEW.seq = 1 BEGIN SELECT RAISE(IGNORE); END"
    };
    sql::script(&world.database(), passed_over).await;
    let session = registry.setups().begin(&SPENDS).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("a", "x")])).await.unwrap();
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
                session.advance(no, &answers(&[("a", "x")])).await.unwrap();
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
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("a", "x")])).await.unwrap();
    world.server.until_asked(1).await;
    session.cancel().await.unwrap();
    assert_eq!(exchanges(&world).await, Some(0));
    world.clock.advance(Duration::from_secs(3600));
    registry.close().await;
    assert_eq!(exchanges(&world).await, Some(0), "what came late is written nowhere");
}

/// The kind `spends`, in a version that reads an answer only behind its prefix.
fn reads(skips: bool) -> Scripted<AtomicUsize> {
    let descriptor = Descriptor::new(SPENDS, "Spends", AuthType::Custom).origin(API).field(Field::text("a", "A"));
    Scripted::with(AtomicUsize::new(0), descriptor).setup(move |_, ctx| {
        Box::pin(async move {
            ctx.prompt(Prompt::new("Spend").field("a")).await;
            let request = HttpRequest::post(ctx.base_url(API)?, "/token").form("code", CODE);
            let answer = classify(ctx.send_once(Spend::new("code", &Secret::from(CODE)), request).await)?;
            let body = answer.body().expose();
            let value = Value::parse(if skips { body.get(1..).unwrap_or_default() } else { body })?;
            Ok(live(Secret::from(value.str_at("token")?), Identity::new("1", "ada")))
        })
    })
}

#[tokio::test]
async fn a_code_whose_answer_cannot_be_read_waits_with_its_answer_and_is_not_sent_again() {
    let world = World::new().await;
    world.provider(|_| Reply::ok(r#"!{"token":"t"}"#));
    let registry = world.open(reads(false)).await;
    let session = registry.setups().begin(&SPENDS).await.unwrap();
    let id = session.id();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("a", "1")])).await.unwrap();
    let (_, rests) = step(&session).await;
    let said = beside(&rests).join(" ");
    let why =
        "the answer could not be read: api.acme.example answered 200 with text that is not JSON; it is kept until";
    assert!(said.contains(why), "{said}");
    drop(session);
    // Neither resuming nor weeks change that, and nothing is sent.
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(14 * 86_400));
        let (_, rests) = step(&registry.setups().resume(id).await.unwrap()).await;
        assert!(beside(&rests).join(" ").contains("could not be read"), "{rests:?}");
    }
    registry.close().await;
    let newer = world.open(reads(true)).await;
    let session = newer.setups().resume(id).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!((requests_to(&world, "POST /token"), exchanges(&world).await), (1, Some(0)));
}

#[tokio::test]
async fn a_page_in_answer_to_a_code_ends_the_setup() {
    let world = World::new().await;
    world.provider(|_| Reply::ok("<!doctype html><html>maintenance</html>"));
    let registry = world.open(reads(false)).await;
    assert_eq!(code(&set_up(&registry, &SPENDS).await), "not_json");
    assert_eq!(requests_to(&world, "POST /token"), 1);
}

/// The kind `spends`, which looks up the account with its token.
fn looks_up() -> Scripted<AtomicUsize> {
    let descriptor = Descriptor::new(SPENDS, "Spends", AuthType::Custom).origin(API).field(Field::text("a", "A"));
    Scripted::with(AtomicUsize::new(0), descriptor).setup(move |_, ctx| {
        Box::pin(async move {
            ctx.prompt(Prompt::new("Spend").field("a")).await;
            let base = ctx.base_url(API)?;
            let request = HttpRequest::post(base, "/token").form("code", CODE);
            let answer = classify(ctx.send_once(Spend::new("code", &Secret::from(CODE)), request).await)?;
            let token = answer.body().duplicate();
            classify(ctx.send(HttpRequest::get(base, "/me").bearer(&token)).await)?;
            Ok(live(token, Identity::new("1", "ada")))
        })
    })
}

/// A sign-in in front of the API, or a page about maintenance at another address.
#[tokio::test]
async fn a_redirect_elsewhere_after_a_code_was_spent_keeps_the_tokens() {
    for (status, words) in [(302, "302 Found"), (307, "307 Temporary Redirect")] {
        let world = World::new().await;
        world.provider(move |request| match request.starts_with("POST /token ") {
            true => Reply::ok("token"),
            false => Reply::redirect(status, "https://wall.example/login"),
        });
        let registry = world.open(looks_up()).await;
        let session = registry.setups().begin(&SPENDS).await.unwrap();
        let id = session.id();
        let (no, _) = step(&session).await;
        session.advance(no, &answers(&[("a", "x")])).await.unwrap();
        let (_, rests) = step(&session).await;
        let said = beside(&rests).join(" ");
        let why = format!("api.acme.example answered {words}, which leads to another address");
        assert!(said.contains(&why) && said.contains("your answers are saved"), "{rests:?}");
        drop((session, registry));
        world.provider(|_| Reply::ok("{}"));
        let registry = world.open(looks_up()).await;
        let session = registry.setups().resume(id).await.unwrap();
        assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
        assert_eq!((requests_to(&world, "POST /token"), requests_to(&world, "GET /me")), (1, 2));
    }
}
