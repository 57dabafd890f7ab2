//! No `Debug` output and no error shows a secret. Code that must not compile is shown in the documentation of the
//! types.

use connection_contract::{
    Answer, Delivery, HttpRequest, HttpResponse, Identity, Link, Record, Refreshed, Secret, SetupResult, Spend,
    Timestamp, UsageSnapshot, VerifyResult, WebhookEvent, host,
};

use crate::canary;

const CANARY: &str = "canary-5f1d";

#[test]
fn no_debug_shows_a_secret() {
    let base = host::base_url("https://api.example.com").unwrap();
    let secret = || Secret::from(CANARY);
    let request = HttpRequest::post(&base, CANARY)
        .query("key", &secret())
        .form("token", &secret())
        .header("x-key", secret())
        .bearer(&secret());
    let handle = host::callback_handle("https://host.example/callback", CANARY);
    let callback = host::callback_request(vec![("code".into(), secret())]);
    let headers = vec![("set-cookie".to_owned(), CANARY.to_owned())];
    let response = HttpResponse::new(200, headers, CANARY, Timestamp::default());
    let shown = [
        format!("{:?}", secret()),
        format!("{request:?} {:?}", request.headers),
        format!("{response:?}"),
        format!("{handle:?}"),
        format!("{callback:?}"),
        format!("{:?}", Link::to(&base, "/authorize").query("state", CANARY)),
        format!("{:?}", Record::new().with("token", secret())),
        format!("{:?}", host::answers([("token".into(), Answer::Secret(secret()))])),
        format!("{:?}", SetupResult::new(secret(), Identity::new("1", "ada"))),
        format!("{:?}", VerifyResult::live().rotated(secret())),
        format!("{:?}", Refreshed::new(secret())),
        format!("{:?}", Spend::new("refresh_token", &secret())),
        format!(
            "{:?}",
            Delivery::new("POST", CANARY, vec![(CANARY.into(), CANARY.into())], CANARY, Timestamp::default())
        ),
        format!("{:?}", WebhookEvent::new("push", secret())),
        // The provider's answer may be private.
        format!("{:?}", UsageSnapshot::new(Timestamp::default()).raw(CANARY.into())),
    ];
    let pretty = [
        format!("{:#?}", secret()),
        format!("{request:#?} {:#?}", request.headers),
        format!("{response:#?} {handle:#?} {callback:#?}"),
        format!("{:#?} {:x?}", Record::new().with("token", secret()), Refreshed::new(secret())),
        format!("{:#?}", SetupResult::new(secret(), Identity::new("1", "ada"))),
    ];
    for text in shown.into_iter().chain(pretty) {
        assert_eq!(canary::found(text.as_bytes(), CANARY.as_bytes()), None, "{text}");
    }
    // As a control, the request does contain the secret.
    assert!(request.url().contains(CANARY) && request.body.expose_str().unwrap().contains(CANARY));
    for careless in
        [format!("{:?}", secret().expose()), format!("{:#?}", secret().expose()), format!("{:x?}", secret().expose())]
    {
        assert!(canary::found(careless.as_bytes(), CANARY.as_bytes()).is_some(), "{careless}");
    }
}

#[test]
fn a_secret_is_read_through_one_door_and_copied_through_one() {
    let secret = Secret::from(CANARY);
    let copy = secret.duplicate();
    drop(secret);
    assert_eq!(copy.expose(), CANARY.as_bytes());
    assert!(Secret::new([255]).expose_str().is_none());
}
