//! A provider that can only end the whole grant of an application is asked to do so only for the last connection that
//! has the grant, whoever owns it.

use std::sync::Arc;

use connection_contract::{
    AuthType, Descriptor, Field, Identity, Kind, Link, ProviderGrant, Redirect, SetupResult,
    Teardown as Ended, VerifyResult, reason,
};
use connection_core::{Connection, ConnectionRegistry, RegistryBuilder, Removal, Teardown};
use connection_faults::scripted::Scripted;
use tokio::{runtime::Handle, sync::Semaphore};

use crate::{
    acme::API,
    inbound::{Inbound, returned, state},
    test_host::{World, connected_as, step},
};

const MAIL: Kind = Kind::from_static("mail");
const FILES: Kind = Kind::from_static("files");
const SIGNED: Kind = Kind::from_static("signed");

/// Returns a kind of the provider `suite`. The answer `APPLICATION ACCOUNT` names the grant; `- ACCOUNT` names none.
fn kind(kind: Kind) -> Scripted {
    let descriptor = Descriptor::new(kind, "Suite", AuthType::OAuth)
        .provider(Kind::from_static("suite"))
        .field(Field::text("grant", "Grant"))
        .revocation_ends_grant();
    Scripted::new(descriptor)
        .setup(|_, ctx| {
            Box::pin(async move {
                let answer = ctx.prompt(connection_contract::Prompt::new("Connect").field("grant")).await;
                let answer = answer.text("grant")?.to_owned();
                let (application, account) = answer.split_once(' ').unwrap();
                let mut found = VerifyResult::live();
                if application != "-" {
                    found = found.grant(ProviderGrant::new(application.to_owned(), account.to_owned()));
                }
                let identity = Identity::new(answer.clone(), account.to_owned());
                Ok(SetupResult::new(answer.as_str().into(), identity).measured(found))
            })
        })
        .verify(|_, credential, _| {
            let answer = credential.expose_str().unwrap_or_default().to_owned();
            Box::pin(async move {
                let (application, account) = answer.split_once(' ').unwrap();
                let application = if application == "-" { "app" } else { application };
                Ok(VerifyResult::live().grant(ProviderGrant::new(application.to_owned(), account.to_owned())))
            })
        })
        .teardown(|it, _, _| {
            it.saw("revoked");
            Box::pin(async { Ok(Ended::Revoked) })
        })
}

fn builder(world: &World) -> RegistryBuilder {
    world.builder().kind(kind(MAIL)).kind(kind(FILES))
}

async fn connected(registry: &ConnectionRegistry, kind: &Kind, grant: &str) -> Connection {
    connected_as(registry, kind, &[("grant", grant)]).await
}

fn is_shared(removal: &Removal) -> bool {
    let code = removal.reason.as_ref().map(|reason| &*reason.code);
    removal.teardown == Teardown::NotRevoked && code == Some(reason::GRANT_SHARED)
}

#[tokio::test]
async fn only_the_last_connection_with_a_grant_is_revoked_whoever_owns_it() {
    let world = World::new().await;
    let ada = builder(&world).open().await.unwrap();
    let bob = ada.owner("bob").unwrap();
    let mail = connected(&ada, &MAIL, "app ada@suite.example").await;
    let files = connected(&bob, &FILES, "app ada@suite.example").await;
    let first = ada.remove(mail.id()).await.unwrap();
    assert!(is_shared(&first), "{first:?}");
    let mail = connected(&ada, &MAIL, "app ada@suite.example").await;
    let own = connected(&ada, &FILES, "app ada@suite.example").await;
    let second = ada.remove(own.id()).await.unwrap();
    // The sentence does not tell whether the other connection has another owner.
    assert_eq!(first.reason, second.reason);
    assert!(is_shared(&bob.remove(files.id()).await.unwrap()));
    assert_eq!(ada.remove(mail.id()).await.unwrap().teardown, Teardown::Revoked);
}

/// The control: another account, another application and another provider have other grants.
#[tokio::test]
async fn connections_with_other_grants_are_revoked() {
    let world = World::new().await;
    let other = Scripted::new(Descriptor::new(Kind::from_static("other"), "Other", AuthType::ApiKey));
    let registry = builder(&world).kind(other).open().await.unwrap();
    connected(&registry, &FILES, "app bob@suite.example").await;
    connected(&registry, &FILES, "app2 ada@suite.example").await;
    let mail = connected(&registry, &MAIL, "app ada@suite.example").await;
    assert_eq!(registry.remove(mail.id()).await.unwrap().teardown, Teardown::Revoked);
}

#[tokio::test]
async fn a_connection_whose_grant_is_not_known_counts_for_its_own_owner_until_it_is_verified() {
    let world = World::new().await;
    let ada = builder(&world).open().await.unwrap();
    let bob = ada.owner("bob").unwrap();
    let unknown = connected(&ada, &FILES, "- bob@suite.example").await;
    let of_bob = connected(&bob, &MAIL, "app ada@suite.example").await;
    assert_eq!(bob.remove(of_bob.id()).await.unwrap().teardown, Teardown::Revoked, "it is of another owner");
    let mail = connected(&ada, &MAIL, "app ada@suite.example").await;
    assert!(is_shared(&ada.remove(mail.id()).await.unwrap()));
    // The verification names the grant, which is another one.
    let mail = connected(&ada, &MAIL, "app ada@suite.example").await;
    unknown.verify().await.unwrap();
    assert_eq!(ada.remove(mail.id()).await.unwrap().teardown, Teardown::Revoked);
}

