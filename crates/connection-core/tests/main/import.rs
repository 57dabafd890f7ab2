//! Importing connections from elsewhere: each is taken over completely or rejected with a reason, and none twice.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use connection_contract::{Identity, Kind, Liveness, Secret, Timestamp, host};
use connection_core::{ConnectionRegistry, Error, Filter, Import, Imported};
use connection_faults::rounds::rounds;
use futures_core::Stream;
use tokio::sync::mpsc::{self, Receiver};

use crate::{
    acme::{Acme, KIND},
    fake::{FAKE, Fake, count},
    sql,
    test_host::{START, World, connected, me},
};

pub(crate) fn item(kind: Kind, credential: &str, account: &str) -> Import {
    Import::new(kind, Secret::from(credential), Identity::new(account.to_owned(), format!("account {account}")))
}

pub(crate) async fn import(registry: &ConnectionRegistry, all: Vec<Import>) -> Vec<Result<Imported, Error>> {
    let mut results = Vec::new();
    let mut imports = registry.import_all(all).start();
    while let Some(result) = imports.next().await {
        results.push(result);
    }
    results
}

#[tokio::test]
async fn an_imported_connection_is_used_like_any_other() {
    let world = World::new().await;
    let registry = world.acme().await;
    let item = item(KIND, "key-1", "1").label(" work ").config("apiBaseUrl", crate::acme::API);
    let item = item.scopes(["read"]).valid_until(Timestamp::from_seconds(START + 60));
    let done = import(&registry, vec![item]).await.remove(0).unwrap();
    assert_eq!((done.label.as_str(), done.liveness), ("work", Liveness::Unknown));
    assert!(world.server.requests().is_empty(), "nothing is sent");
    let connection = registry.connection(done.connection).await.unwrap();
    let info = connection.info();
    assert_eq!((info.identity.account_id.as_str(), info.identity.label.as_str()), ("1", "account 1"));
    assert_eq!(
        (info.scopes.clone(), info.valid_until),
        (Some(vec!["read".into()]), Some(Timestamp::from_seconds(START + 60)))
    );
    assert_eq!(info.config, [("apiBaseUrl".to_owned(), crate::acme::API.to_owned())]);
    assert!(info.checked_at.is_none());
    connection.send(connection.request("GET", "/things").await.unwrap()).await.unwrap();
    assert!(world.server.requests()[0].contains("Bearer key-1"));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    let history = registry.events().history(done.connection, None).await.unwrap();
    let names: Vec<_> = history.page.items.iter().map(|event| event.name.as_str()).collect();
    assert_eq!((names, history.broken_at), (vec!["imported", "liveness_changed", "facts_changed"], None));
    // No secret is stored in plain text.
    let stored = sql::everything(&world.database()).await;
    assert!(!stored.windows(5).any(|part| part == b"key-1"));
}

#[tokio::test]
async fn one_bad_item_is_refused_by_its_reason_and_stops_no_other() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.builder().kind(Acme::default()).kind(fake.clone()).open().await.unwrap();
    connected(&registry, "key-1").await;
    let elsewhere = host::base_url("https://evil.example").unwrap();
    let all = vec![
        item(FAKE, "a", "a"),
        item(Kind::from_static("gone"), "key", "x"),
        item(KIND, "key", "1"),
        item(FAKE, "b", "b").label("account a"),
        item(KIND, "unreadable", "2"),
        item(KIND, "key", "3").base_url(elsewhere),
        item(KIND, "key", "4").config("accessToken", "key"),
        item(FAKE, "c", ""),
        item(FAKE, "d", &"d".repeat(500)),
        item(FAKE, "panics", "e"),
        item(FAKE, "f", "a"),
        Import::new(FAKE, Secret::from("g"), Identity::new("g", "account a")),
        item(FAKE, "z", "z"),
    ];
    let results = import(&registry, all).await;
    let outcomes: Vec<_> = results
        .iter()
        .map(|result| match result {
            Ok(imported) => imported.label.as_str().to_owned(),
            Err(error) => error.code().to_owned(),
        })
        .collect();
    let expected = [
        "account a",
        "unknown_kind",
        "account_connected",
        "label_taken",
        "credential_unreadable",
        "invalid_import",
        "invalid_import",
        "invalid_import",
        "invalid_import",
        "plugin_panicked",
        "account_connected",
        "account a-2",
        "account z",
    ];
    assert_eq!(outcomes, expected);
    let taken = results[2].as_ref().unwrap_err();
    assert_eq!(taken.to_string(), "this account is already connected as acme:ada");
    assert_eq!(registry.list_connections(Filter::new()).await.unwrap().items.len(), 4);
    // For another owner it is another connection, and with `again` it is connected once more.
    let theirs = registry.owner("u42").unwrap();
    assert!(import(&theirs, vec![item(KIND, "key", "1")]).await[0].is_ok());
    let mut again = registry.import_all([item(FAKE, "a", "a")]).again().start();
    assert_eq!(again.next().await.unwrap().unwrap().label.as_str(), "account a-3");
    assert!(again.next().await.is_none());
}

