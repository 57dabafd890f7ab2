//! Checking a delivery takes time in the plugin. The state of its address after the check counts, and not the state
//! when it arrived.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use connection_contract::prelude::*;
use connection_core::{Connection as Handle, ConnectionRegistry, Receipt, ReceiveError};
use tokio::{runtime, sync::watch};

use crate::{
    hooks::{Hooks, enabled, send, signed, token},
    sql,
    test_host::World,
};

/// The kind `hooks`, whose check begins and then waits until it is released.
#[derive(Clone)]
struct Slow {
    hooks: Hooks,
    began: Arc<watch::Sender<bool>>,
    goes_on: Arc<AtomicBool>,
}

impl Slow {
    fn new() -> Self {
        let began = Arc::new(watch::Sender::new(false));
        Self { hooks: Hooks::new(SigningKey::Generated), began, goes_on: Arc::default() }
    }
}

impl ConnectionDefinition for Slow {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        self.hooks.descriptor()
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        self.hooks.setup(ctx).await
    }

    fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
        self.hooks.serialize_credential(key)
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        self.hooks.parse_credential(bytes)
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }

    fn webhooks(&self) -> Option<&dyn Webhooks<Secret>> {
        Some(self)
    }
}

impl Webhooks<Secret> for Slow {
    fn signing_key(&self) -> SigningKey {
        self.hooks.signing_key()
    }

    fn receive(
        &self,
        credential: &Secret,
        keys: &[Secret],
        delivery: &Delivery,
        ctx: &Context<'_>,
    ) -> Result<WebhookEvent, NotAuthentic> {
        self.began.send_replace(true);
        while !self.goes_on.load(SeqCst) {
            std::thread::yield_now();
        }
        self.hooks.receive(credential, keys, delivery, ctx)
    }

    fn sign(
        &self,
        credential: &Secret,
        key: Option<&Secret>,
        url: &str,
        ctx: &Context<'_>,
    ) -> Result<Delivery, NotAuthentic> {
        self.hooks.sign(credential, key, url, ctx)
    }
}

async fn stored(world: &World) -> Option<i64> {
    sql::number(&world.database(), "SELECT COUNT(*) FROM connection_webhook").await
}

/// Returns the result of a delivery when something else happens while it is checked.
async fn received(
    world: &World,
    meanwhile: impl AsyncFnOnce(&ConnectionRegistry, &Handle),
) -> Result<Receipt, ReceiveError> {
    let slow = Slow::new();
    let registry = world.open(slow.clone()).await;
    let connection = enabled(&registry, "ada").await;
    let token = token(&connection).await;
    let headers = signed(&connection, "1").await;
    let there = registry.clone();
    let receiving = runtime::Handle::current().spawn(async move { send(&there, &token, headers, "1").await });
    drop(slow.began.subscribe().wait_for(|began| *began).await.unwrap());
    meanwhile(&registry, &connection).await;
    slow.goes_on.store(true, SeqCst);
    receiving.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_checked_while_its_address_is_switched_off_is_not_stored() {
    let world = World::new().await;
    let received = received(&world, async |_, connection| connection.webhooks().disable().await.unwrap()).await;
    assert!(matches!(received, Err(ReceiveError::Unknown)), "{received:?}");
    assert_eq!(stored(&world).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_checked_while_its_address_becomes_another_one_is_not_stored() {
    let world = World::new().await;
    let change = async |_: &ConnectionRegistry, connection: &Handle| {
        let before = token(connection).await;
        connection.webhooks().disable().await.unwrap();
        connection.webhooks().enable().await.unwrap();
        assert_ne!(token(connection).await, before);
    };
    let received = received(&world, change).await;
    assert!(matches!(received, Err(ReceiveError::Unknown)), "{received:?}");
    assert_eq!(stored(&world).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_checked_while_its_connection_is_removed_is_not_stored() {
    let world = World::new().await;
    let remove = async |registry: &ConnectionRegistry, connection: &Handle| {
        registry.remove(connection.id()).await.unwrap();
    };
    let received = received(&world, remove).await;
    assert!(matches!(received, Err(ReceiveError::Unknown)), "{received:?}");
    assert_eq!(stored(&world).await, Some(0));
}

/// The control: a change that leaves the address unchanged does not affect the delivery.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_checked_while_its_key_is_rotated_is_stored() {
    let world = World::new().await;
    let rotate = async |_: &ConnectionRegistry, connection: &Handle| {
        connection.webhooks().rotate_key().await.unwrap();
    };
    assert_eq!(received(&world, rotate).await.unwrap(), Receipt::Stored);
    assert_eq!(stored(&world).await, Some(1));
}
