//! After the close, work that was begun is finished, and every other call is refused as closed and never panics.

use connection_core::{Error, Filter};

use crate::{
    acme::{Acme, KIND},
    test_host::{World, answers, connected, step},
};

fn is_closed<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = result.unwrap_err();
    assert!(matches!(&error, Error::Closed), "{error:?}");
    assert_eq!((error.code(), error.to_string().as_str()), ("registry_closed", "the registry is closed"));
    assert!(error.remedy().unwrap().contains("open a new registry"));
}

/// R-INSEAM-045
#[tokio::test]
async fn every_call_after_the_end_is_refused_as_closed_and_health_is_no_error() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    let request = connection.request("GET", "/things").await.unwrap();
    assert!(registry.store().health().await, "the control");
    registry.close().await;
    registry.close().await;
    assert!(!registry.store().health().await);

    is_closed(registry.connection(connection.id()).await);
    is_closed(registry.connection_of(&KIND).await);
    is_closed(registry.list_connections(Filter::new()).await);
    is_closed(registry.list_connections(Filter::new().all_owners()).await);
    is_closed(registry.setups().list().await);
    is_closed(registry.setups().begin(&KIND).await);
    is_closed(registry.setups().resume(session.id()).await);
    is_closed(registry.remove(connection.id()).await);
    is_closed(connection.verify().await);
    is_closed(connection.send(request).await);
    is_closed(connection.with_access_token(async |_| ()).await);
    is_closed(connection.rename("other").await);
    is_closed(connection.make_default().await);
    is_closed(session.cancel().await);
    let (id, verified) = registry.preflight([connection.id()]).next().await.unwrap();
    assert_eq!(id, connection.id());
    is_closed(verified);
    assert!(registry.keys().status().await.is_err());
    let error = session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap_err();
    assert_eq!(error.code(), "registry_closed", "{error:?}");
}

/// R-INSEAM-045
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_waits_for_what_was_begun() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let renames: Vec<_> = (0..20)
        .map(|n| {
            let connection = connection.clone();
            tokio::runtime::Handle::current().spawn(async move { connection.rename(format!("name {n}")).await })
        })
        .collect();
    tokio::task::yield_now().await;
    registry.close().await;
    let mut kept = Vec::new();
    for (n, rename) in renames.into_iter().enumerate() {
        match rename.await.unwrap() {
            Ok(_) => kept.push(format!("name {n}")),
            Err(error) => is_closed(Err::<(), _>(error)),
        }
    }
    let again = world.open(Acme::default()).await.connection(connection.id()).await.unwrap();
    let label = again.info().label.as_str();
    assert!(kept.iter().any(|name| name == label) || (kept.is_empty() && label == "ada"), "{label}: {kept:?}");
}
