//! A provider that can only end the whole grant of an application is asked to do so only for the last connection that
//! has the grant, whoever owns it.

use connection_contract::{
    AuthType, Descriptor, Field, Identity, Kind, ProviderGrant, SetupResult, Teardown as Ended, VerifyResult, reason,
};
use connection_core::{Connection, ConnectionRegistry, RegistryBuilder, Removal, Teardown};
use connection_faults::scripted::Scripted;

use crate::test_host::{World, connected_as};

const MAIL: Kind = Kind::from_static("mail");
const FILES: Kind = Kind::from_static("files");

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
