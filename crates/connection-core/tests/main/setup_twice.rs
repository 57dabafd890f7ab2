//! Two processes that reach the end of one session at once: one stores the connection, and both report it.

use connection_contract::prelude::*;
use connection_faults::scripted::{Scripted, live};
use tokio::sync::watch;

use crate::{
    test_host::{World, answers, code, step},
    user::labels,
};

const KIND: Kind = Kind::from_static("twice");

struct Held {
    inside: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

/// A plugin that holds its runs before their end.
fn held() -> Scripted<Held> {
    let held = Held { inside: watch::Sender::new(0), open: watch::Sender::new(false) };
    Scripted::with(held, Descriptor::new(KIND, "Twice", AuthType::Custom)).setup(|it, ctx| {
        Box::pin(async move {
            ctx.prompt(Prompt::new("Sure?")).await;
            it.inside.send_modify(|inside| *inside += 1);
            drop(it.open.subscribe().wait_for(|open| *open).await);
            Ok(live("key", Identity::new("1", "ada")))
        })
    })
}

#[tokio::test]
async fn two_processes_that_end_one_session_at_once_tell_the_same_end() {
    let world = World::new().await;
    let held = held();
    let here = world.open(held.clone()).await;
    let there = world.open(held.clone()).await;
    let session = here.setups().begin(&KIND).again().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[])).await.unwrap();
    drop(held.inside.subscribe().wait_for(|inside| *inside == 1).await);
    let twin = there.setups().resume(session.id()).await.unwrap();
    drop(held.inside.subscribe().wait_for(|inside| *inside == 2).await);
    held.open.send_replace(true);
    for session in [session, twin] {
        assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    }
    assert_eq!(labels(&here).await, ["ada"]);
}
