//! Two processes that reach the end of one session at once: one stores the connection, and both report it.

use std::sync::Arc;

use connection_contract::prelude::*;
use tokio::sync::watch;

use crate::{
    test_host::{World, answers, code, step},
    user::labels,
};

const KIND: Kind = Kind::from_static("twice");

/// Holds its runs before their end.
#[derive(Clone)]
struct Held {
    inside: Arc<watch::Sender<usize>>,
    open: Arc<watch::Sender<bool>>,
}

impl ConnectionDefinition for Held {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(KIND, "Twice", AuthType::Custom)
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        ctx.prompt(Prompt::new("Sure?")).await;
        self.inside.send_modify(|inside| *inside += 1);
        drop(self.open.subscribe().wait_for(|open| *open).await);
        Ok(SetupResult::new("key".into(), Identity::new("1", "ada")).measured(VerifyResult::live()))
    }

    fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
        Ok(key.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }
}

#[tokio::test]
async fn two_processes_that_end_one_session_at_once_tell_the_same_end() {
    let world = World::new().await;
    let held = Held { inside: Arc::new(watch::Sender::new(0)), open: Arc::new(watch::Sender::new(false)) };
    let here = world.open(held.clone()).await;
    let there = world.open(held.clone()).await;
    let session = here.setups().begin(&KIND).again().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[])).await.unwrap();
    drop(held.inside.subscribe().wait_for(|inside| *inside == 1).await);
    let twin = there.setups().resume(session.id()).await.unwrap();
    drop(held.inside.subscribe().wait_for(|inside| *inside == 2).await);
    held.open.send_replace(true);
    for session in [session, twin] {
        assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    }
    assert_eq!(labels(&here).await, ["ada"]);
}
