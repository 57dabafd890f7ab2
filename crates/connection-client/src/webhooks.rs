//! The address for webhooks of a connection, its keys, and what arrived there.

use connection_api::{Delivery, Empty, Page, Webhook, WebhookCheck};

use crate::{Client, Error};

impl Client {
    /// Returns the settings for webhooks of a connection, without the address and the keys.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection); with the code `not_supported` if its kind has no webhooks.
    pub async fn webhook(&self, id: &str) -> Result<Webhook, Error> {
        self.get(&["connections", id, "webhook"]).answer().await
    }

    /// Returns the settings with the address and the newest key, which a person enters at the provider.
    ///
    /// # Errors
    ///
    /// As [`webhook`](Self::webhook); with the code `webhook_disabled` if there is no address.
    pub async fn reveal_webhook(&self, id: &str) -> Result<Webhook, Error> {
        self.post(&["connections", id, "webhook", "reveal"]).body(&Empty {}, 0).answer().await
    }

    /// Gives a connection an address for webhooks, and a key if the provider needs one. The answer has both.
    ///
    /// # Errors
    ///
    /// As [`webhook`](Self::webhook); with the code `no_public_url` if no provider can reach the server.
    pub async fn enable_webhook(&self, id: &str) -> Result<Webhook, Error> {
        self.post(&["connections", id, "webhook"]).body(&Empty {}, 0).answer().await
    }

    /// Makes a new key, and returns the settings with it. The former key stays valid for seven days.
    ///
    /// # Errors
    ///
    /// As [`reveal_webhook`](Self::reveal_webhook).
    pub async fn rotate_webhook_key(&self, id: &str) -> Result<Webhook, Error> {
        self.post(&["connections", id, "webhook", "key"]).body(&Empty {}, 0).answer().await
    }

    /// Ends the validity of all keys but the newest.
    ///
    /// # Errors
    ///
    /// As [`reveal_webhook`](Self::reveal_webhook).
    pub async fn end_webhook_grace(&self, id: &str) -> Result<Webhook, Error> {
        self.post(&["connections", id, "webhook", "end-grace"]).body(&Empty {}, 0).answer().await
    }

    /// Lets the server wait fifteen minutes for the key that the provider sends.
    ///
    /// # Errors
    ///
    /// As [`reveal_webhook`](Self::reveal_webhook).
    pub async fn await_webhook_key(&self, id: &str) -> Result<Webhook, Error> {
        self.post(&["connections", id, "webhook", "handshake"]).body(&Empty {}, 0).answer().await
    }

    /// Takes the address of a connection away. The events that wait are kept.
    ///
    /// # Errors
    ///
    /// As [`webhook`](Self::webhook).
    pub async fn disable_webhook(&self, id: &str) -> Result<Webhook, Error> {
        self.delete(&["connections", id, "webhook"]).answer().await
    }

    /// Lets the server send a signed delivery to the address, and returns whether it arrives.
    ///
    /// # Errors
    ///
    /// As [`enable_webhook`](Self::enable_webhook).
    pub async fn test_webhook(&self, id: &str) -> Result<WebhookCheck, Error> {
        self.post(&["connections", id, "webhook", "test"]).body(&Empty {}, 0).answer().await
    }

    /// Returns a page of the deliveries that wait, oldest first, and takes none. `after` is `next` of the page before.
    ///
    /// # Errors
    ///
    /// As [`webhook`](Self::webhook).
    pub async fn deliveries(&self, id: &str, after: Option<&str>) -> Result<Page<Delivery>, Error> {
        self.get(&["connections", id, "webhook", "deliveries"]).query("after", after).answer().await
    }
}