#[tokio::test]
async fn many_connections_are_imported_once_each() {
    let many = rounds(1000, 10_000);
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let all = || (0..many).map(|number| item(FAKE, "key", &number.to_string())).collect::<Vec<_>>();
    let results = import(&registry, all()).await;
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result.as_ref().unwrap().label.as_str(), format!("account {number}"), "in the order of the items");
    }
    // Each is parsed to check it, and once more for the page on which a person deletes it.
    assert_eq!((results.len(), count(&fake.parsed)), (many, 2 * many));
    let again = import(&registry, all()).await;
    assert!(again.len() == many && again.iter().all(|result| matches!(result, Err(Error::AccountConnected { .. }))));
    let rows = "SELECT count(*) FROM connection_account";
    assert_eq!(sql::number(&world.database(), rows).await, Some(many as i64));
}

/// An interrupted import is run again from its beginning.
#[tokio::test]
async fn an_import_that_is_cut_off_is_run_again() {
    let world = World::new().await;
    let fake = Fake::new();
    let all = || (0..500).map(|number| item(FAKE, "key", &number.to_string())).collect::<Vec<_>>();
    let registry = world.open(fake.clone()).await;
    let mut imports = registry.import_all(all()).start();
    imports.next().await.unwrap().unwrap();
    drop(imports);
    registry.close().await;
    let registry = world.open(fake).await;
    let results = import(&registry, all()).await;
    let (there, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert!(!refused.is_empty() && refused.iter().all(|one| matches!(one, Err(Error::AccountConnected { .. }))));
    assert_eq!(there.len() + refused.len(), 500);
    let rows = "SELECT count(*) FROM connection_account AS a JOIN connection_credential AS c ON c.connection_id = a.id \
                JOIN connection_liveness AS l ON l.connection_id = a.id";
    assert_eq!(sql::number(&world.database(), rows).await, Some(500));
}

#[tokio::test]
async fn an_e_mail_address_in_another_case_is_the_same_account_where_the_kind_says_so() {
    for (account_is_email, expected) in [(true, Some("account_connected")), (false, None)] {
        let world = World::new().await;
        let registry = world.open(Acme { account_is_email, ..Acme::default() }).await;
        let codes = async |addresses: &[&str]| -> Vec<_> {
            let results = import(&registry, addresses.iter().map(|address| item(KIND, "key", address)).collect()).await;
            results.iter().map(|result| result.as_ref().err().map(Error::code)).collect()
        };
        // The Kelvin sign is no `k`, because the address with it may be that of another mailbox.
        let addresses = [
            "Ada@acme.example",
            "ada@ACME.example",
            "J\u{d6}RG@acme.example",
            "j\u{f6}rg@acme.example",
            "mike@acme.example",
            "mi\u{212a}e@acme.example",
        ];
        assert_eq!(codes(&addresses[..]).await, [None, expected, None, expected, None, None]);
        let stored = ["ADA@acme.example", "J\u{f6}rg@acme.example", "mike@acme.example", "grace@acme.example"];
        assert_eq!(codes(&stored[..]).await, [expected, expected, Some("account_connected"), None]);
    }
}

#[tokio::test]
async fn an_import_verifies_on_request() {
    let world = World::new().await;
    let registry = world.acme().await;
    world.provider(|request| match request.contains("Bearer good") {
        true => me("1", "ada"),
        false => crate::test_server::Reply::whole(401, "", "{}"),
    });
    let all = vec![item(KIND, "good", "1"), item(KIND, "bad", "2")];
    let mut imports = registry.import_all(all).verify().start();
    assert_eq!(imports.next().await.unwrap().unwrap().liveness, Liveness::Live);
    let bad = imports.next().await.unwrap().unwrap();
    assert_eq!((bad.liveness, bad.reason.unwrap().code.as_ref()), (Liveness::Failing, "unauthorized"));
}

/// A stream of items that arrive one after another.
struct Arriving(Receiver<Import>);

impl Stream for Arriving {
    type Item = Import;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Import>> {
        self.0.poll_recv(cx)
    }
}

#[tokio::test]
async fn the_items_of_a_stream_are_imported_as_they_arrive() {
    let world = World::new().await;
    let registry = world.open(Fake::new()).await;
    let (sender, arriving) = mpsc::channel(1);
    let mut imports = registry.import(Arriving(arriving)).start();
    for name in ["a", "b"] {
        sender.send(item(FAKE, "key", name)).await.unwrap();
        assert_eq!(imports.next().await.unwrap().unwrap().label.as_str(), format!("account {name}"));
    }
    drop(sender);
    assert!(imports.next().await.is_none());
}
