//! A provider that repeats a secret of the credential as the account's id or name, or as a scope: the secret is neither
//! stored nor shown.

use connection_contract::{Identity, Liveness, Secret, encode};
use connection_core::{Error, Import, Outcome};

use crate::{
    acme::{Acme, KIND},
    import::import,
    sql,
    test_host::{World, code, connect, connected, me},
    test_server::Reply,
    user::labels,
};

const KEY: &str = "k-1secret";

async fn is_stored(world: &World) -> bool {
    let stored = sql::everything(&world.database()).await;
    stored.windows(KEY.len()).any(|part| part == KEY.as_bytes())
}

#[tokio::test]
async fn an_account_whose_id_is_a_secret_is_not_connected() {
    let world = World::new().await;
    let registry = world.acme().await;
    for id in [KEY.to_owned(), format!("user {KEY}"), encode::base64(KEY.as_bytes())] {
        let answered = id.clone();
        world.provider(move |_| me(&answered, "ada"));
        let outcome = connect(&registry, &KIND, &[("accessToken", KEY)]).await;
        assert_eq!(code(&outcome), "verify_failed", "{id}");
        let Outcome::Failed(failure) = outcome else { panic!("{id}") };
        let message = failure.message.as_str();
        assert!(message.starts_with("api.acme.example answered 200 OK: a secret of the credential"), "{message}");
        assert!(!message.contains(&id));
    }
    assert!(labels(&registry).await.is_empty());
    assert!(!is_stored(&world).await);
}

#[tokio::test]
async fn an_account_whose_name_is_a_secret_is_shown_by_its_id() {
    let world = World::new().await;
    let registry = world.acme().await;
    world.provider(|_| me("7", &format!("ada {KEY}")));
    let connection = connected(&registry, KEY).await;
    let info = connection.info();
    assert_eq!((info.identity.account_id.as_str(), info.identity.label.as_str()), ("7", "7"));
    assert_eq!(labels(&registry).await, ["7"]);
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    assert!(!is_stored(&world).await);
}

#[tokio::test]
async fn a_verification_that_finds_a_secret_as_the_id_or_a_scope_stores_neither() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, KEY).await;
    let body = r#"{"id":"1","name":"ada"}"#;
    world.provider(move |_| Reply::whole(200, &format!("x-scopes: things:read,{KEY}\r\n"), body));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    let read = registry.connection(connection.id()).await.unwrap();
    assert_eq!(read.info().scopes, Some(vec!["things:read".to_owned()]));
    world.provider(|_| me(KEY, "ada"));
    let found = connection.verify().await.unwrap();
    assert_eq!((found.liveness, &*found.reason.unwrap().code), (Liveness::Offline, "not_json"));
    assert!(!is_stored(&world).await);
    world.provider(|_| me("1", "ada"));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live, "it is asked again");
}

#[tokio::test]
async fn an_import_whose_account_is_a_secret_is_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    let item = |id: &str, name: &str| {
        Import::new(KIND, Secret::from(KEY), Identity::new(id.to_owned(), name.to_owned()))
            .config("apiBaseUrl", crate::acme::API)
    };
    let results = import(&registry, vec![item(KEY, "ada"), item("7", KEY)]).await;
    assert!(matches!(results[0], Err(Error::InvalidImport(_))), "{:?}", results[0]);
    assert_eq!(results[1].as_ref().unwrap().label.as_str(), "7");
    assert!(!is_stored(&world).await);
}

#[tokio::test]
async fn a_secret_of_less_than_eight_bytes_and_a_public_value_are_no_secret_of_an_account() {
    let world = World::new().await;
    let registry = world.open(Acme::default()).await;
    world.provider(|_| me("key-1", "key-1"));
    assert_eq!(connected(&registry, "key-1").await.info().identity.account_id.as_str(), "key-1");
    let public = world.server.origin();
    let item = Import::new(KIND, Secret::from(public.as_str()), Identity::new(public.clone(), "ada".to_owned()));
    let results = import(&registry, vec![item.config("other", public.as_str())]).await;
    assert!(results[0].is_ok(), "{:?}", results[0]);
}
