//! What a fake host does with webhooks: the plugin's own checks, with the credential as it would come from the store.

use connection_contract::{
    ConnectionDefinition, Context, Delivery, NotAuthentic, Secret, SigningKey, WebhookEvent, Webhooks,
};

use crate::{FakeHost, fault::fail};

impl<D: ConnectionDefinition> FakeHost<D> {
    /// Gives the plugin a delivery with these keys, the newest first.
    ///
    /// # Errors
    /// As [`Webhooks::receive`].
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

    /// A delivery that the plugin signs as its provider would.
    ///
    /// # Errors
    /// As [`Webhooks::sign`].
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

    /// The key that the plugin finds in a delivery which nothing proves.
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
