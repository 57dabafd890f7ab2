//! Webhooks of the fake host: calls of the plugin with a credential that was serialized and parsed, as from a store.

use connection_contract::{
    ConnectionDefinition, Context, Delivery, NotAuthentic, Secret, SigningKey, WebhookEvent, Webhooks,
};

use crate::{FakeHost, fault::fail};

impl<D: ConnectionDefinition> FakeHost<D> {
    /// Lets the plugin receive a delivery with these keys, of which the newest is first.
    ///
    /// # Errors
    ///
    /// The error of [`Webhooks::receive`].
    #[track_caller]
    pub fn receive(
        &self,
        credential: &D::Credential,
        keys: &[Secret],
        delivery: &Delivery,
    ) -> Result<WebhookEvent, NotAuthentic> {
        let context = Context::new(self.world.services());
        self.webhooks().receive(&self.reparsed(credential), keys, delivery, &context)
    }

    /// Returns a delivery that the plugin signs as its provider does.
    ///
    /// # Errors
    ///
    /// The error of [`Webhooks::sign`].
    #[track_caller]
    pub fn sign_webhook(
        &self,
        credential: &D::Credential,
        key: Option<&Secret>,
        url: &str,
    ) -> Result<Delivery, NotAuthentic> {
        let context = Context::new(self.world.services());
        self.webhooks().sign(&self.reparsed(credential), key, url, &context)
    }

    /// Returns the key that the plugin finds in a delivery without a signature, if the delivery contains one.
    #[track_caller]
    pub fn handshake(&self, delivery: &Delivery) -> Option<Secret> {
        self.webhooks().handshake(delivery)
    }

    #[track_caller]
    pub(crate) fn signing_key(&self) -> SigningKey {
        self.webhooks().signing_key()
    }

    #[track_caller]
    fn webhooks(&self) -> &dyn Webhooks<D::Credential> {
        self.definition.webhooks().unwrap_or_else(|| fail("this kind has no webhooks"))
    }
}
