//! A kind that belongs to one extension serves that extension alone, is never a default, and makes way for a kind that
//! serves every extension.

use connection_contract::{AuthType, Descriptor, Field, Identity, Kind, NotLive, Prompt, Reason, Secret};
use connection_core::{
    Connection, ConnectionRegistry, ConnectionStatus, Error, ExtensionHandle, Import, Outcome, OwnKind, RegisterError,
    RequiredAction, ResolvedConnection,
};
use connection_faults::scripted::{self, Scripted};

use crate::{
    extension_kit::{TWIN, Twin, needs, of, secret_name},
    own_kind_source::{self, Source},
    test_host::{World, answers, step},
};

const KEYS: [&str; 2] = ["apiKey", "apiSecret"];

/// Opens a host whose extensions bring kinds.
async fn open(world: &World) -> ConnectionRegistry {
    let source = Source::new(|extension, _| {
        Kind::of_extension(extension, &TWIN).map(|_| OwnKind::new(Twin::of_extension(extension)))
    });
    own_kind_source::builder(world, &source).open().await.unwrap()
}

/// Adds an extension.
async fn extension(registry: &ConnectionRegistry, name: &str) -> ExtensionHandle {
    let declaration = of(name, needs(TWIN, AuthType::ApiKey, &KEYS));
    registry.extensions().add(&declaration, "as declared").await.unwrap();
    registry.extensions().handle(declaration).unwrap()
}

/// Resolves by the handle and by the page of many, which give the same result.
async fn resolved(registry: &ConnectionRegistry, handle: &ExtensionHandle) -> ResolvedConnection {
    let one = handle.resolve(handle.requirement()).await.unwrap();
    let all = registry.extensions().resolve_all(&[handle.declaration().clone()]).await.unwrap().remove(0).unwrap();
    assert_eq!(one, all);
    one
}

/// Connects an account through this kind, for the extension.
async fn connected_for(registry: &ConnectionRegistry, kind: &Kind, handle: &ExtensionHandle, key: &str) -> Connection {
    let session = registry.setups().begin(kind).extension(handle).await.unwrap();
    let (number, _) = step(&session).await;
    session.advance(number, &answers(&[("apiKey", key), ("apiSecret", "s")])).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("not connected") };
    registry.connection(done.connection).await.unwrap()
}

#[tokio::test]
async fn a_kind_of_an_extension_is_never_registered() {
    let world = World::new().await;
    let registry = world.acme().await;
    let descriptor = |kind: &str| Descriptor::new(Kind::parse(kind).unwrap(), "Twin", AuthType::None).provider(TWIN);
    let own = Kind::parse("issues/other").unwrap();
    for (descriptor, problem) in [
        (descriptor("issues/twin"), "which it does not declare"),
        (descriptor("twin").extension("issues"), "must be 'issues/twin'"),
        (descriptor("triage/twin").extension("issues"), "must be 'issues/twin'"),
        (descriptor("issues/other").extension("issues"), "must be 'issues/twin'"),
        (descriptor("issues/twin").extension("issues").provider(own), "is the name of a kind of an extension"),
        (descriptor("issues/twin").extension("Issues of mine"), "must be 'Issues of mine/twin'"),
        // It would be the kind of every owner.
        (descriptor("issues/twin").extension("issues"), "so only an owner who adds that extension has it"),
    ] {
        let refused = registry.kinds().register(Scripted::new(descriptor)).unwrap_err();
        assert!(matches!(&refused, RegisterError::Descriptor { .. }), "{refused:?}");
        assert!(refused.to_string().contains(problem), "{refused}");
    }
    // The control.
    registry.kinds().register(Scripted::new(descriptor("twin"))).unwrap();
}

#[tokio::test]
async fn its_connections_serve_its_extension_and_no_other() {
    let world = World::new().await;
    let own = Twin::of_extension("issues");
    let registry = open(&world).await;
    let issues = extension(&registry, "issues").await;
    let triage = extension(&registry, "triage").await;
    let of_triage = Kind::of_extension("triage", &TWIN).unwrap();
    assert_eq!((issues.kinds_for_setup(), triage.kinds_for_setup()), (vec![own.kind.clone()], vec![of_triage]));
    let view = issues.connection_required().await.unwrap().unwrap();
    assert_eq!((view.action, view.kinds), (RequiredAction::Connect, vec![own.kind.clone()]));
    assert_eq!(resolved(&registry, &issues).await.error, None, "its own kind can connect it");
    let connection = connected_for(&registry, &own.kind, &issues, "one").await;
    let found = resolved(&registry, &issues).await;
    assert_eq!((found.status, found.connection()), (ConnectionStatus::Connected, Some(connection.id())));
    assert!(found.is_granted(), "the person connected it for the extension");
    assert!(issues.connection_required().await.unwrap().is_none());
    let found = resolved(&registry, &triage).await;
    assert_eq!((found.status, found.connection()), (ConnectionStatus::Missing, None));
    let key = [secret_name("apiKey")];
    let begun = registry.setups().begin(&own.kind).extension(&triage).await.map(drop);
    for refused in [
        registry.extensions().grant("triage", connection.id(), &key).await.map(drop),
        registry.extensions().grant("nobody-knows", connection.id(), &key).await.map(drop),
        registry.extensions().choose("triage", connection.id()).await,
        connection.reauthorize().extension(&triage).await.map(drop),
        begun,
    ] {
        let error: Error = refused.unwrap_err();
        assert_eq!(error.code(), "reserved");
        assert_eq!(error.to_string(), "connections of 'issues/twin' are for the extension 'issues' alone");
    }
    // The control: its own extension may be granted and choose.
    registry.extensions().choose("issues", connection.id()).await.unwrap();
    registry.extensions().grant("issues", connection.id(), &key).await.unwrap();
}

