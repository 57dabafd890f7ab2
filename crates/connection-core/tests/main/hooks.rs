//! A plugin whose provider sends webhooks. It is correct unless a test configures otherwise.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use connection_contract::prelude::*;
use connection_core::{Connection, ConnectionRegistry, Receipt, ReceiveError};

use crate::test_host::connected_as;

pub(crate) const KIND: Kind = Kind::from_static("hooks");
pub(crate) const SIGNATURE: &str = "x-signature";

/// The behaviour of its check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Check {
    #[default]
    Compares,
    Believes,
    /// Does not report what was signed.
    Mute,
    Panics,
    Spins,
    /// Compares after another check is configured.
    Waits,
}

/// The kind `hooks`: any key is a credential.
#[derive(Clone, Debug)]
pub(crate) struct Hooks {
    source: SigningKey,
    /// The terms that the plugin states when it is registered.
    pub(crate) terms: Arc<Mutex<Option<&'static str>>>,
    pub(crate) check: Arc<Mutex<Check>>,
    running: Arc<Running>,
}

/// Counts the checks that run.
#[derive(Debug, Default)]
struct Running {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// A running check, until it is dropped.
struct Run<'a>(&'a Running);

impl<'a> Run<'a> {
    fn begin(running: &'a Running) -> Self {
        let now = running.now.fetch_add(1, Ordering::SeqCst) + 1;
        running.most.fetch_max(now, Ordering::SeqCst);
        Self(running)
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Hooks {
    pub(crate) fn new(source: SigningKey) -> Self {
        Self { source, terms: Arc::default(), check: Arc::default(), running: Arc::default() }
    }

    pub(crate) fn running(&self) -> usize {
        self.running.now.load(Ordering::SeqCst)
    }

    pub(crate) fn most_running(&self) -> usize {
        self.running.most.load(Ordering::SeqCst)
    }

    pub(crate) fn checks(&self, check: Check) {
        *self.check.lock().unwrap() = check;
    }
}

fn mac(key: &Secret, body: &Secret, ctx: &Context<'_>) -> String {
    encode::hex(&ctx.crypto().hmac_sha256(key, body.expose()))
}

impl ConnectionDefinition for Hooks {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new(KIND, "Hooks", AuthType::ApiKey).field(Field::secret("key", "Key"));
        self.terms.lock().unwrap().into_iter().fold(descriptor, Descriptor::terms)
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let key = ctx.prompt(Prompt::new("?").field("key")).await.secret("key")?;
        let account = key.expose_str().unwrap_or_default().to_owned();
        Ok(SetupResult::new(key, Identity::new(account.clone(), account)))
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

    fn webhooks(&self) -> Option<&dyn Webhooks<Secret>> {
        Some(self)
    }
}

impl Webhooks<Secret> for Hooks {
    fn signing_key(&self) -> SigningKey {
        self.source
    }

    fn receive(
        &self,
        credential: &Secret,
        keys: &[Secret],
        delivery: &Delivery,
        ctx: &Context<'_>,
    ) -> Result<WebhookEvent, NotAuthentic> {
        let _run = Run::begin(&self.running);
        let check = *self.check.lock().unwrap();
        let event = || WebhookEvent::new("thing.made", delivery.body().duplicate());
        match check {
            Check::Compares => {}
            Check::Waits => {
                while *self.check.lock().unwrap() == Check::Waits {
                    std::thread::yield_now();
                }
            }
            Check::Believes => return Ok(event()),
            Check::Mute => return Ok(WebhookEvent::new("thing.made", Secret::from(""))),
            Check::Panics => panic!("{:?}", delivery.body().expose_str()),
            Check::Spins => loop {
                std::thread::yield_now();
                if *self.check.lock().unwrap() != Check::Spins {
                    return Ok(event());
                }
            },
        }
        let own = [credential.duplicate()];
        let keys = if self.source == SigningKey::Credential { &own } else { keys };
        let came = delivery.header(SIGNATURE).ok_or(NotAuthentic::Signature)?;
        let is_signed_by =
            |key: &Secret| ctx.crypto().equal(mac(key, delivery.body(), ctx).as_bytes(), came.as_bytes());
        keys.iter().any(is_signed_by).then(event).ok_or(NotAuthentic::Signature)
    }

    fn handshake(&self, delivery: &Delivery) -> Option<Secret> {
        delivery.json().ok()?["token"].as_str().map(Secret::from)
    }

    fn sign(
        &self,
        credential: &Secret,
        key: Option<&Secret>,
        url: &str,
        ctx: &Context<'_>,
    ) -> Result<Delivery, NotAuthentic> {
        let key = if self.source == SigningKey::Credential { Some(credential) } else { key };
        let key = key.filter(|key| key.expose() != b"signs-nothing");
        let key = key.ok_or_else(|| NotAuthentic::no_key("there is none"))?;
        let body = Secret::from(format!(r#"{{"test":"{}"}}"#, encode::hex(&ctx.random::<8>())));
        let headers = vec![(SIGNATURE.to_owned(), mac(key, &body, ctx))];
        Ok(Delivery::new("POST", url, headers, body, ctx.now()))
    }
}

/// Returns a connection with an address.
pub(crate) async fn enabled(registry: &ConnectionRegistry, credential: &str) -> Connection {
    let connection = connected_as(registry, &KIND, &[("key", credential)]).await;
    connection.webhooks().enable().await.unwrap();
    connection
}

/// Returns the token of its address.
pub(crate) async fn token(connection: &Connection) -> String {
    connection.webhooks().info().await.unwrap().unwrap().path_token
}

/// Returns the headers of a delivery that is signed with the newest key.
pub(crate) async fn signed(connection: &Connection, body: &str) -> Vec<(String, String)> {
    sign(&connection.webhooks().key().await.unwrap(), body)
}

/// Returns the headers of a delivery that is signed with that key.
pub(crate) fn sign(key: &Secret, body: &str) -> Vec<(String, String)> {
    let mac = connection_testkit::hmac_sha256(key.expose(), body.as_bytes());
    vec![(SIGNATURE.to_owned(), encode::hex(&mac)), ("Content-Type".to_owned(), "application/json".to_owned())]
}

/// Sends a request to an address.
pub(crate) async fn send(
    registry: &ConnectionRegistry,
    token: &str,
    headers: Vec<(String, String)>,
    body: &str,
) -> Result<Receipt, ReceiveError> {
    let url = format!("https://host.example/webhooks/{token}?a=b");
    registry.webhooks().receive(token, "POST", &url, headers, Secret::from(body)).await
}

/// Sends a delivery, signed with the newest key, to the connection's address.
pub(crate) async fn deliver(connection: &Connection, registry: &ConnectionRegistry, body: &str) -> Receipt {
    let headers = signed(connection, body).await;
    send(registry, &token(connection).await, headers, body).await.unwrap()
}
