//! Calls that re-authorize, roll back, import, refresh or receive are dropped at every poll, as in `drops`.

use connection_contract::{Identity, Liveness, Secret, SigningKey};
use connection_core::{Filter, Import, Receipt};

use crate::{
    acme::KIND,
    drops::{Host, at_every_poll, reads},
    hooks::{self, Hooks},
    reauthorize::reauthorized,
    renewing::Renewing,
    sql,
    strict_issuer::Strict,
    test_host::{code, connected},
};

/// A dropped call does no harm, even if the re-authorization had begun. A waiting one can be cancelled.
#[tokio::test]
async fn a_caller_who_leaves_a_reauthorization_leaves_the_connection_as_it_was() {
    let host = Host::new().await;
    at_every_poll(
        &host,
        async |n| host.connection(n).await,
        async |connection| connection.reauthorize().await.map(|session| session.id()),
        async |connection, result| {
            let owner = host.registry.owner(connection.info().owner.as_str()).unwrap();
            let open = owner.setups().list().await.unwrap();
            assert!(open.len() == 1 || (open.is_empty() && result.is_none()), "{open:?} {result:?}");
            assert!(open.iter().all(|setup| setup.reauthorizes == Some(connection.id())));
            assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
            assert_eq!(code(&reauthorized(&connection, "key-other").await), "done Live");
        },
    )
    .await;
}

/// After the drop, the rollback continues.
#[tokio::test]
async fn a_caller_who_leaves_while_going_back_finds_one_of_the_two() {
    let host = Host::new().await;
    at_every_poll(
        &host,
        async |n| {
            let connection = host.connection(n).await;
            assert_eq!(code(&reauthorized(&connection, "key-other").await), "done Live");
            connection
        },
        async |connection| connection.rollback().await.map(drop),
        async |connection, result| {
            if let Some(result) = result {
                result.unwrap();
            }
            // Whichever credential is current, there is another one to return to, and it works.
            connection.rollback().await.unwrap();
            assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
        },
    )
    .await;
}

fn one() -> [Import; 1] {
    [Import::new(KIND, Secret::from("key-1"), Identity::new("1", "ada"))]
}

#[tokio::test]
async fn a_caller_who_leaves_an_import_finds_the_item_or_can_import_it() {
    let host = Host::new().await;
    at_every_poll(
        &host,
        async |n| host.owner(n),
        async |owner| owner.import_all(one()).start().next().await.map(|imported| imported.map(drop)),
        async |owner, result| {
            let again = owner.import_all(one()).start().next().await.unwrap();
            match (again, result) {
                (Ok(_), None) => {}
                (Err(error), _) => assert_eq!(error.code(), "account_connected"),
                (Ok(_), Some(first)) => panic!("it was imported twice: {first:?}"),
            }
            assert_eq!(owner.list_connections(Filter::new()).await.unwrap().items.len(), 1);
        },
    )
    .await;
}

#[tokio::test]
async fn a_caller_who_leaves_while_reading_events_or_rotating_keys_leaves_nothing_open() {
    let host = Host::new().await;
    let connection = connected(&host.registry, "key-1").await;
    let registry = &host.registry;
    reads(&host, &connection, async |_| registry.events().list(None).await.map(|page| page.items.len())).await;
    reads(&host, &connection, async |c| registry.events().history(c.id(), None).await.map(drop)).await;
    at_every_poll(
        &host,
        async |_| (),
        async |()| registry.keys().rotate().await.map(drop),
        async |(), result| {
            if let Some(result) = result {
                result.unwrap();
            }
            let rotation = registry.keys().rotate().await.unwrap();
            assert_eq!((rotation.remaining, rotation.unreadable), (0, 0));
            assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
        },
    )
    .await;
}

/// The provider is strict: a refresh token that is spent twice ends the authorization.
#[tokio::test]
async fn a_caller_who_leaves_a_renewal_spends_nothing_twice() {
    let host = Host::new().await;
    let plugin = Renewing::new();
    let provider = Strict::new();
    host.registry.kinds().register(plugin.clone()).unwrap();
    let answers = provider.clone();
    host.world.provider(move |request| answers.answer(request));
    let connection = plugin.connected(&host.registry).await;
    at_every_poll(
        &host,
        async |_| connection.clone(),
        async |connection| connection.refresh().await.map(drop),
        async |connection, result| {
            if let Some(result) = result {
                result.unwrap();
            }
            connection.refresh().await.unwrap();
            assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
            assert!(!provider.lock().is_revoked);
        },
    )
    .await;
}

/// The provider retries a delivery without an answer.
#[tokio::test]
async fn a_delivery_whose_caller_leaves_is_stored_once() {
    let host = Host::new().await;
    host.registry.kinds().register(Hooks::new(SigningKey::Generated)).unwrap();
    let connection = hooks::enabled(&host.registry, "ada").await;
    let token = hooks::token(&connection).await;
    let send = async |n: usize| {
        let body = n.to_string();
        let headers = hooks::signed(&connection, &body).await;
        hooks::send(&host.registry, &token, headers, &body).await
    };
    at_every_poll(
        &host,
        async |n| n,
        async |n| send(*n).await.map_err(|error| error.code().to_owned()),
        async |n, result: Option<Result<Receipt, String>>| {
            let again = send(n).await.unwrap();
            assert!(matches!(again, Receipt::Stored | Receipt::Duplicate), "{again:?}");
            assert!(result.is_none_or(|first| first.is_ok()) || matches!(again, Receipt::Stored));
            let stored = sql::number(&host.world.database(), "SELECT COUNT(*) FROM connection_webhook").await;
            assert_eq!(stored, Some(i64::try_from(n).unwrap() + 1));
        },
    )
    .await;
}
