//! What is in an inbox: an event as it was received, sealed, until it is acknowledged.

use std::{fmt, sync::Arc};

use connection_contract::{Delivery, DisplayText, Kind, Record, Secret, Timestamp, WebhookEvent};
use uuid::Uuid;

use super::REMEMBERED;
use crate::{
    ConnectionId, Error, SealError,
    registry::Shared,
    seal::{Place, Sealer},
    store::{Lock, rows::WaitingRow},
};

/// Something that happened at a provider, received and stored. It is handed over again until it is
/// [acknowledged](Self::acknowledge). `Debug` shows neither its body nor its query.
pub struct ReceivedEvent {
    shared: Arc<Shared>,
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
    /// Of which connection.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Of which kind that is.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// In the order in which they were stored, for each connection.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// When it came.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The provider's name of it, as its plugin found it: `push`. Not each provider signs it.
    pub fn name(&self) -> &DisplayText {
        &self.name
    }

    /// What the body was said to be: `application/json`. It is signed by no provider.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// What stood behind the `?` of the address.
    pub fn query(&self) -> &Secret {
        &self.query
    }

    /// The bytes as they came.
    pub fn body(&self) -> &Secret {
        &self.body
    }

    /// Says that it was dealt with: it does not come again, and its content is deleted.
    ///
    /// # Repetition
    ///
    /// Once is as good as twice, also where somebody else has it meanwhile, or its connection is gone.
    ///
    /// # Cancellation
    ///
    /// Dropped, it may have been done.
    ///
    /// # Errors
    ///
    /// The store's: it comes again.
    pub async fn acknowledge(&self) -> Result<(), Error> {
        let (id, connection, now) = (self.id, self.connection, self.shared.clock.now().seconds());
        let done = self.shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Connection(connection)).await?;
                tx.forget_webhooks(connection, now.saturating_sub(REMEMBERED)).await?;
                tx.acknowledge_webhook(id, connection, now).await
            })
        });
        Ok(done.await.map(drop)?)
    }

    /// Opens a row.
    pub(super) async fn of(shared: &Arc<Shared>, row: WaitingRow) -> Result<Self, Error> {
        let WaitingRow { id, connection_id, owner, kind, number, received_at, sealed } = row;
        let failed = |error| {
            let what = format!("webhook {number} of connection {connection_id}");
            Error::Sealed { what, source: Arc::new(error) }
        };
        let content = shared.sealer.open(&place(&id, &owner, &kind), &sealed).await.map_err(failed)?;
        let read = || {
            let mut record = Record::decode(content.expose()).ok()?;
            // A row that was moved to another connection of the same owner is none of its events.
            (record.text("connection").ok()? == connection_id.to_string()).then_some(())?;
            let text = |name| record.text(name).ok().map(ToOwned::to_owned);
            let (name, content_type) = (text("name")?, text("content_type")?);
            Some((name, content_type, record.take("query").ok()?, record.take("body").ok()?))
        };
        let (name, content_type, query, body) = read().ok_or_else(|| failed(SealError::UnknownFormat))?;
        Ok(Self {
            shared: shared.clone(),
            id,
            connection: connection_id,
            kind: Kind::parse(&kind).ok_or_else(|| failed(SealError::UnknownFormat))?,
            number: u64::try_from(number).unwrap_or_default(),
            received_at: Timestamp::from_seconds(received_at),
            name: name.into(),
            content_type,
            query,
            body,
        })
    }
}

/// What is sealed of an event.
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

/// Where it is.
pub(super) fn place<'a>(id: &'a Uuid, owner: &'a str, kind: &'a str) -> Place<'a> {
    Place { table: "connection_webhook", column: "sealed", key: id.as_bytes(), owner, kind, sequence: 0 }
}

/// A name for what was signed, of which it tells nothing: the same for as long as the store lives, whatever key seals.
pub(super) fn digest(sealer: &Sealer, connection: ConnectionId, signed: &Secret) -> [u8; 32] {
    let bytes = Secret::concat(&[connection.as_uuid().as_bytes(), signed.expose()]);
    sealer.mac("connections/webhook-event/v1", bytes.expose())
}
