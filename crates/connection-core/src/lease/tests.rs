//! A holder measures a lease by its monotonic clock, whatever the clock of its machine shows.
#![cfg(feature = "workspace-tests")]

use std::time::Duration;

use connection_contract::Timestamp;

use super::*;
use crate::{grant::standing::tests::Stage, store::RefreshLease};

async fn taken(stage: &Stage) -> Option<Lease<RefreshLease>> {
    Lease::take(stage.ground(), RefreshLease { id: stage.connection.id(), generation: 1 }).await.unwrap()
}

#[tokio::test]
async fn a_holder_believes_no_longer_than_the_database_that_it_has_a_lease() {
    let stage = Stage::new().await;
    let lease = taken(&stage).await.unwrap();
    // The clock of the database counts whole seconds.
    let whole = Duration::from_secs(RefreshLease::SECONDS.unsigned_abs() - 1);
    assert_eq!(lease.left(), whole);
    for hours in [-1, 1] {
        let now = stage.ground().clock.now().seconds();
        stage.clock.jump_to(Timestamp::from_seconds(now + hours * 3600));
        assert_eq!(lease.left(), whole, "{hours}");
    }
    stage.clock.advance(whole);
    assert_eq!(lease.left(), Duration::ZERO);
    // The database has not seen that time pass.
    assert!(taken(&stage).await.is_none());
    lease.release().await;
    let lease = taken(&stage).await.unwrap();
    assert_eq!((lease.fence(), lease.left()), (2, whole));
    // A holder that is dropped releases it, before the next write.
    drop(lease);
    assert_eq!(taken(&stage).await.unwrap().fence(), 3);
    stage.registry.close().await;
}

#[tokio::test]
async fn a_holder_that_was_paused_acts_again_when_it_has_extended_its_lease_and_never_when_it_has_lost_it() {
    let stage = Stage::new().await;
    let mut lease = taken(&stage).await.unwrap();
    let (term, ground) = (lease.term().clone(), stage.ground().clone());
    let row = RefreshLease { id: stage.connection.id(), generation: 1 };
    for is_lost in [false, true] {
        let paused = async {
            if is_lost {
                let owner = ground.process.clone();
                let released =
                    ground.store.write(move |tx| Box::pin(async move { tx.release_lease(&row, &owner).await }));
                released.await.unwrap();
            }
            // It sleeps before its next extension.
            tokio::task::yield_now().await;
            stage.clock.advance(Duration::from_secs(10));
            assert!(term.ends() <= ground.clock.passed());
            term.until_held(&*ground.clock, Duration::from_secs(3_600)).await;
            term.ends()
        };
        let ends = lease.extended(paused).await;
        let whole = Duration::from_secs(RefreshLease::SECONDS.unsigned_abs() - 1);
        assert_eq!(ends, if is_lost { Duration::ZERO } else { ground.clock.passed() + whole });
    }
    drop(lease);
    stage.registry.close().await;
}
