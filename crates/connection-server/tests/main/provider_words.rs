//! The provider's own words in the API: the owner who asks for a connection or a verification gets them, and nothing else
//! has them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use connection_contract::{NotLive, ProviderText, Reason, reason};
use connection_core::Role;
use serde_json::json;

use crate::{doors::stored, test_host::World};

const SAID: &str = "The subscription of this team has ended";

fn refused() -> NotLive {
    let reason = Reason::new("unauthorized", "Stored does not accept this key");
    NotLive::failing(reason.provider_text(ProviderText::new(SAID)))
}

#[tokio::test]
async fn the_words_of_a_provider_are_in_the_answer_to_the_owner_who_asks_and_in_no_other() {
    let kind = stored()
        .verify(|_, _, _| Box::pin(async { Err(refused().into()) }))
        .refreshes(|_, _, _| Box::pin(async { Err(refused().into()) }));
    let world = World::with(|registry| registry.kind(kind)).await;
    let token = world.token(Role::Manage, None).await;
    let id = world.connected_by_key(&token, "stored").await;
    let path = format!("/connections/{id}");
    let verified = world.post(&token, &format!("{path}/verify"), json!({})).await;
    let tag = verified.header("etag").to_owned();
    assert_eq!(verified.ok(200)["reason"]["providerText"], SAID);
    let refreshed = world.post(&token, &format!("{path}/refresh"), json!({})).await;
    assert!(refreshed.status == 409 && refreshed.body.contains(SAID), "{}", refreshed.body);
    for (role, is_told) in [(Role::Read, false), (Role::Use, false), (Role::Manage, true), (Role::Admin, true)] {
        let shown = world.get(&world.token(role, None).await, &path).await;
        assert_eq!(shown.header("etag"), tag, "{role:?}: the tag is that of what everybody sees");
        let shown = shown.ok(200);
        assert_eq!(shown["reason"]["code"], "unauthorized", "{role:?}");
        assert_eq!(shown["reason"].get("providerText"), is_told.then(|| json!(SAID)).as_ref(), "{role:?}");
        assert_eq!(shown.to_string().contains(SAID), is_told, "{role:?} {shown}");
    }
    for read in ["/connections", "/events", &format!("{path}/events"), &format!("{path}/removal")] {
        let answer = world.get(&token, read).await;
        assert!(answer.status == 200 && !answer.body.contains(SAID), "{read}: {}", answer.body);
    }
    let doctor = world.post(&token, "/doctor", json!({})).await;
    assert!(doctor.body.contains("Stored does not accept this key") && !doctor.body.contains(SAID), "{}", doctor.body);
    let renamed = world.send(&world.request("PATCH", &path).bearer(&token).json(&json!({ "label": "other" }))).await;
    assert!(renamed.status == 200 && !renamed.body.contains(SAID), "{}", renamed.body);
}

#[tokio::test]
async fn a_connection_that_nobody_asked_about_has_the_words_of_the_provider_for_its_owner() {
    let kind = stored().verify(|_, _, _| Box::pin(async { Err(refused().into()) }));
    let world = World::with(|registry| registry.kind(kind)).await;
    let token = world.token(Role::Manage, None).await;
    let id = world.connected_by_key(&token, "stored").await;
    let path = format!("/connections/{id}");
    assert_eq!(world.get(&token, &path).await.ok(200)["reason"], json!(null), "the control: it was live");
    // A program verifies it.
    let found = world.registry.preflight([id.parse().unwrap()]).next().await.unwrap().1.unwrap();
    assert_eq!(found.reason.unwrap().code, "unauthorized");
    assert_eq!(world.get(&token, &path).await.ok(200)["reason"]["providerText"], SAID);
}

#[tokio::test]
async fn a_verification_sends_a_refused_token_again_and_tells_the_words_for_the_roles_that_may_refresh() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = sent.clone();
    let kind = stored().verify(|_, _, _| Box::pin(async { Err(refused().into()) })).refreshes(move |_, _, _| {
        counted.fetch_add(1, SeqCst);
        let ended = Reason::new(reason::NEEDS_REAUTHORIZATION, "Stored renews this access no more");
        Box::pin(async { Err(NotLive::failing(ended.provider_text(ProviderText::new(SAID))).into()) })
    });
    let world = World::with(|registry| registry.kind(kind)).await;
    let manage = world.token(Role::Manage, None).await;
    let id = world.connected_by_key(&manage, "stored").await;
    let (verify, refresh) = (format!("/connections/{id}/verify"), format!("/connections/{id}/refresh"));
    let uses = world.token(Role::Use, None).await;
    let reason = world.post(&uses, &verify, json!({ "now": true })).await.ok(200)["reason"].clone();
    assert!(reason["code"].is_string() && reason["providerText"].is_null(), "{reason}");
    assert_eq!(world.post(&manage, &refresh, json!({})).await.status, 409);
    for (role, status, more) in
        [(Role::Read, 403, 0), (Role::Use, 200, 0), (Role::Manage, 200, 1), (Role::Admin, 200, 1)]
    {
        let token = world.token(role, None).await;
        let before = sent.load(SeqCst);
        let answer = world.post(&token, &verify, json!({ "now": true })).await;
        assert_eq!((answer.status, sent.load(SeqCst) - before), (status, more), "{role:?} {}", answer.body);
        assert_eq!(answer.body.contains(SAID), more == 1, "{role:?} {}", answer.body);
    }
    assert_eq!(world.post(&uses, &refresh, json!({})).await.status, 403, "the same roles may refresh");
}
