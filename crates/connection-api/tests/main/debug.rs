//! `Debug` shows no secret of a shape.

use std::fmt::Debug;

use connection_api::{
    Answer, Answers, Code, Delivery, FileContent, Header, ImportRow, IssuedAgentToken, IssuedToken, PageToken,
    SendHeader, SendRequest, SetupLink, SetupNotice, UsageSession, Webhook,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::examples::example;

fn check<T: ToSchema + Debug + DeserializeOwned>(place: &str, secret: &Value) {
    let mut shape = example::<T>();
    *shape.pointer_mut(place).unwrap() = secret.clone();
    let shown = format!("{:?}", serde_json::from_value::<T>(shape).unwrap());
    assert!(!shown.contains("cn_secret"), "{shown}");
}

#[test]
fn debug_hides_secrets() {
    let text = json!("cn_secret");
    let members = json!({ "apiKey": "cn_secret" });
    check::<Answer>("/body", &text);
    check::<Answers>("/answers", &members);
    check::<Code>("/code", &text);
    check::<Delivery>("/body", &text);
    check::<FileContent>("/body", &text);
    check::<Header>("/value", &text);
    check::<ImportRow>("/credential", &text);
    check::<IssuedAgentToken>("/token", &text);
    check::<IssuedToken>("/token", &text);
    check::<PageToken>("/token", &text);
    check::<SendHeader>("/value", &text);
    check::<SendRequest>("/body", &text);
    check::<SendRequest>("/path", &text);
    check::<SetupLink>("/address", &text);
    check::<SetupNotice>("/open", &text);
    check::<UsageSession>("/document", &members);
    check::<Webhook>("/address", &text);
    check::<Webhook>("/key", &text);
}
