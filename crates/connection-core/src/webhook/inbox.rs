//! The events in an inbox: each is stored sealed, as it was received, until it is acknowledged.

use std::{fmt, sync::Arc};

use connection_contract::{BoxFuture, Delivery, DisplayText, Kind, Record, Secret, Timestamp, WebhookEvent};
use uuid::Uuid;

use crate::{
    ConnectionId, Error, SealError,
    ground::Ground,
    keys::Sealer,
    store::{Lock, WEBHOOK, rows::WaitingRow},
};

/// An event of a provider that was received and stored. It is delivered again until it is
/// [acknowledged](Self::acknowledge). `Debug` shows neither its body nor its query.
pub struct ReceivedEvent {
    ground: Arc<Ground>,
    id: Uuid,
    connection: ConnectionId,
    kind: Kind,
    number: u64,
    received_at: Timestamp,
    name: DisplayText,
    content_type: String,
    query: Secret,
    body: Secret,
}

impl fmt::Debug for ReceivedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedEvent")
            .field("connection", &self.connection)
            .field("kind", &self.kind)
            .field("number", &self.number)
            .field("received_at", &self.received_at)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl ReceivedEvent {
    /// Returns the id of the connection that received the event.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Returns the kind of the connection.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Returns the number of the event. The events of one connection are numbered in the order in which they were
    /// stored.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the time at which the event was received.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// Returns the provider's name of the event, as its plugin found it, such as `push`. Not every provider signs
    /// it.
    pub fn name(&self) -> &DisplayText {
        &self.name
    }

    /// Returns the content type that the delivery declared, such as `application/json`. No provider signs it.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Returns the query of the address, after the `?`.
    pub fn query(&self) -> &Secret {
        &self.query
    }

    /// Returns the body exactly as it was received.
    pub fn body(&self) -> &Secret {
        &self.body
    }

    /// Acknowledges the event: it is not delivered again, and its content is deleted.
    ///
    /// # Repetition
    ///
    /// Calling this again changes nothing, even if another caller has claimed the event or its connection was
    /// removed.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the event may have been acknowledged.
    ///
    /// # Errors
    ///
    /// Errors of the store. The event is then delivered again.
    pub fn acknowledge(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let id = self.id;
            let connection = self.connection;
            let now = self.ground.clock.now().seconds();
            let done = self.ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Connection(connection)).await?;
                    tx.acknowledge_webhook(id, connection, now).await
                })
            });
            Ok(done.await.map(drop)?)
        })
    }

    /// Opens the sealed content of a row.
    pub(super) async fn of(ground: &Arc<Ground>, row: WaitingRow) -> Result<Self, Error> {
        let WaitingRow { id, connection_id, owner, kind, number, received_at, sealed } = row;
        // The number of an event is not known when it is sealed.
        let cell = WEBHOOK.at(id, 0, &owner, &kind);
        let named = |error: Error| error.within(format_args!("event {number} of connection {connection_id}"));
        let unreadable = || named(Error::sealed(&cell, SealError::UnknownFormat));
        let content = ground.open(&cell, &sealed).await.map_err(named)?;
        let read = || {
            let mut record = Record::decode(content.expose()).ok()?;
            // Rejects a row that was moved to another connection of the same owner.
            (record.text("connection").ok()? == connection_id.to_string()).then_some(())?;
            let text = |name| record.text(name).ok().map(ToOwned::to_owned);
            let name = text("name")?;
            let content_type = text("content_type")?;
            Some((name, content_type, record.take("query").ok()?, record.take("body").ok()?))
        };
        let (name, content_type, query, body) = read().ok_or_else(unreadable)?;
        Ok(Self {
            ground: ground.clone(),
            id,
            connection: connection_id,
            kind: Kind::parse(&kind).ok_or_else(unreadable)?,
            number: u64::try_from(number).unwrap_or_default(),
            received_at: Timestamp::from_seconds(received_at),
            name: name.into(),
            content_type,
            query,
            body,
        })
    }
}

/// Returns the content of an event to seal.
pub(super) fn encode(connection: ConnectionId, event: &WebhookEvent, delivery: &Delivery) -> Secret {
    let query = delivery.url().split_once('?').map_or("", |(_, query)| query);
    Record::new()
        .with("connection", connection.to_string())
        .with("name", event.name.as_str())
        .with("content_type", delivery.header("content-type").unwrap_or_default())
        .with("query", query)
        .with("body", delivery.body().duplicate())
        .encode()
}

/// Returns an identifier of the signed content that reveals nothing about it. It stays the same for the lifetime of
/// the store, also after the key was rotated.
pub(super) fn digest(sealer: &Sealer, connection: ConnectionId, signed: &Secret) -> [u8; 32] {
    let bytes = Secret::concat(&[connection.as_uuid().as_bytes(), signed.expose()]);
    sealer.mac("connections/webhook-event/v1", bytes.expose())
}
