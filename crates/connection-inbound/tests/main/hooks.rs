//! A plugin whose provider sends webhooks and signs the address, the method and the body with a key of the host.

use connection_contract::prelude::*;
use connection_core::{Connection, ConnectionRegistry, Outcome};
use connection_faults::{scripted::Scripted, setups::connect, signed_webhooks::SignedWebhooks};

const HOOKS: Kind = Kind::from_static("hooks");

/// Returns the kind `hooks`: any key is a credential.
pub(crate) fn hooks() -> Scripted {
    let descriptor = Descriptor::new(HOOKS, "Hooks", AuthType::ApiKey).field(Field::secret("key", "Key"));
    Scripted::new(descriptor).webhooks(SignedWebhooks)
}

/// Returns the signature of the provider.
pub(crate) fn signature(key: &Secret, method: &str, url: &str, body: &[u8]) -> String {
    let text = [format!("{method} {url}\n").as_bytes(), body].concat();
    encode::hex(&connection_testkit::hmac_sha256(key.expose(), &text))
}

/// Connects and enables webhooks; returns the connection, the token of its address, and the key.
pub(crate) async fn enabled(registry: &ConnectionRegistry) -> (Connection, String, Secret) {
    let Outcome::Done(done) = connect(registry, &HOOKS, &[("key", "ada")]).await else { panic!("not connected") };
    let connection = registry.connection(done.connection).await.unwrap();
    let token = connection.webhooks().enable().await.unwrap().path_token;
    let key = connection.webhooks().key().await.unwrap();
    (connection, token, key)
}
