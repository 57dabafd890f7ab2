//! A removal says what was seen to happen at the provider, and revokes a credential that a person entered only on
//! request.

use std::sync::atomic::Ordering::SeqCst;

use connection_contract::{
    AuthType, ConnectionError, Descriptor, Field, HttpError, Kind, Teardown as Ended, classify, reason,
};
use connection_core::{Connection, ConnectionRegistry, Teardown};
use connection_faults::scripted::Scripted;

use crate::{
    renewing::{Renewals, Renewing},
    sql,
    test_host::{World, connected_as},
};

const KIND: Kind = Kind::from_static("pasted");

/// Returns a kind with an entered key that has no code for a teardown.
fn pasted() -> Scripted {
    Scripted::new(Descriptor::new(KIND, "Pasted", AuthType::ApiKey).field(Field::secret("apiKey", "API key")))
}

/// Returns the same kind with a request that revokes the key, and with a page at the provider.
fn revocable() -> Scripted {
    pasted()
        .teardown(|it, _, _| {
            it.saw("teardown");
            Box::pin(async { Ok(Ended::not_revoked("the key works at Pasted until it is deleted there")) })
        })
        .revokes(|it, _, _| {
            it.saw("revoke");
            Box::pin(async { Ok(Ended::Revoked) })
        })
        .page(|_, credential, connection| {
            let form = if credential.is_some_and(|key| key.expose().starts_with(b"fine")) { "fine" } else { "classic" };
            Some(format!("https://pasted.example/{form}/{}", connection.config("site").unwrap_or("main")).into())
        })
}

async fn connected(registry: &ConnectionRegistry, key: &str) -> Connection {
    connected_as(registry, &KIND, &[("apiKey", key)]).await
}

#[tokio::test]
async fn a_kind_without_a_teardown_is_not_reported_as_revoked() {
    let world = World::new().await;
    let registry = world.open(pasted()).await;
    let connection = connected(&registry, "key").await;
    let removal = registry.remove(connection.id()).await.unwrap();
    let reason = removal.reason.unwrap();
    assert_eq!((removal.teardown, &*reason.code), (Teardown::NotRevoked, reason::NO_REVOCATION));
    // Without a page, a person is at least told where the account is.
    assert_eq!(removal.credential_page, None);
    let remedy = reason.remedy.unwrap();
    assert_eq!(remedy.as_str(), "delete the credential at the provider of 'pasted', in the account key");
    let recorded = registry.events().list(None).await.unwrap().items.pop().unwrap();
    let details: serde_json::Value = serde_json::from_str(&recorded.details).unwrap();
    assert_eq!((&details["teardown"], &details["reason"]), (&"not_revoked".into(), &"no_revocation".into()));
}

/// The provider may have revoked the credential before its answer was lost.
#[tokio::test]
async fn a_revocation_whose_answer_is_lost_is_reported_as_not_known() {
    for (error, expected) in [
        (HttpError::Protocol, reason::REVOCATION_UNCONFIRMED),
        (HttpError::Timeout, reason::REVOCATION_UNCONFIRMED),
        (HttpError::TooLarge, reason::REVOCATION_UNCONFIRMED),
        // The controls: nothing was sent.
        (HttpError::Connect, reason::CONNECT),
        (HttpError::Dns, reason::DNS),
    ] {
        let world = World::new().await;
        let lost = move || Err(ConnectionError::NotLive(classify(Err(error)).unwrap_err()));
        let plugin = pasted().teardown(move |_, _, _| Box::pin(async move { lost() }));
        let registry = world.open(plugin).await;
        let connection = connected(&registry, "key").await;
        let removal = registry.remove(connection.id()).await.unwrap();
        let reason = removal.reason.unwrap();
        assert_eq!((removal.teardown, &*reason.code), (Teardown::Failed, expected), "{error:?}");
    }
}

#[tokio::test]
async fn an_entered_credential_is_revoked_only_on_request() {
    let world = World::new().await;
    let plugin = revocable();
    let registry = world.open(plugin.clone()).await;
    assert!(registry.kinds().get(&KIND).unwrap().capabilities.revoke);

    let kept = connected(&registry, "classic-key").await;
    let removal = registry.remove(kept.id()).await.unwrap();
    assert_eq!((removal.teardown, plugin.seen()), (Teardown::NotRevoked, vec!["teardown".to_owned()]));
    assert_eq!(removal.credential_page.as_deref(), Some("https://pasted.example/classic/main"));
    let remedy = removal.reason.unwrap().remedy.unwrap();
    assert_eq!(remedy.as_str(), "delete the credential at https://pasted.example/classic/main");

    let revoked = connected(&registry, "classic-key").await;
    let removal = registry.remove_and_revoke(revoked.id()).await.unwrap();
    assert_eq!((removal.teardown, plugin.seen()), (Teardown::Revoked, vec!["revoke".to_owned()]));
    assert_eq!((removal.reason, removal.credential_page), (None, None));

    connected(&registry, "classic-key").await;
    connected(&registry, "fine-key").await;
    let removal = registry.kinds().remove_and_revoke(&KIND).await.unwrap();
    assert!(removal.removed.iter().all(|(_, removal)| removal.teardown == Teardown::Revoked));
    assert_eq!(plugin.seen(), ["revoke", "revoke"]);
}

