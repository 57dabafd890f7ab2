//! The public interface of webhooks: the deliveries to all addresses, and the address of one connection.

use super::System;
use crate::{BeginDeliveries, Connection, ground::Scope};

/// The webhooks of all connections: deliveries of providers, and the stored events for the host.
///
/// A host that accepts requests passes each delivery to [`receive`](Self::receive), which stores it, and then answers
/// the provider. It takes the stored events from [`deliveries`](Self::deliveries), in this process or in another one.
/// [`Connection::webhooks`] has the address at which a provider sends.
///
/// # Examples
///
/// ```
/// use connection_core::{ConnectionRegistry, Error};
///
/// async fn work(registry: &ConnectionRegistry) -> Result<(), Error> {
///     let mut deliveries = registry.webhooks().deliveries().await?;
///     while let Some(event) = deliveries.next().await {
///         let event = event?;
///         println!("{}: {}", event.connection(), event.name());
///         // Until it is acknowledged, the event is delivered again.
///         event.acknowledge().await?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Webhooks<'a> {
    pub(super) scope: Scope<'a, System>,
}

impl<'a> Webhooks<'a> {
    pub(crate) fn new(scope: Scope<'a, System>) -> Self {
        Self { scope }
    }

    /// Returns a stream of the events that providers sent to this owner's connections. Events that already wait
    /// come first.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    pub fn deliveries(self) -> BeginDeliveries {
        BeginDeliveries::new(self.scope.on(&self.scope.system.ground))
    }
}

/// The webhooks of one connection: its address, the keys that sign its deliveries, and its inbox.
///
/// [`enable`](Self::enable) creates the address, which a person enters at the provider with the [`key`](Self::key).
/// [`deliveries`](Self::deliveries) returns the events that arrive there.
///
/// # Examples
///
/// ```
/// use connection_core::{Connection, Error};
///
/// /// Returns the secret end of the address that a person enters at the provider.
/// async fn subscribe(connection: &Connection) -> Result<String, Error> {
///     let webhooks = connection.webhooks();
///     let info = webhooks.enable().await?;
///     if info.keys.len() > 1 {
///         webhooks.end_grace().await?;
///     }
///     Ok(info.path_token)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ConnectionWebhooks<'a> {
    pub(super) connection: &'a Connection,
}

impl Connection {
    /// Returns the webhooks of this connection.
    pub fn webhooks(&self) -> ConnectionWebhooks<'_> {
        ConnectionWebhooks { connection: self }
    }
}

impl ConnectionWebhooks<'_> {
    /// Returns a stream of this connection's events, as [`Webhooks::deliveries`] does for all connections.
    pub fn deliveries(self) -> BeginDeliveries {
        BeginDeliveries::new(self.connection.scope().on(&self.connection.system.ground))
            .connection(self.connection.id())
    }
}
