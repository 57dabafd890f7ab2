//! Tests that account, configuration and credential are read as one, even if another credential is stored between the
//! reads.
#![cfg(feature = "workspace-tests")]

use connection_contract::{AuthType, Descriptor, Field, Kind, Prompt, Secret, SetupResult};
use connection_faults::scripted::{Scripted, identity};

use super::open_as_one;
use crate::{ConnectionRegistry, KeyFile, Outcome, SetupSession};

const KIND: Kind = Kind::from_static("named");

/// A kind whose account, configuration and credential are all the same name.
fn named() -> Scripted {
    let descriptor = Descriptor::new(KIND, "Named", AuthType::Custom).field(Field::text("name", "Name"));
    Scripted::new(descriptor).setup(|_, ctx| {
        Box::pin(async move {
            let answers = ctx.prompt(Prompt::new("Connect").field("name")).await;
            let name = answers.text("name")?.to_owned();
            Ok(SetupResult::new(Secret::from(&*name), identity(&*name)).config("name", name))
        })
    })
}

async fn answered(session: SetupSession, name: &str) -> crate::ConnectionId {
    let (number, _) = session.next_step().await.unwrap().unwrap();
    session.advance(number, &[("name".to_owned(), name.into())]).await.unwrap();
    match session.terminal().await.unwrap() {
        Outcome::Done(done) => done.connection,
        other => panic!("it failed: {other:?}"),
    }
}

#[tokio::test]
async fn rows_read_before_a_change_of_account_are_read_again_with_its_credential() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store/connections.db").to_str().unwrap().to_owned();
    let key = KeyFile::at(directory.path().join("key/root.key"));
    let registry = ConnectionRegistry::builder().store(store).key(key).kind(named()).open().await.unwrap();
    let id = answered(registry.setups().begin(&KIND).await.unwrap(), "ada").await;
    let (info, generation) = registry.systems.ground.info_and_generation(&registry.owner, id).await.unwrap();
    let connection = registry.connection(id).await.unwrap();
    answered(connection.reauthorize().another_account().await.unwrap(), "bob").await;
    let (info, opened) = open_as_one(&registry.systems.ground, info, generation).await.unwrap();
    assert_eq!((generation, opened.generation), (1, 2));
    assert_eq!(
        (info.identity.account_id.as_str(), &*info.config),
        ("bob", &[("name".to_owned(), "bob".to_owned())][..])
    );
    assert_eq!(opened.payload.unwrap().credential.expose(), b"bob");
}
