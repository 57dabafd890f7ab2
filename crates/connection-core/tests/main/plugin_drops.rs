//! A panic in the drop of a plugin's values, such as its definition or the payload of a panic, affects nothing
//! else.

use std::{
    panic::panic_any,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use connection_contract::prelude::*;
use connection_core::RegisterError;
use tokio::runtime::Handle;

use crate::{
    fake::{FAKE, Fake},
    test_host::{World, code},
    user::set_up,
};

/// Behaves as another plugin, and panics when it is dropped.
struct Falling(Fake);

impl Drop for Falling {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

impl ConnectionDefinition for Falling {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        self.0.descriptor()
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        self.0.setup(ctx).await
    }

    fn serialize_credential(&self, credential: &Secret) -> Result<Secret, CredentialError> {
        self.0.serialize_credential(credential)
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        self.0.parse_credential(bytes)
    }

    async fn verify(&self, it: &Secret, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        self.0.verify(it, ctx).await
    }
}

#[tokio::test]
async fn a_definition_that_panics_in_drop_harms_neither_a_probe_nor_the_host() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(Falling(fake.clone())).await;
    let connection = fake.connected(&registry, "ada").await;
    fake.gate.close();
    let probe = Handle::current().spawn({
        let connection = connection.clone();
        async move { connection.verify().await }
    });
    fake.gate.until_inside(1).await;
    // Now only the probe keeps it alive.
    assert!(registry.kinds().unregister(&FAKE));
    fake.gate.open();
    assert_eq!(probe.await.unwrap().unwrap().liveness, Liveness::Live);
    registry.kinds().register(Falling(fake)).unwrap();
    drop((connection, registry));
}

/// A payload that panics when it is dropped.
struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        panic!("the payload is dropped");
    }
}

/// Panics with such a payload once it is configured to.
struct Throwing(Arc<AtomicBool>);

impl Throwing {
    fn throw(&self) {
        if self.0.load(SeqCst) {
            panic_any(Payload);
        }
    }
}

impl ConnectionDefinition for Throwing {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        self.throw();
        Descriptor::new(FAKE, "Throwing", AuthType::Custom)
    }

    async fn setup(&self, _: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        self.throw();
        Err(SetupFailure::new("told", "told"))
    }

    fn serialize_credential(&self, credential: &Secret) -> Result<Secret, CredentialError> {
        Ok(credential.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }
}

#[tokio::test]
async fn a_payload_that_panics_in_drop_is_a_panic_like_any_other() {
    let world = World::new().await;
    let throws = Arc::new(AtomicBool::new(false));
    let registry = world.open(Throwing(throws.clone())).await;
    assert_eq!(code(&set_up(&registry, &FAKE).await), "told", "the control");
    throws.store(true, SeqCst);
    assert_eq!(registry.kinds().replace(Throwing(throws)).unwrap_err(), RegisterError::Panicked);
    assert_eq!(code(&set_up(&registry, &FAKE).await), "plugin_panicked");
}
