//! A callback that arrives while a run is busy is kept, and given to the wait that it is for, never to another one.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use connection_contract::prelude::*;
use connection_core::{ConnectionRegistry, DeliverError, SetupSession};
use connection_faults::scripted::{Scripted, identity};
use tokio::sync::Notify;

use crate::{
    acme::API,
    inbound::Inbound,
    sql,
    test_host::{World, answers, code, me, step},
    user::{beside, looked},
};

/// The time limit for events that do not happen if something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);
const TWO: Kind = Kind::from_static("two");

fn came(callback: &CallbackRequest) -> String {
    callback.parameter("code").and_then(Secret::expose_str).unwrap_or("nothing").to_owned()
}

/// The kind `two`: has two addresses, sends a request to its provider, and then waits at the first address and at
/// the second. The account is made of what arrived at each.
fn two() -> Scripted {
    let descriptor = Descriptor::new(TWO, "Two", AuthType::OAuth).origin(API).needs(Need::InboundHttp);
    Scripted::new(descriptor).setup(|_, ctx| {
        Box::pin(async move {
            let one = ctx.callback().await?;
            let two = ctx.callback().await?;
            ctx.show(Notice::new(one.state().to_owned()));
            ctx.show(Notice::new(two.state().to_owned()));
            classify(ctx.send(HttpRequest::get(ctx.base_url(API)?, "/busy")).await)?;
            let mut account = Vec::new();
            for handle in [&one, &two] {
                let WaitOutcome::Callback(callback) = ctx.wait(Wait::new().callback(handle)).await else {
                    return Err(SetupFailure::new("two_lost", "it did not come"));
                };
                account.push(came(&callback));
            }
            Ok(SetupResult::new("key".into(), identity(account.join(" "))))
        })
    })
}

/// A busy run: the provider has its request, and answers when the sender is released.
async fn busy(world: &World) -> (ConnectionRegistry, SetupSession, Vec<String>, mpsc::Sender<()>) {
    let requested = Arc::new(Notify::new());
    let (open, gate) = mpsc::channel::<()>();
    let signal = requested.clone();
    world.provider(move |_| {
        signal.notify_one();
        tokio::task::block_in_place(|| gate.recv().unwrap());
        me("1", "ada")
    });
    let registry = world.builder().kind(two()).inbound(Arc::new(Inbound::new())).open().await.unwrap();
    let session = registry.setups().begin(&TWO).await.unwrap();
    requested.notified().await;
    let states = loop {
        let states = session.current_step().map(|(_, shown)| beside(&shown)).unwrap_or_default();
        if states.len() == 2 {
            break states;
        }
        tokio::task::yield_now().await;
    };
    (registry, session, states, open)
}

fn callback(state: &str, code: &str) -> Vec<(String, Secret)> {
    answers(&[("state", state), ("code", code)])
}

async fn kept(world: &World) -> Option<i64> {
    sql::number(&world.database(), "SELECT COUNT(*) FROM connection_setup_input").await
}

async fn account(registry: &ConnectionRegistry, session: &SetupSession) -> String {
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    let page = registry.list_connections(connection_core::Filter::new()).await.unwrap();
    page.items[0].identity.account_id.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_callback_that_is_kept_is_given_to_its_own_wait_and_to_no_other() {
    let world = World::new().await;
    let (registry, session, states, open) = busy(&world).await;
    // The callback for the second wait arrives while the run has not yet reached the first.
    registry.setups().deliver(callback(&states[1], "for-two")).await.unwrap();
    assert_eq!(kept(&world).await, Some(1));
    open.send(()).unwrap();
    let first = async { while step(&session).await.0 != 1 {} };
    tokio::time::timeout(PATIENCE, first).await.expect("the first wait took what was for the second");
    assert_eq!(kept(&world).await, Some(1), "it is kept still");
    let again = registry.setups().deliver(callback(&states[1], "forged")).await;
    assert!(matches!(again, Err(DeliverError::Gone)), "{again:?}");
    registry.setups().deliver(callback(&states[0], "for-one")).await.unwrap();
    assert_eq!(account(&registry, &session).await, "for-one for-two");
    assert_eq!(kept(&world).await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn of_two_that_are_kept_each_wait_takes_its_own_in_whichever_order_they_came() {
    for order in [[0, 1], [1, 0]] {
        let world = World::new().await;
        let (registry, session, states, open) = busy(&world).await;
        for which in order {
            registry.setups().deliver(callback(&states[which], ["for-one", "for-two"][which])).await.unwrap();
        }
        assert_eq!(kept(&world).await, Some(2));
        open.send(()).unwrap();
        assert_eq!(looked(&world, account(&registry, &session)).await, "for-one for-two", "{order:?}");
    }
}
