//! A session that expires ends for every caller that waits for it, without any other call.

use std::{sync::Arc, time::Duration};

use connection_core::{Clock as _, Outcome};

use crate::{
    inbound::Inbound,
    odd_plugin::{ODD, Odd},
    test_host::{World, code, step},
    user::looked,
};

#[tokio::test]
async fn a_wait_for_a_callback_reports_its_timeout() {
    let world = World::new().await;
    let registry = world.builder().kind(Odd::new("redirect")).inbound(Arc::new(Inbound::new())).open().await.unwrap();
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (_, shown) = step(&session).await;
    world.clock.advance(Duration::from_secs(14 * 60));
    // The control: before that, it continues to wait.
    let early = looked(&world, async {
        tokio::select! {
            outcome = session.terminal() => Some(outcome),
            () = world.clock.sleep(Duration::from_secs(10)) => None,
        }
    });
    assert!(early.await.is_none(), "{shown:?}");
    world.clock.advance(Duration::from_secs(60));
    let outcome = looked(&world, session.terminal()).await.unwrap();
    assert!(matches!(outcome, Outcome::Failed(_)));
    assert_eq!(code(&outcome), "setup_expired");
    registry.close().await;
}