#[tokio::test]
async fn all_connections_of_a_kind_end_without_the_grant_that_another_kind_needs() {
    let world = World::new().await;
    let registry = builder(&world).open().await.unwrap();
    connected(&registry, &FILES, "app ada@suite.example").await;
    connected(&registry, &MAIL, "app ada@suite.example").await;
    let removal = registry.kinds().remove(&MAIL).await.unwrap();
    assert!(removal.removed.iter().all(|(_, removal)| is_shared(removal)), "{removal:?}");
    let removal = registry.kinds().remove(&FILES).await.unwrap();
    assert!(removal.removed.iter().all(|(_, removal)| removal.teardown == Teardown::Revoked), "{removal:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_removals_at_once_exactly_one_revokes() {
    let world = World::new().await;
    let one = builder(&world).open().await.unwrap();
    let two = builder(&world).open().await.unwrap().owner("bob").unwrap();
    for round in 0..10 {
        let mail = connected(&one, &MAIL, "app ada@suite.example").await;
        let files = connected(&two, &FILES, "app ada@suite.example").await;
        // Each removal runs as a task of its registry.
        let (first, second) = tokio::join!(one.remove(mail.id()), two.remove(files.id()));
        let (first, second) = (first.unwrap(), second.unwrap());
        let revoked = [&first, &second].into_iter().filter(|removal| removal.teardown == Teardown::Revoked).count();
        let kept = [&first, &second].into_iter().filter(|removal| is_shared(removal)).count();
        assert_eq!((revoked, kept), (1, 1), "round {round}: {first:?} {second:?}");
    }
}

/// Returns a kind of the provider `suite` whose accounts sign in at the provider, and have the grant of `app` and
/// `ada@suite.example`.
fn signed_in() -> Scripted {
    let descriptor = Descriptor::new(SIGNED, "Suite", AuthType::OAuth)
        .provider(Kind::from_static("suite"))
        .origin(API)
        .revocation_ends_grant();
    Scripted::new(descriptor)
        .setup(|_, ctx| {
            Box::pin(async move {
                let handle = ctx.callback().await?;
                let link = Link::to(ctx.base_url(API)?, "/authorize").query("state", handle.state());
                ctx.redirect(Redirect::new(link), &handle).await;
                let found = VerifyResult::live().grant(ProviderGrant::new("app".to_owned(), "ada@suite.example".to_owned()));
                Ok(SetupResult::new("token".into(), Identity::new("1", "ada")).measured(found))
            })
        })
        .teardown(|it, _, _| {
            it.saw("revoked");
            Box::pin(async { Ok(Ended::Revoked) })
        })
}

#[tokio::test]
async fn an_account_that_was_not_confirmed_keeps_a_grant_that_another_connection_needs() {
    let world = World::new().await;
    let signed = signed_in();
    let ada = builder(&world).kind(signed.clone()).inbound(Arc::new(Inbound::new())).open().await.unwrap();
    let bob = ada.owner("bob").unwrap();
    let refuse = async || {
        let session = ada.setups().begin(&SIGNED).confirm_account().await.unwrap();
        let (_, shown) = step(&session).await;
        ada.setups().deliver(returned(&state(&shown))).await.unwrap();
        step(&session).await;
        session.cancel().await.unwrap();
        session.terminal().await.unwrap();
        signed.seen()
    };
    let files = connected(&bob, &FILES, "app ada@suite.example").await;
    assert!(refuse().await.is_empty());
    // The control: nothing else has the grant any more.
    assert_eq!(bob.remove(files.id()).await.unwrap().teardown, Teardown::Revoked);
    assert_eq!(refuse().await, ["revoked"]);
}

/// The provider ends the grant although it was given again a moment before, and no use may find that out first.
#[tokio::test]
async fn a_connection_that_gets_a_grant_while_the_provider_ends_it_is_verified() {
    let world = World::new().await;
    let (asked, ended) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (tells, waits) = (asked.clone(), ended.clone());
    let slow = kind(MAIL).teardown(move |_, _, _| {
        let (tells, waits) = (tells.clone(), waits.clone());
        Box::pin(async move {
            tells.add_permits(1);
            waits.acquire().await.unwrap().forget();
            Ok(Ended::Revoked)
        })
    });
    let ada = world.builder().kind(slow).kind(kind(FILES)).open().await.unwrap();
    let bob = ada.owner("bob").unwrap();
    let mail = connected(&ada, &MAIL, "app ada@suite.example").await;
    let before = connected(&bob, &FILES, "app bob@suite.example").await;
    let removal = {
        let ada = ada.clone();
        Handle::current().spawn(async move { ada.remove(mail.id()).await.unwrap() })
    };
    asked.acquire().await.unwrap().forget();
    let files = connected(&bob, &FILES, "app ada@suite.example").await;
    assert!(files.verify_refused_use().await.unwrap().is_none());
    ended.add_permits(1);
    assert_eq!(removal.await.unwrap().teardown, Teardown::Revoked);
    assert!(files.verify_refused_use().await.unwrap().is_some());
    assert!(before.verify_refused_use().await.unwrap().is_none(), "it has another grant");
}
