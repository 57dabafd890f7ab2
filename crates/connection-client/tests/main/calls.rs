//! Requests about connections, kinds and events.

use connection_client::{Chain, Client, ConnectionFilter, EventFilter, ListState, Liveness, SendRequest, Teardown};
use connection_core::Role;

use crate::host::{Host, KEY};

#[tokio::test]
async fn connections_are_listed_page_by_page_and_filtered() {
    let host = Host::new().await;
    let client = host.client(Role::Manage).await;
    for name in ["carol", "ada", "bob"] {
        host.connected(&client, name).await;
    }
    let mut labels = Vec::new();
    let mut filter = ConnectionFilter::new().limit(2);
    loop {
        let page = client.connections(&filter).await.unwrap();
        assert_eq!(page.counts.map(|counts| counts.all), labels.is_empty().then_some(3));
        labels.extend(page.items.into_iter().map(|listed| listed.connection.label));
        let Some(next) = page.next else { break };
        filter = filter.after(next);
    }
    assert_eq!(labels, ["ada", "bob", "carol"]);
    let found = async |filter: ConnectionFilter| client.connections(&filter).await.unwrap().items.len();
    assert_eq!(found(ConnectionFilter::new().kind("acme").search("bo")).await, 1);
    assert_eq!(found(ConnectionFilter::new().provider("login")).await, 0);
    assert_eq!(found(ConnectionFilter::new().state(ListState::Live)).await, 3);
    assert_eq!(found(ConnectionFilter::new().extension("issues")).await, 0);
}

#[tokio::test]
async fn a_connection_is_shown_verified_used_and_removed() {
    let host = Host::new().await;
    let client = host.client(Role::Manage).await;
    let id = host.connected(&client, "octocat").await;
    let shown = client.connection(&id).await.unwrap();
    assert_eq!((&*shown.listed.kind_title, &*shown.listed.connection.account.label), ("Acme & Sons", "octocat"));
    assert_eq!(shown.reach.unwrap(), ["https://api.acme.example"]);
    assert_eq!(client.verify(&id).await.unwrap().liveness, Liveness::Live);

    let request = SendRequest::new("POST", "/echo?x=1").header("X-Own", "header").body("text");
    let answer = client.send(&id, &request).await.unwrap();
    assert_eq!((answer.status, &*answer.bytes().unwrap()), (200, b"text".as_slice()));
    let seen = host.provider.requests().pop().unwrap();
    assert!(seen.starts_with("POST /echo?x=1 ") && seen.contains("x-own: header"), "{seen}");
    assert!(seen.contains(&format!("Bearer {KEY}")), "the credential is attached by the server");
    let answer = client.send(&id, &SendRequest::new("GET", "/binary").body([0xff, 0])).await.unwrap();
    assert_eq!(*answer.bytes().unwrap(), [0xff, 0]);
    let large = SendRequest::new("POST", "/echo").body(vec![b'x'; 8 << 20]);
    assert_eq!(client.send(&id, &large).await.unwrap_err().code(), "body_too_large");
    let answer = client.send(&id, &SendRequest::new("GET", "/missing")).await.unwrap();
    assert_eq!((answer.status, &*answer.bytes().unwrap()), (404, b"not here".as_slice()));
    assert!(answer.headers.iter().any(|header| (&*header.name, &*header.value) == ("x-name", "value")));

    let removal = client.removal(&id).await.unwrap();
    assert!(removal.extensions.is_empty() && !removal.webhooks);
    assert_eq!(client.remove(&id).await.unwrap().teardown, Teardown::NotRevoked);
    assert_eq!(client.connection(&id).await.unwrap_err().code(), "not_found");
}

#[tokio::test]
async fn a_kind_says_what_a_setup_asks_for() {
    let host = Host::new().await;
    let client = host.client(Role::Read).await;
    let kinds: Vec<_> = client.kinds().await.unwrap().into_iter().map(|kind| kind.summary.kind).collect();
    assert_eq!(kinds, ["acme", "login"]);
    let acme = client.kind("acme").await.unwrap().description;
    let region = acme.fields.iter().find(|field| field.name == "region").unwrap();
    assert_eq!((region.default.as_deref(), region.offer.as_deref()), (Some("eu"), Some("Another region?")));
    let login = client.kind("login").await.unwrap().description;
    assert_eq!(login.redirect_uri.unwrap(), format!("{}/callback/login", host.origin));
    assert_eq!(client.kind("issues/acme").await.unwrap_err().code(), "unknown_kind");
    assert!(client.profiles().await.unwrap().is_empty());
}

#[tokio::test]
async fn events_are_read_by_position_and_those_of_a_connection_are_checked() {
    let host = Host::new().await;
    let client = host.client(Role::Manage).await;
    let first = host.connected(&client, "ada").await;
    let second = host.connected(&client, "bob").await;
    client.remove(&first).await.unwrap();
    let mut filter = EventFilter::new().limit(1);
    let mut read = Vec::new();
    loop {
        let page = client.events(&filter).await.unwrap();
        read.extend(page.items.into_iter().map(|event| (event.connection, event.event)));
        let Some(next) = page.next else { break };
        filter = filter.after(next);
    }
    let event = |id: &String, name: &str| (id.clone(), name.to_owned());
    assert_eq!(read, [event(&first, "connected"), event(&second, "connected"), event(&first, "removed")]);
    let names = EventFilter::new().event("removed").event("renamed").newest_first();
    assert_eq!(client.events(&names).await.unwrap().items.len(), 1);
    assert_eq!(client.events(&EventFilter::new().connection(&second)).await.unwrap().items.len(), 1);
    let page = client.connection_events(&first, None).await.unwrap();
    assert_eq!((page.items.len(), page.chain, page.broken_at), (2, Some(Chain::Whole), None));
    assert_eq!(client.connection_events(&first, Some(2)).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_client_acts_for_the_owner_that_it_names() {
    let host = Host::new().await;
    let token = host.token(Role::Manage, None).await;
    let ada = Client::builder(host.origin.clone(), token.clone()).owner("ada & co").build().unwrap();
    let id = host.connected(&ada, "octocat").await;
    assert_eq!(ada.connection(&id).await.unwrap().listed.connection.owner, "ada & co");
    let local = Client::new(host.origin.clone(), token).unwrap();
    assert_eq!(local.connection(&id).await.unwrap_err().code(), "not_found");
    let token = host.token(Role::Manage, Some("bob")).await;
    let bob = Client::builder(host.origin.clone(), token).owner("ada & co").build().unwrap();
    assert_eq!(bob.connections(&ConnectionFilter::new()).await.unwrap_err().code(), "not_allowed");
}
