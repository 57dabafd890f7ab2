//! A message whose delivery hangs delays no other message.

use std::time::Duration;

use crate::{
    outgoing_events::{Setting, recorded},
    test_server::Reply,
};

/// Answers no message about an account whose name begins with `slow`.
async fn hanging() -> Setting {
    let setting = Setting::new().await;
    setting.operator.answers(|request| {
        if request.contains(r#""label":"slow"#) { Reply::silence() } else { Reply::whole(204, "", "") }
    });
    setting
}

#[tokio::test]
async fn a_delivery_that_hangs_delays_only_itself() {
    let Setting { world: _world, fake, registry, operator, .. } = hanging().await;
    for number in 0..40 {
        let name = if number % 10 == 0 { "slow" } else { "quick" };
        fake.connected(&registry, &format!("{name}-{number}")).await;
    }
    // No time passes, so no delivery is given up.
    operator.until(40).await;
    recorded(&registry, |events| events.len() == 4).await;
    registry.close().await;
}

#[tokio::test]
async fn deliveries_that_hang_for_a_second_take_no_place_of_others() {
    let Setting { world, fake, registry, operator, .. } = hanging().await;
    for number in 0..32 {
        fake.connected(&registry, &format!("slow-{number}")).await;
    }
    // The control: at first, all places are taken.
    operator.until(16).await;
    recorded(&registry, |events| events.len() == 32).await;
    assert_eq!(operator.messages().len(), 16);
    world.clock.advance(Duration::from_secs(1));
    operator.until(32).await;
    // Messages that fall due in the same second have no order, so this one is added when all others were sent.
    fake.connected(&registry, "quick").await;
    recorded(&registry, |events| events.len() == 33).await;
    assert_eq!(operator.messages().len(), 32);
    world.clock.advance(Duration::from_secs(1));
    let messages = operator.until(33).await;
    assert_eq!(messages[32].data["label"], "quick");
    recorded(&registry, |events| events.len() == 32 && events.iter().all(|event| event.failure.is_none())).await;
    registry.close().await;
}
