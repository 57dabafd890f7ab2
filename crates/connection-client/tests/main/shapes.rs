//! The types have every member that the server sends: what is read and written again is the same.

use connection_client::{BeginSetup, EventFilter, SetupState};
use connection_core::Role;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::host::{Host, until};

/// Returns the JSON of an answer as the server sends it.
async fn raw(host: &Host, token: &SecretString, path: &str) -> Value {
    let authority = host.origin.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let token = token.expose_secret();
    let head = format!("GET /api/v1{path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {token}\r\n");
    stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[track_caller]
fn check(typed: &impl Serialize, raw: &Value) {
    assert_eq!(serde_json::to_value(typed).unwrap(), *raw);
}

#[tokio::test]
async fn no_member_of_an_answer_is_lost() {
    let host = Host::new().await;
    let token = host.token(Role::Manage, None).await;
    let client = connection_client::Client::new(host.origin.clone(), token.clone()).unwrap();
    let id = host.connected(&client, "octocat").await;
    let path = format!("/connections/{id}");
    check(&client.connections(&Default::default()).await.unwrap(), &raw(&host, &token, "/connections").await);
    check(&client.connection(&id).await.unwrap(), &raw(&host, &token, &path).await);
    check(&client.removal(&id).await.unwrap(), &raw(&host, &token, &format!("{path}/removal")).await);
    check(&client.connection_events(&id, None).await.unwrap(), &raw(&host, &token, &format!("{path}/events")).await);
    check(&client.events(&EventFilter::new()).await.unwrap(), &raw(&host, &token, "/events").await);
    check(&client.kinds().await.unwrap(), &raw(&host, &token, "/kinds").await["items"]);
    for kind in ["acme", "login"] {
        check(&client.kind(kind).await.unwrap(), &raw(&host, &token, &format!("/kinds/{kind}")).await);
    }
    for kind in ["acme", "login"] {
        let setup = client.begin_setup(&BeginSetup::kind(kind)).await.unwrap();
        let asks = |state: &SetupState| matches!(state, SetupState::Prompt { .. } | SetupState::Redirect { .. });
        let setup = until(&client, setup, asks).await;
        check(&setup, &raw(&host, &token, &format!("/setups/{}", setup.id)).await);
    }
}