#[tokio::test]
async fn it_is_never_the_default_and_takes_the_default_from_no_connection() {
    let world = World::new().await;
    let own = Twin::of_extension("issues");
    let registry = open(&world).await;
    let issues = extension(&registry, "issues").await;
    let connection = connected_for(&registry, &own.kind, &issues, "one").await;
    assert!(!connection.info().is_default);
    assert_eq!(connection.make_default().await.unwrap_err().code(), "reserved");
    // The control: the first connection of a kind that serves every extension is the default.
    registry.kinds().register(Twin::new()).unwrap();
    let shared = Twin::new().connected(&registry, "two", "s").await;
    assert!(shared.info().is_default);
    let begun = registry.setups().begin(&own.kind).extension(&issues).await;
    assert_eq!(begun.unwrap_err().code(), "unknown_kind", "another kind connects the provider now");
    assert!(registry.connection(shared.id()).await.unwrap().info().is_default);
    assert!(!registry.connection(connection.id()).await.unwrap().info().is_default);
}

#[tokio::test]
async fn of_two_accounts_a_person_chooses_one() {
    let world = World::new().await;
    let own = Twin::of_extension("issues");
    let registry = open(&world).await;
    let issues = extension(&registry, "issues").await;
    let one = connected_for(&registry, &own.kind, &issues, "one").await;
    let two = connected_for(&registry, &own.kind, &issues, "two").await;
    let found = resolved(&registry, &issues).await;
    assert_eq!((found.status, found.candidates()), (ConnectionStatus::Missing, &[one.id(), two.id()][..]));
    registry.extensions().choose("issues", two.id()).await.unwrap();
    assert_eq!(resolved(&registry, &issues).await.connection(), Some(two.id()));
}

#[tokio::test]
async fn another_kind_of_the_provider_takes_over_once_it_is_connected() {
    let world = World::new().await;
    let own = Twin::of_extension("issues");
    let registry = open(&world).await;
    let issues = extension(&registry, "issues").await;
    let former = connected_for(&registry, &own.kind, &issues, "one").await;
    registry.kinds().register(Twin::new()).unwrap();
    assert_eq!(issues.kinds_for_setup(), [TWIN], "the kind that serves every extension is offered");
    let found = resolved(&registry, &issues).await;
    assert_eq!((found.connection(), found.is_granted()), (Some(former.id()), true), "the former one serves until then");
    let fresh = connected_for(&registry, &TWIN, &issues, "one").await;
    let found = resolved(&registry, &issues).await;
    assert_eq!((found.connection(), found.is_granted()), (Some(fresh.id()), true));
    assert!(registry.connection(former.id()).await.is_ok(), "a person removes it");
    registry.remove(fresh.id()).await.unwrap();
    assert_eq!(resolved(&registry, &issues).await.connection(), Some(former.id()));
}

#[tokio::test]
async fn an_import_cannot_stand_for_a_person_who_confirms() {
    let world = World::new().await;
    let registry = open(&world).await;
    extension(&registry, "issues").await;
    let kind = Twin::of_extension("issues").kind;
    let item = Import::new(kind, Secret::from("key"), Identity::new("1", "one"));
    let mut imports = registry.import_all([item]).start();
    let error = imports.next().await.unwrap().unwrap_err();
    assert_eq!(error.code(), "not_supported");
}

/// Authorizing the refused connection again would give the extension another secret of a provider that is known now.
#[tokio::test]
async fn a_refused_connection_is_replaced_by_one_of_another_kind() {
    let world = World::new().await;
    let kind = Kind::of_extension("issues", &TWIN).unwrap();
    let descriptor = KEYS.iter().fold(
        Descriptor::new(kind.clone(), "Twin", AuthType::ApiKey).provider(TWIN).extension("issues"),
        |descriptor, name| descriptor.field(Field::secret(*name, "Key")).secret_name(*name),
    );
    let refused = Scripted::new(descriptor)
        .setup(|_, ctx| {
            Box::pin(async move {
                let mut answers = ctx.prompt(KEYS.into_iter().fold(Prompt::new("Twin"), Prompt::field)).await;
                Ok(scripted::live(answers.secret(KEYS[0])?, scripted::identity("one")))
            })
        })
        .verify(|_, _, _| {
            Box::pin(async { Err(NotLive::failing(Reason::new("unauthorized", "the provider refuses it")).into()) })
        })
        .hands_out(|_, key, _| Some(key.duplicate()));
    let source = Source::new(move |_, _| Some(OwnKind::new(refused.clone())));
    let registry = own_kind_source::builder(&world, &source).open().await.unwrap();
    let issues = extension(&registry, "issues").await;
    let former = connected_for(&registry, &kind, &issues, "one").await;
    former.verify().await.unwrap();
    let view = issues.connection_required().await.unwrap().unwrap();
    assert_eq!((view.action, view.connection), (RequiredAction::Reauthorize, Some(former.id())), "the control");
    registry.kinds().register(Twin::new()).unwrap();
    let view = issues.connection_required().await.unwrap().unwrap();
    assert_eq!((view.action, view.connection, view.kinds), (RequiredAction::Connect, None, vec![TWIN]));
}