/// A provider may take the request that revokes the tokens only with an access token that works.
#[tokio::test]
async fn an_access_token_that_has_expired_is_refreshed_before_the_revocation() {
    for renews in [true, false] {
        let plugin = Renewing::new();
        *plugin.gives.lock().unwrap() = ["access-0", "refresh-1", "1"];
        plugin.revokes.store(true, SeqCst);
        let Renewals { world: _world, provider, registry, connection, .. } = Renewals::of(plugin).await;
        if !renews {
            provider.says(Some((400, "", r#"{"error":"invalid_grant"}"#)));
        }
        let removal = registry.remove(connection.id()).await.unwrap();
        assert_eq!(provider.request_count(), 1);
        let code = removal.reason.map(|reason| reason.code.to_string());
        let expected = match renews {
            true => (Teardown::Revoked, None),
            false => (Teardown::Failed, Some(reason::UNAUTHORIZED.to_owned())),
        };
        assert_eq!((removal.teardown, code), expected);
    }
}

#[tokio::test]
async fn the_page_depends_on_the_form_of_the_credential() {
    let world = World::new().await;
    let registry = world.open(revocable()).await;
    let connection = connected(&registry, "fine-key").await;
    let removal = registry.remove(connection.id()).await.unwrap();
    assert_eq!(removal.credential_page.as_deref(), Some("https://pasted.example/fine/main"));
}

/// The page is sealed with the credential. Without it, as in a row of an earlier version, the account is named.
#[tokio::test]
async fn a_kind_that_is_gone_still_names_the_page() {
    let world = World::new().await;
    let registry = world.open(revocable()).await;
    let connection = connected(&registry, "fine-key").await;
    registry.kinds().unregister(&KIND);
    let removal = registry.remove(connection.id()).await.unwrap();
    let reason = removal.reason.unwrap();
    assert_eq!((removal.teardown, &*reason.code), (Teardown::NotRevoked, reason::UNKNOWN_KIND));
    assert_eq!(removal.credential_page.as_deref(), Some("https://pasted.example/fine/main"));
    assert_eq!(reason.remedy.unwrap().as_str(), "delete the credential at https://pasted.example/fine/main");

    registry.kinds().register(pasted()).unwrap();
    let connection = connected(&registry, "key").await;
    registry.kinds().unregister(&KIND);
    let removal = registry.remove(connection.id()).await.unwrap();
    let remedy = removal.reason.unwrap().remedy.unwrap();
    assert_eq!(remedy.as_str(), "delete the credential at the provider of 'pasted', in the account key");
}

#[tokio::test]
async fn a_page_that_is_no_address_for_a_browser_is_left_out_and_a_crash_of_its_code_stops_no_teardown() {
    for page in ["http://pasted.example/", "javascript:alert(1)", "panics"] {
        let world = World::new().await;
        let plugin = pasted()
            .teardown(|it, _, _| {
                it.saw("teardown");
                Box::pin(async { Ok(Ended::not_revoked("the key works")) })
            })
            .page(move |_, _, _| {
                assert_ne!(page, "panics", "a fault of the plugin");
                Some(page.into())
            });
        let registry = world.open(plugin.clone()).await;
        let connection = connected(&registry, "key").await;
        let removal = registry.remove(connection.id()).await.unwrap();
        assert_eq!((removal.teardown, removal.credential_page), (Teardown::NotRevoked, None), "{page}");
        assert_eq!(plugin.seen(), ["teardown"]);
    }
}

/// An earlier version recorded `done` also for a kind that sent nothing, and `skipped` when no request was sent.
#[tokio::test]
async fn a_removal_of_an_earlier_version_is_shown_as_not_known_or_not_revoked() {
    for (recorded, shown) in [("done", "not_known"), ("skipped", "not_revoked"), ("failed", "failed")] {
        let world = World::new().await;
        let registry = world.open(pasted()).await;
        let connection = connected(&registry, "key").await;
        registry.remove(connection.id()).await.unwrap();
        let former = format!(r#"{{"kind":"pasted","previous":"{recorded}","teardown":"{recorded}"}}"#);
        let update = format!("UPDATE connection_event SET body = '{former}' WHERE kind = 'removed'");
        sql::unlock_events(&world.database()).await;
        sql::run(&world.database(), &update).await;
        let events = registry.events().list(None).await.unwrap().items;
        let details: serde_json::Value = serde_json::from_str(&events.last().unwrap().details).unwrap();
        assert_eq!((&details["teardown"], &details["previous"]), (&shown.into(), &shown.into()));
        let history = registry.events().history(connection.id(), None).await.unwrap();
        assert_eq!(history.page.items.last().unwrap().details, events.last().unwrap().details);
    }
}
