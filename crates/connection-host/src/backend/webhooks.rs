//! The address for webhooks of a connection, its keys, and what arrived there.

use async_trait::async_trait;
use connection_api::{Delivery, Page, Webhook, WebhookCheck};
use connection_contract::{Secret, SigningKey};
use connection_core::{Connection, Cursor, WebhookInfo};
use connection_inbound::PublicUrl;
use connection_server::{convert, view};

use super::{Local, Remote};
use crate::Error;

/// The operations on webhooks of the connection with an id.
#[async_trait(?Send)]
pub(crate) trait Webhooks {
    /// Returns the settings, with the address if it is to be revealed.
    async fn webhook(&self, id: &str, reveals: bool) -> Result<Webhook, Error>;

    /// Returns the settings with the address and the newest key.
    async fn reveal_webhook(&self, id: &str) -> Result<Webhook, Error>;

    /// Gives the connection an address. Returns the settings with the address and the key, if there is one.
    async fn enable_webhook(&self, id: &str) -> Result<Webhook, Error>;

    /// Makes a new key. Returns the settings with the address and the key.
    async fn rotate_webhook_key(&self, id: &str) -> Result<Webhook, Error>;

    /// Ends all keys but the newest.
    async fn end_webhook_grace(&self, id: &str) -> Result<(), Error>;

    /// Waits for the key that the provider sends.
    async fn await_webhook_key(&self, id: &str) -> Result<(), Error>;

    /// Takes the address away. Returns the settings.
    async fn disable_webhook(&self, id: &str) -> Result<Webhook, Error>;

    /// Sends a signed delivery to the address, and says whether it arrives.
    async fn test_webhook(&self, id: &str) -> Result<WebhookCheck, Error>;

    /// Returns a page of the deliveries that wait, oldest first.
    async fn deliveries(&self, id: &str, after: Option<&str>) -> Result<Page<Delivery>, Error>;

    /// Returns the address that leads to the server, if it is known here.
    fn public_url(&self) -> Option<&PublicUrl>;
}

impl Local {
    /// Returns the public URL, which leads to `serve`.
    fn configured_url(&self) -> Result<&PublicUrl, Error> {
        self.settings.public_url()
    }

    async fn revealed(&self, connection: &Connection, info: &WebhookInfo) -> Result<Webhook, Error> {
        let url = self.public_url();
        let address = url.map(|url| url.webhook(&info.path_token));
        let has_key = info.signing_key != SigningKey::Credential && !info.keys.is_empty();
        let key = if has_key { Some(connection.webhooks().key().await?) } else { None };
        let key = key.as_ref().and_then(Secret::expose_str);
        Ok(convert::webhook(connection.info(), Some(info), address, key, view::last_test(info, url)))
    }
}

#[async_trait(?Send)]
impl Webhooks for Local {
    async fn webhook(&self, id: &str, reveals: bool) -> Result<Webhook, Error> {
        let connection = self.connection(id).await?;
        let info = connection.webhooks().info().await?;
        let url = self.public_url();
        let address = info.as_ref().zip(url).filter(|_| reveals).map(|(info, url)| url.webhook(&info.path_token));
        let tested = info.as_ref().and_then(|info| view::last_test(info, url));
        Ok(convert::webhook(connection.info(), info.as_ref(), address, None, tested))
    }

    async fn reveal_webhook(&self, id: &str) -> Result<Webhook, Error> {
        let connection = self.connection(id).await?;
        // The core refuses a connection without an address or without a key, with the right message.
        let key = connection.webhooks().key().await?;
        let info = connection.webhooks().info().await?;
        let url = self.public_url();
        let address = info.as_ref().zip(url).map(|(info, url)| url.webhook(&info.path_token));
        let tested = info.as_ref().and_then(|info| view::last_test(info, url));
        Ok(convert::webhook(connection.info(), info.as_ref(), address, key.expose_str(), tested))
    }

    async fn enable_webhook(&self, id: &str) -> Result<Webhook, Error> {
        self.configured_url()?;
        let connection = self.connection(id).await?;
        let mut info = connection.webhooks().enable().await?;
        if info.signing_key == SigningKey::Handshake && info.keys.is_empty() {
            // The provider sends its key as soon as the address is entered there.
            info = connection.webhooks().await_handshake().await?;
        }
        self.revealed(&connection, &info).await
    }

    async fn rotate_webhook_key(&self, id: &str) -> Result<Webhook, Error> {
        let connection = self.connection(id).await?;
        let info = connection.webhooks().rotate_key().await?;
        self.revealed(&connection, &info).await
    }

    async fn end_webhook_grace(&self, id: &str) -> Result<(), Error> {
        Ok(self.connection(id).await?.webhooks().end_grace().await.map(drop)?)
    }

    async fn await_webhook_key(&self, id: &str) -> Result<(), Error> {
        Ok(self.connection(id).await?.webhooks().await_handshake().await.map(drop)?)
    }

    async fn disable_webhook(&self, id: &str) -> Result<Webhook, Error> {
        let connection = self.connection(id).await?;
        connection.webhooks().disable().await?;
        Ok(convert::webhook(connection.info(), None, None, None, None))
    }

    async fn test_webhook(&self, id: &str) -> Result<WebhookCheck, Error> {
        let url = self.configured_url()?;
        Ok(view::webhook_check(&self.connection(id).await?, url).await?)
    }

    async fn deliveries(&self, id: &str, after: Option<&str>) -> Result<Page<Delivery>, Error> {
        let page = self.connection(id).await?.webhooks().inbox(after.map(Cursor::from)).await?;
        let items = page.items.iter().map(convert::delivery).collect();
        Ok(Page { items, next: page.next.map(|next| next.to_string()) })
    }

    fn public_url(&self) -> Option<&PublicUrl> {
        self.settings.inbound.public_url.as_ref()
    }
}

#[async_trait(?Send)]
impl Webhooks for Remote {
    async fn webhook(&self, id: &str, reveals: bool) -> Result<Webhook, Error> {
        let shown = self.client.webhook(id).await?;
        if !shown.enabled || !reveals {
            return Ok(shown);
        }
        let address = self.client.reveal_webhook(id).await?.address;
        Ok(Webhook { address, ..shown })
    }

    async fn reveal_webhook(&self, id: &str) -> Result<Webhook, Error> {
        Ok(self.client.reveal_webhook(id).await?)
    }

    async fn enable_webhook(&self, id: &str) -> Result<Webhook, Error> {
        Ok(self.client.enable_webhook(id).await?)
    }

    async fn rotate_webhook_key(&self, id: &str) -> Result<Webhook, Error> {
        Ok(self.client.rotate_webhook_key(id).await?)
    }

    async fn end_webhook_grace(&self, id: &str) -> Result<(), Error> {
        Ok(self.client.end_webhook_grace(id).await.map(drop)?)
    }

    async fn await_webhook_key(&self, id: &str) -> Result<(), Error> {
        Ok(self.client.await_webhook_key(id).await.map(drop)?)
    }

    async fn disable_webhook(&self, id: &str) -> Result<Webhook, Error> {
        Ok(self.client.disable_webhook(id).await?)
    }

    async fn test_webhook(&self, id: &str) -> Result<WebhookCheck, Error> {
        Ok(self.client.test_webhook(id).await?)
    }

    async fn deliveries(&self, id: &str, after: Option<&str>) -> Result<Page<Delivery>, Error> {
        Ok(self.client.deliveries(id, after).await?)
    }

    fn public_url(&self) -> Option<&PublicUrl> {
        None
    }
}
