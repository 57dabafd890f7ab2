//! Tests that dropped subscriptions are removed.

use super::Subscriptions;
use crate::ids::{IdGenerator as _, UuidV7};

#[test]
fn streams_that_were_dropped_are_not_kept_though_nothing_changes() {
    let subscriptions = Subscriptions::default();
    let connection = UuidV7::new().next().into();
    let kept = subscriptions.subscribe(connection);
    for _ in 0..100 {
        drop(subscriptions.subscribe(connection));
    }
    assert!(subscriptions.lock().get(&connection).unwrap().len() <= 2);
    drop(kept);
}
