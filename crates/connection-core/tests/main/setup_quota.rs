//! An owner has at most as many open setups as the host allows.

use std::time::Duration;

use connection_core::{Error, Limits};

use crate::{
    acme::{Acme, KIND},
    test_host::{World, step},
};

#[tokio::test]
async fn an_owner_with_too_many_open_setups_is_refused_another_one_until_one_ends() {
    let world = World::new().await;
    let registry = world.builder().kind(Acme::default()).limits(Limits::new().open_setups(3)).open().await.unwrap();
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(registry.setups().begin(&KIND).await.unwrap());
    }
    let refused = registry.setups().begin(&KIND).await.unwrap_err();
    assert!(matches!(refused, Error::TooManySetups { most: 3 }), "{refused:?}");
    assert_eq!(refused.code(), "too_many_setups");
    assert!(refused.remedy().unwrap().contains("cancel"), "{refused:?}");
    // Another owner has a separate limit.
    registry.owner("ada").unwrap().setups().begin(&KIND).await.unwrap();
    // A cancelled session no longer counts, nor do expired ones.
    open.pop().unwrap().cancel().await.unwrap();
    open.push(registry.setups().begin(&KIND).await.unwrap());
    registry.setups().begin(&KIND).await.unwrap_err();
    world.clock.advance(Duration::from_secs(25 * 60 * 60));
    for _ in 0..3 {
        step(&registry.setups().begin(&KIND).await.unwrap()).await;
    }
    registry.setups().begin(&KIND).await.unwrap_err();
    registry.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_begin_at_once_no_more_are_begun_than_allowed() {
    let world = World::new().await;
    let one = world.builder().kind(Acme::default()).limits(Limits::new().open_setups(5)).open().await.unwrap();
    let two = world.builder().kind(Acme::default()).limits(Limits::new().open_setups(5)).open().await.unwrap();
    let begun: Vec<_> = (0..20)
        .map(|n| if n % 2 == 0 { one.clone() } else { two.clone() })
        .map(|registry| tokio::runtime::Handle::current().spawn(async move { registry.setups().begin(&KIND).await }))
        .collect();
    let mut count = 0;
    for task in begun {
        match task.await.unwrap() {
            Ok(_) => count += 1,
            Err(error) => assert!(matches!(error, Error::TooManySetups { most: 5 }), "{error:?}"),
        }
    }
    assert_eq!(count, 5);
    one.close().await;
    two.close().await;
}
