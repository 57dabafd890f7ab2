//! A removal during a rollback whose provider rotated the previous credential: the rotated one is torn down, too.

use std::time::Duration;

use connection_contract::{NotLive, Reason, Secret, VerifyResult, reason};
use connection_core::{Connection, ConnectionRegistry, Error, Teardown};
use tokio::runtime::Handle;

use crate::{
    fake::{Deed, Fake, set},
    remove::{both_gone, replaced},
    test_host::World,
};

/// Two processes with a connection that was authorized twice: with `blob`, then with `second`. When the first one
/// is verified, the provider rotates it to `fresh` and cannot say whether that works.
struct Two {
    world: World,
    ours: Fake,
    theirs: Fake,
    first: ConnectionRegistry,
    twin: Connection,
}

impl Two {
    async fn new() -> Self {
        Self::of(Fake::new(), Fake::new()).await
    }

    async fn of(ours: Fake, theirs: Fake) -> Self {
        let world = World::new().await;
        let first = world.open(ours.clone()).await;
        let second = world.open(theirs.clone()).await;
        let connection = ours.connected(&first, "ada").await;
        replaced(&ours, &connection, "second").await;
        let twin = second.connection(connection.id()).await.unwrap();
        theirs.finds(|credential| match credential {
            b"blob" => {
                let offline: VerifyResult<Secret> =
                    NotLive::offline(Reason::new(reason::CONNECT, "no way there")).into();
                offline.rotated(Secret::from("fresh"))
            }
            _ => VerifyResult::live(),
        });
        Self { world, ours, theirs, first, twin }
    }
}

#[tokio::test]
async fn a_previous_credential_that_is_rotated_during_its_teardown_is_torn_down_too() {
    let Two { world, ours, theirs: _, first, twin } = Two::new().await;
    set(&ours.teardown, Deed::Hangs);
    let id = twin.id();
    let removal = Handle::current().spawn(async move { first.remove(id).await.unwrap() });
    ours.until_began(1).await;
    ours.gate.close();
    set(&ours.teardown, Deed::Well);
    world.clock.advance(Duration::from_secs(30));
    // The teardown of the current credential has timed out, and the previous credential is being torn down.
    ours.gate.until_inside(1).await;
    assert_eq!(twin.rollback().await.unwrap_err().code(), "rollback_refused");
    ours.gate.open();
    let removal = removal.await.unwrap();
    assert_eq!((removal.teardown, removal.previous), (Teardown::Failed, Some(Teardown::Revoked)));
    let given_back = [b"second".to_vec(), b"blob".to_vec(), b"fresh".to_vec()];
    assert_eq!(*ours.given_back.lock().unwrap(), given_back, "each once");
    both_gone(&world, "failed:plugin_timeout", "revoked", "fake").await;
}

#[tokio::test]
async fn a_credential_rotated_after_a_removal_is_revoked_by_the_rollback() {
    let Two { world, ours, theirs, first, twin } = Two::new().await;
    theirs.gate.close();
    let id = twin.id();
    let rollback = Handle::current().spawn(async move { twin.rollback().await });
    theirs.gate.until_inside(1).await;
    let removal = first.remove(id).await.unwrap();
    assert_eq!((removal.teardown, removal.previous), (Teardown::Revoked, Some(Teardown::Revoked)));
    theirs.gate.open();
    assert!(matches!(rollback.await.unwrap(), Err(Error::NotFound(_))));
    assert_eq!(*ours.given_back.lock().unwrap(), [b"second".to_vec(), b"blob".to_vec()]);
    assert_eq!(*theirs.given_back.lock().unwrap(), [b"fresh".to_vec()]);
    both_gone(&world, "revoked", "revoked", "fake").await;
}

/// The grant of the fresh credential is not known, so any other connection of the owner may need it.
#[tokio::test]
async fn a_credential_rotated_after_a_removal_keeps_a_grant_that_another_connection_may_need() {
    for has_another in [true, false] {
        let Two { world: _world, ours, theirs, first, twin } =
            Two::of(Fake::new().ends_grant(), Fake::new().ends_grant()).await;
        if has_another {
            ours.connected(&first, "bob").await;
        }
        theirs.gate.close();
        let id = twin.id();
        let rollback = Handle::current().spawn(async move { twin.rollback().await });
        theirs.gate.until_inside(1).await;
        let removal = first.remove(id).await.unwrap();
        theirs.gate.open();
        assert!(matches!(rollback.await.unwrap(), Err(Error::NotFound(_))));
        let (ended, given_back) = match has_another {
            true => (Teardown::NotRevoked, Vec::new()),
            false => (Teardown::Revoked, vec![b"fresh".to_vec()]),
        };
        assert_eq!((removal.teardown, removal.previous), (ended, Some(ended)));
        assert_eq!(*theirs.given_back.lock().unwrap(), given_back);
    }
}
