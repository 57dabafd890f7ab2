//! Setup links that repair one connection: which account they accept, what they tell, and when they end.

use std::time::Duration;

use connection_contract::Liveness;
use connection_core::{Connection, ConnectionRegistry, IssuedToken, NewSetupLink, Outcome, Reauthorize};

use crate::{
    acme::KIND,
    reauthorize::{credentials, knows},
    test_host::{World, answers, code, connect, connected, step},
};

async fn made(registry: &ConnectionRegistry, connection: &Connection) -> IssuedToken {
    let link = NewSetupLink::repair("local", "repair", connection.id()).return_to("https://app.example.com/settings");
    registry.access_tokens().create_link(link).await.unwrap()
}

/// Answers the first prompt of a re-authorization, and returns its outcome.
async fn answered(begin: Reauthorize, key: &str) -> Outcome {
    let session = begin.await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", key)])).await.unwrap();
    session.terminal().await.unwrap()
}

#[tokio::test]
async fn a_link_that_repairs_names_its_connection_and_the_kind_of_it() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let made = made(&registry, &connection).await;
    let tokens = registry.access_tokens();
    let issued = tokens.exchange_link(&made.text).await.unwrap();
    let link = tokens.authenticate(&issued.text).await.unwrap().unwrap().link.unwrap();
    assert_eq!((link.repairs, link.kinds), (Some(connection.id()), vec![KIND]));
    assert_eq!(link.return_to.as_deref(), Some("https://app.example.com/settings"));
    // Another owner has no such connection.
    let theirs = NewSetupLink::repair("ada", "repair", connection.id());
    assert_eq!(tokens.create_link(theirs).await.unwrap_err().code(), "not_found");
    registry.close().await;
}

#[tokio::test]
async fn a_link_that_repairs_ends_when_its_connection_is_removed() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let (unopened, opened) = (made(&registry, &connection).await, made(&registry, &connection).await);
    let tokens = registry.access_tokens();
    let visitor = tokens.exchange_link(&opened.text).await.unwrap();
    // The controls: both are good until then, and so is a link for a new account afterwards.
    assert!(tokens.authenticate(&visitor.text).await.unwrap().is_some());
    let other = tokens.create_link(NewSetupLink::new("local", "new", [KIND])).await.unwrap();
    assert_eq!(tokens.list(Some("local"), None, 9).await.unwrap().items.len(), 4);
    registry.remove(connection.id()).await.unwrap();
    assert_eq!(tokens.authenticate(&visitor.text).await.unwrap(), None);
    assert_eq!(tokens.exchange_link(&unopened.text).await.unwrap_err().code(), "code_expired");
    assert_eq!(tokens.list(Some("local"), None, 9).await.unwrap().items, std::slice::from_ref(&other.token));
    tokens.exchange_link(&other.text).await.unwrap();
    registry.close().await;
}

#[tokio::test]
async fn a_link_that_repairs_can_be_opened_for_thirty_minutes_and_used_for_thirty_more() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let (early, late) = (made(&registry, &connection).await, made(&registry, &connection).await);
    let tokens = registry.access_tokens();
    world.clock.advance(Duration::from_secs(29 * 60));
    let visitor = tokens.exchange_link(&early.text).await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(tokens.exchange_link(&late.text).await.unwrap_err().code(), "code_expired");
    world.clock.advance(Duration::from_secs(28 * 60));
    assert!(tokens.authenticate(&visitor.text).await.unwrap().is_some());
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(tokens.authenticate(&visitor.text).await.unwrap(), None);
    registry.close().await;
}

#[tokio::test]
async fn a_visitor_who_signs_in_as_another_account_reads_which_one_it_must_be_and_no_label() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    connection.rename("payroll").await.unwrap();
    world.provider(knows(&[("key-2", "2", "grace"), ("key-3", "1", "ada"), ("key-4", "4", "ada")]));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Failing);
    // The other account is connected, too, under a label that the visitor does not learn.
    assert_eq!(code(&connect(&registry, &KIND, &[("accessToken", "key-2")]).await), "done Live");
    let before = credentials(&world).await;
    for (key, found, wanted) in [("key-2", "grace", "ada"), ("key-4", "ada (4)", "ada (1)")] {
        let outcome = answered(connection.reauthorize().visitor([]), key).await;
        let Outcome::Failed(failure) = outcome else { panic!("it is another account") };
        assert_eq!(&*failure.code, "account_changed");
        let message = format!("this is the account {found}, but this link is for {wanted}");
        assert_eq!(failure.message.as_str(), message);
        let remedy = failure.remedy.unwrap().to_string();
        assert_eq!(remedy, format!("sign in as {wanted}, or ask whoever sent the link"));
        assert!(!message.contains("payroll") && !remedy.contains("payroll"));
    }
    assert_eq!(credentials(&world).await, before);
    // The control: the owner reads the label.
    let Outcome::Failed(failure) = answered(connection.reauthorize(), "key-2").await else { panic!("another account") };
    assert!(failure.message.as_str().contains("payroll"), "{failure:?}");
    assert_eq!(code(&answered(connection.reauthorize().visitor([]), "key-3").await), "done Live");
    registry.close().await;
}
