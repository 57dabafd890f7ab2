//! Tests with a row that was read before the session of this process had ended.
#![cfg(feature = "workspace-tests")]

use std::sync::Arc;

use connection_contract::{AuthType, Descriptor, Field, Kind, Prompt, Secret, SetupResult, Timestamp};
use connection_egress::ManualClock;
use connection_faults::scripted::{Scripted, identity};

use super::{SetupSession, SetupStep, follow};
use crate::{ConnectionRegistry, KeyFile, Outcome, store::rows::SetupState};

const KIND: Kind = Kind::from_static("named");

fn named() -> Scripted {
    let descriptor = Descriptor::new(KIND, "Named", AuthType::Custom).field(Field::text("name", "Name"));
    Scripted::new(descriptor).setup(|_, ctx| {
        Box::pin(async move {
            let answers = ctx.prompt(Prompt::new("Connect").field("name")).await;
            Ok(SetupResult::new(Secret::from("a key"), identity(answers.text("name")?)))
        })
    })
}

/// Without another look at the row, a reader would wait for a change that has happened already.
#[tokio::test]
async fn a_run_that_ended_after_its_row_was_read_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store/connections.db").to_str().unwrap().to_owned();
    let builder = ConnectionRegistry::builder().store(store).key(KeyFile::at(directory.path().join("key/root.key")));
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
    let registry = builder.clock(clock).kind(named()).open().await.unwrap();
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (number, _) = session.next_step().await.unwrap().unwrap();
    let system = registry.systems.setup.clone();
    let mut row = system.ground.reader().await.unwrap().setup(session.id()).await.unwrap().unwrap();
    row.state = SetupState::Running;
    session.advance(number, &[("name".to_owned(), "ada".into())]).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
    let slot = Arc::downgrade(&session.slot);
    drop(session);
    while slot.upgrade().is_some() {
        tokio::task::yield_now().await;
    }
    let slot = system.slot(&row).unwrap();
    follow::look(&system, &slot, row).await.unwrap();
    let step = SetupSession::at(&system, slot).next_step().await.unwrap();
    assert!(matches!(step, None | Some((_, SetupStep::Done { .. }))), "{step:?}");
}
