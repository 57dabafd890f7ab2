//! Kinds are registered and unregistered in memory. Connections of an unregistered kind stay, are listed, and can
//! be removed.

use connection_contract::{Kind, Liveness};
use connection_core::{Error, Filter, RegisterError, Teardown};

use crate::{
    acme::{Acme, KIND},
    fake::{FAKE, Fake, count},
    sql,
    test_host::{World, connected},
};

const ROW: &str = "SELECT l.liveness || ifnull(l.reason, '-') || l.checked_at || l.failures || l.generation || \
                   hex(c.sealed) || a.revision FROM connection_liveness AS l \
                   JOIN connection_credential AS c USING (connection_id) \
                   JOIN connection_account AS a ON a.id = l.connection_id";

/// R-INSEAM-019, R-INSEAM-057
#[tokio::test]
async fn a_row_whose_plugin_is_gone_is_listed_is_not_verified_and_can_be_removed() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let id = connection.id();
    registry.close().await;
    // Another start that registers nothing: the table of kinds is in no file.
    let registry = world.builder().open().await.unwrap();
    assert!(registry.kinds().list().is_empty());
    let page = registry.list_connections(Filter::new()).await.unwrap();
    let info = &page.items[0];
    assert_eq!((info.id, &info.kind, info.liveness, info.registered), (id, &KIND, Liveness::Live, false));
    assert_eq!((&info.provider, info.identity.label.as_str()), (&KIND, "ada"));
    let connection = registry.connection(id).await.unwrap();
    let before = sql::texts(&world.database(), ROW).await;
    let requests = world.server.requests().len();
    let error = connection.verify().await.unwrap_err();
    assert!(matches!(&error, Error::UnknownKind(kind) if *kind == KIND), "{error:?}");
    assert_eq!((error.code(), error.remedy().is_some()), ("unknown_kind", true));
    assert!(error.to_string().contains("'acme'"));
    let (_, result) = registry.preflight([id]).next().await.unwrap();
    assert!(matches!(result, Err(Error::UnknownKind(_))));
    assert!(matches!(connection.request("GET", "/").await, Err(Error::UnknownKind(_))));
    assert!(matches!(connection.with_access_token(async |_| ()).await, Err(Error::UnknownKind(_))));
    assert!(matches!(connection.files().await, Err(Error::UnknownKind(_))));
    assert_eq!(sql::texts(&world.database(), ROW).await, before);
    assert_eq!(registry.remove(id).await.unwrap().teardown, Teardown::NotRevoked);
    assert_eq!(world.server.requests().len(), requests);
    assert!(registry.list_connections(Filter::new()).await.unwrap().items.is_empty());
    let body = "SELECT body FROM connection_event WHERE kind = 'removed'";
    assert_eq!(
        sql::texts(&world.database(), body).await,
        [
            r#"{"account":{"id":"1","label":"ada"},"kind":"acme","label":"ada","reason":"unknown_kind","teardown":"not_revoked"}"#
        ]
    );
}

/// R-INSEAM-019
#[tokio::test]
async fn a_row_works_again_when_its_kind_is_registered_again() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    assert!(registry.kinds().unregister(&FAKE));
    assert!(!registry.kinds().unregister(&FAKE));
    assert!(matches!(connection.verify().await, Err(Error::UnknownKind(_))));
    registry.kinds().register(fake.clone()).unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    assert!(registry.connection(connection.id()).await.unwrap().info().registered);
}

/// R-INSEAM-018
#[tokio::test]
async fn a_kind_that_is_taken_is_refused_and_the_first_one_stays() {
    let world = World::new().await;
    let first = Fake::new();
    let second = Fake::new();
    let registry = world.open(first.clone()).await;
    let connection = first.connected(&registry, "ada").await;
    let refused = registry.kinds().register(second.clone()).unwrap_err();
    assert!(matches!(&refused, RegisterError::Taken { kind, .. } if *kind == FAKE));
    let said = "the kind 'fake' is already registered by 'Fake', and 'Fake' would register it again";
    assert_eq!((refused.code(), refused.to_string().as_str()), ("kind_taken", said));
    assert_eq!(registry.kinds().list().len(), 1);
    connection.verify().await.unwrap();
    assert_eq!((count(&first.verified), count(&second.verified)), (1, 0));
    registry.kinds().replace(second.clone()).unwrap();
    connection.verify().await.unwrap();
    assert_eq!((count(&first.verified), count(&second.verified)), (1, 1));
}

/// R-INSEAM-005, R-INSEAM-010: the list shows the declarations of each kind, sorted by name, with the same content for
/// every plugin.
#[tokio::test]
async fn kinds_are_listed_by_name_with_what_they_can_do() {
    let world = World::new().await;
    let zeta = Fake::of(Kind::from_static("zeta"));
    let alpha = Fake::of(Kind::from_static("alpha"));
    let registry = world.builder().kind(zeta).kind(Acme::default()).kind(alpha).open().await.unwrap();
    let kinds = registry.kinds().list();
    let names: Vec<_> = kinds.iter().map(|info| info.descriptor.kind.as_str()).collect();
    assert_eq!(names, ["acme", "alpha", "zeta"]);
    let can: Vec<_> = kinds.iter().map(|info| (info.capabilities.send, info.capabilities.secrets)).collect();
    assert_eq!(can, [(true, true), (false, false), (false, false)]);
    let acme = registry.kinds().get(&KIND).unwrap();
    assert_eq!((acme.descriptor.display_name.as_str(), acme.descriptor.fields.len()), ("Acme", 2));
    assert!(registry.kinds().get(&FAKE).is_none());
}

/// R-INSEAM-017
#[test]
fn a_kind_is_a_short_word_of_lower_case_letters_digits_and_hyphens() {
    let long = "a".repeat(64);
    for good in ["a", "github", "github-oauth", "s3", "a--b", &long] {
        assert!(Kind::parse(good).is_some(), "{good}");
    }
    for bad in ["", "1a", "-a", "A", "a_b", "a b", "ä", "a/b/c", "a\n", &format!("{long}a")] {
        assert!(Kind::parse(bad).is_none(), "{bad:?}");
    }
}
