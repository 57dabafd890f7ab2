//! Secrets that the kinds of a provider share: separate for each owner, provider and set of origins, and sealed
//! with them.

use connection_contract::prelude::*;
use connection_core::{ConnectionRegistry, Outcome, SetupStep};
use connection_faults::scripted::{Scripted, identity};

use crate::{
    sql,
    test_host::{World, answers, code, step},
};

const CANARY: &str = "canary-of-the-application";
const TOKENS: &str = "https://login.acme.example";
const MAIL: Kind = Kind::from_static("acme-mail");
const DRIVE: Kind = Kind::from_static("acme-drive");

/// A kind that asks for its client, unless a kind of its provider has stored one for the same origins.
fn sharer(kind: Kind, provider: &'static str, origins: &[&'static str]) -> Scripted<Vec<Text>> {
    sharer_for(origins, kind, provider, origins)
}

/// The same kind, which shares its client for other origins than those that it declares.
fn sharer_for(
    shared_for: &[&'static str],
    kind: Kind,
    provider: &'static str,
    declared: &[&'static str],
) -> Scripted<Vec<Text>> {
    let descriptor = Descriptor::new(kind, "Sharer", AuthType::Custom)
        .provider(Kind::from_static(provider))
        .field(Field::secret("client", "Client"))
        .field(Field::text("name", "Name"));
    let descriptor = declared.iter().fold(descriptor, |descriptor, origin| descriptor.origin(*origin));
    let origins: Vec<_> = shared_for.iter().map(|origin| Text::from(*origin)).collect();
    Scripted::with(origins, descriptor).setup(|origins, ctx| {
        Box::pin(async move {
            let values = ctx.kv().ok_or_else(|| SetupFailure::new("none", "no values"))?;
            let failed = |error: ServiceError| SetupFailure::new("values", format!("{error:?}"));
            let kept = values.get_shared(origins, "client").await.map_err(failed)?;
            let client = match kept {
                Some(client) => client,
                None => {
                    let client = ctx.prompt(Prompt::new("Client").field("client")).await.secret("client")?;
                    values.put_shared(origins, "client", Some(client.duplicate())).await.map_err(failed)?;
                    client
                }
            };
            let name = ctx.prompt(Prompt::new("Name").field("name")).await.text("name")?.to_owned();
            origins.saw(client.expose_str().unwrap());
            Ok(SetupResult::new("key".into(), identity(name)))
        })
    })
}

/// Answers the prompts of a setup; the name of the account is that of the kind.
async fn connect(registry: &ConnectionRegistry, kind: &Kind, client: Option<&str>) -> Outcome {
    let session = registry.setups().begin(kind).await.unwrap();
    while let Some((no, shown)) = session.next_step().await.unwrap() {
        let SetupStep::Prompt { fields, .. } = shown else { continue };
        let asks_for_client = fields.iter().any(|field| *field.name == *"client");
        let given =
            if asks_for_client { ("client", client.expect("no client is asked for")) } else { ("name", kind.as_str()) };
        session.advance(no, &answers(&[given])).await.unwrap();
    }
    session.terminal().await.unwrap()
}

/// Returns `true` if the first prompt of a setup asks for the client.
async fn asks(registry: &ConnectionRegistry, kind: &Kind) -> bool {
    let session = registry.setups().begin(kind).await.unwrap();
    let (_, shown) = step(&session).await;
    session.cancel().await.unwrap();
    format!("{shown:?}").contains("client")
}

#[tokio::test]
async fn kinds_of_a_provider_share_what_they_send_to_the_same_origins() {
    let world = World::new().await;
    let mail = sharer(MAIL, "acme", &[TOKENS, "https://*.acme.example"]);
    // The order in which a kind names the origins does not matter.
    let drive = sharer(DRIVE, "acme", &["https://*.acme.example", TOKENS]);
    let registry = world.builder().kind(mail.clone()).kind(drive.clone()).open().await.unwrap();
    assert!(matches!(connect(&registry, &MAIL, Some(CANARY)).await, Outcome::Done(_)));
    assert!(matches!(connect(&registry, &DRIVE, None).await, Outcome::Done(_)));
    assert_eq!((mail.seen(), drive.seen()), (vec![CANARY.to_owned()], vec![CANARY.to_owned()]));
    assert!(asks(&registry.owner("another").unwrap(), &DRIVE).await);
    let everything = sql::everything(&world.database()).await;
    assert!(!everything.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
}

#[tokio::test]
async fn a_kind_that_only_names_the_provider_gets_nothing() {
    let world = World::new().await;
    let [elsewhere, more, other] = ["names-elsewhere", "names-more", "other-provider"].map(Kind::from_static);
    let builder = world.builder().kind(sharer(MAIL, "acme", &[TOKENS]));
    let builder = builder.kind(sharer(elsewhere.clone(), "acme", &["https://login.evil.example"]));
    let builder = builder.kind(sharer(more.clone(), "acme", &[TOKENS, "https://login.evil.example"]));
    let builder = builder.kind(sharer(other.clone(), "evil", &[TOKENS]));
    let registry = builder.open().await.unwrap();
    assert!(matches!(connect(&registry, &MAIL, Some(CANARY)).await, Outcome::Done(_)));
    assert!(!asks(&registry, &MAIL).await);
    for kind in [elsewhere.clone(), more, other] {
        assert!(asks(&registry, &kind).await, "{kind}");
    }
    // A row that is moved in the database does not open under its new name.
    let moved = "UPDATE connection_kv SET namespace = 'acme/shared https://login.evil.example'";
    sql::run(&world.database(), moved).await;
    assert!(asks(&registry, &elsewhere).await);
}

#[tokio::test]
async fn a_kind_shares_only_for_origins_that_it_declares() {
    let world = World::new().await;
    let undeclared = sharer_for(&[TOKENS], MAIL, "acme", &["https://api.acme.example"]);
    let none = sharer_for(&[], DRIVE, "acme", &[TOKENS]);
    let registry = world.builder().kind(undeclared).kind(none).open().await.unwrap();
    for kind in [MAIL, DRIVE] {
        assert_eq!(code(&connect(&registry, &kind, Some(CANARY)).await), "values", "{kind}");
    }
    assert!(sql::texts(&world.database(), "SELECT key FROM connection_kv WHERE owner <> ''").await.is_empty());
}

#[tokio::test]
async fn a_shared_value_is_an_effect_that_a_replay_does_not_repeat() {
    let world = World::new().await;
    let mail = sharer(MAIL, "acme", &[TOKENS]);
    let registry = world.open(mail.clone()).await;
    let session = registry.setups().begin(&MAIL).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("client", CANARY)])).await.unwrap();
    let id = session.id();
    let (no, _) = step(&session).await;
    drop(session);
    registry.close().await;
    // A replay that wrote the value again would bring it back.
    sql::run(&world.database(), "DELETE FROM connection_kv").await;
    let registry = world.open(mail.clone()).await;
    let session = registry.setups().resume(id).await.unwrap();
    session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
    assert_eq!(mail.seen(), [CANARY]);
    assert!(sql::texts(&world.database(), "SELECT key FROM connection_kv WHERE owner <> ''").await.is_empty());
}

#[tokio::test]
async fn what_is_shared_is_forgotten_for_the_kinds_that_share_it_alone() {
    let world = World::new().await;
    let calendar = Kind::from_static("acme-calendar");
    let builder = world.builder().kind(sharer(MAIL, "acme", &[TOKENS])).kind(sharer(DRIVE, "acme", &[TOKENS]));
    let builder = builder.kind(sharer(calendar.clone(), "acme", &["https://calendar.acme.example"]));
    let registry = builder.open().await.unwrap();
    for kind in [&MAIL, &calendar] {
        assert!(matches!(connect(&registry, kind, Some(CANARY)).await, Outcome::Done(_)));
    }
    assert_eq!(registry.kinds().forget_values(&DRIVE).await.unwrap(), 1);
    assert!(asks(&registry, &MAIL).await);
    assert!(!asks(&registry, &calendar).await);
}
