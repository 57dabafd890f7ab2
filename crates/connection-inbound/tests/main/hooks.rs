//! A plugin whose provider sends webhooks and signs the address, the method and the body with a key of the host.

use connection_contract::prelude::*;
use connection_core::{Connection, ConnectionRegistry, Outcome};

pub(crate) const HOOKS: Kind = Kind::from_static("hooks");
pub(crate) const SIGNATURE: &str = "x-signature";

#[derive(Clone)]
pub(crate) struct Hooks;

/// Returns the signature of the provider.
pub(crate) fn signature(key: &Secret, method: &str, url: &str, body: &[u8]) -> String {
    let text = [format!("{method} {url}\n").as_bytes(), body].concat();
    encode::hex(&connection_testkit::hmac_sha256(key.expose(), &text))
}

impl ConnectionDefinition for Hooks {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(HOOKS, "Hooks", AuthType::ApiKey).field(Field::secret("key", "Key"))
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let key = ctx.prompt(Prompt::new("?").field("key")).await.secret("key")?;
        let account = key.expose_str().unwrap_or_default().to_owned();
        let live = VerifyResult::live();
        Ok(SetupResult::new(key, Identity::new(account.clone(), account)).measured(live))
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
        SigningKey::Generated
    }

    fn receive(
        &self,
        _: &Secret,
        keys: &[Secret],
        delivery: &Delivery,
        ctx: &Context<'_>,
    ) -> Result<WebhookEvent, NotAuthentic> {
        let came = delivery.header(SIGNATURE).ok_or(NotAuthentic::Signature)?;
        let head = format!("{} {}\n", delivery.method(), delivery.url());
        let text = [head.as_bytes(), delivery.body().expose()].concat();
        let is_signed_by = |key: &Secret| {
            let mac = encode::hex(&ctx.crypto().hmac_sha256(key, &text));
            ctx.crypto().equal(mac.as_bytes(), came.as_bytes())
        };
        let signed = keys.iter().any(is_signed_by);
        signed.then(|| WebhookEvent::new("came", Secret::new(text))).ok_or(NotAuthentic::Signature)
    }

    fn handshake(&self, _: &Delivery) -> Option<Secret> {
        None
    }

    fn sign(&self, _: &Secret, key: Option<&Secret>, url: &str, ctx: &Context<'_>) -> Result<Delivery, NotAuthentic> {
        let key = key.ok_or_else(|| NotAuthentic::no_key("there is none"))?;
        let headers = vec![(SIGNATURE.to_owned(), signature(key, "POST", url, b"test"))];
        Ok(Delivery::new("POST", url, headers, Secret::from("test"), ctx.now()))
    }
}

/// Connects and enables webhooks; returns the connection, the token of its address, and the key.
pub(crate) async fn enabled(registry: &ConnectionRegistry) -> (Connection, String, Secret) {
    let session = registry.setups().begin(&HOOKS).await.unwrap();
    let (no, _) = session.next_step().await.unwrap().unwrap();
    session.advance(no, &[("key".to_owned(), Secret::from("ada"))]).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("not connected") };
    let connection = registry.connection(done.connection).await.unwrap();
    let token = connection.webhooks().enable().await.unwrap().path_token;
    let key = connection.webhooks().key().await.unwrap();
    (connection, token, key)
}
