//! Receives deliveries to the address of a connection: the plugin checks them, and they are stored before the
//! provider gets an answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use connection_contract::{
    BoxFuture, ConnectionError, Crypto as _, Delivery, NotAuthentic, Secret, SigningKey, WebhookEvent,
};

use super::{
    DEDUPLICATION_SECONDS, GRACE, MAX_KEYS, MAX_WAITING, MAX_WAITING_BYTES, System,
    call_plugin::call,
    inbox,
    manage::{AddressChange, token_hash},
};
use crate::{
    Connection, ConnectionWebhooks, Error, Webhooks,
    definition::DeliveryResult,
    event,
    ground::Scope,
    kinds::KindEntry,
    store::{Lock, WEBHOOK, rows::WebhookRow},
};

/// The maximum size of a body, in bytes.
const MAX_BODY_LENGTH: usize = 1024 * 1024;
/// The maximum size of the method, the headers and the address together, in bytes.
const MAX_HEAD_LENGTH: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;
/// The length of a token: 32 bytes in base64url.
const TOKEN: usize = 43;
const MAX_KEY_LENGTH: usize = 1024;
/// The longest time that a delivery waits until others of its connection have been checked.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// The time after which a provider may retry, if too many deliveries were being checked at once.
const RETRY_SOON: Duration = Duration::from_secs(5);
/// The time after which a provider may retry, if the inbox of the connection was full.
const RETRY_LATER: Duration = Duration::from_secs(60);

/// The result of an authentic delivery. The provider gets the answer that the delivery arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Receipt {
    /// The event was stored in the inbox.
    Stored,
    /// The same event had arrived before.
    Duplicate,
    /// The delivery contained the key of a handshake.
    Handshake,
}

/// The reason why a delivery was rejected. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// Too many deliveries of this connection are being checked in this process. The provider will retry.
    #[error("too many deliveries of this connection are being checked")]
    Busy,
    /// Too many events of this connection wait already, or they are too large together. The provider will retry.
    #[error("the inbox of this connection is full")]
    Full,
    /// The delivery cannot be authenticated. The reason is only for the log and is not sent to the sender.
    #[error(transparent)]
    NotAuthentic(NotAuthentic),
    /// The body, the headers or the address of the delivery are too long.
    #[error("the delivery is too large")]
    TooLarge,
    /// The delivery cannot be checked or stored now. The provider will retry.
    #[error("the delivery cannot be checked or stored")]
    Unavailable(#[source] Error),
    /// No connection has this address for webhooks.
    #[error("nothing is received at this address")]
    Unknown,
}

impl ReceiveError {
    /// Returns the stable code for programs, as listed in `docs/spec/webhooks.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Busy => "webhook_busy",
            Self::Full => "webhook_inbox_full",
            Self::NotAuthentic(_) => "webhook_not_authentic",
            Self::TooLarge => "webhook_too_large",
            Self::Unavailable(error) => error.code(),
            Self::Unknown => "webhook_unknown",
        }
    }

    /// Returns the status code of the answer (RFC 9110, section 15). The sender gets no other information.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unknown => 404,
            Self::NotAuthentic(_) => 401,
            Self::TooLarge => 413,
            Self::Busy | Self::Full | Self::Unavailable(_) => 503,
        }
    }

    /// Returns the time after which the sender may retry, for `Retry-After` (RFC 9110, section 10.2.3), if it is
    /// known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy => Some(RETRY_SOON),
            Self::Full => Some(RETRY_LATER),
            Self::NotAuthentic(_) | Self::TooLarge | Self::Unavailable(_) | Self::Unknown => None,
        }
    }
}

impl From<Error> for ReceiveError {
    fn from(error: Error) -> Self {
        Self::Unavailable(error)
    }
}

impl From<crate::StoreError> for ReceiveError {
    fn from(error: crate::StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl<'a> Webhooks<'a> {
    /// Receives a delivery to `…/TOKEN`, of any owner.
    ///
    /// `url` is the public address as the provider knows it, with the query of the request, whatever a proxy or the
    /// request's `Host` says. `headers` and `body` are as they arrived. When this returns a receipt, the event is
    /// stored, and the host may answer the provider.
    ///
    /// # Repetition
    ///
    /// The same signed content is one event, in any process and after any restart, until a week after it was
    /// acknowledged.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the event may have been stored.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`]. The body of a delivery that is not authentic is neither kept, logged nor trusted.
    pub fn receive(
        self,
        token: &'a str,
        method: &'a str,
        url: &'a str,
        headers: Vec<(String, String)>,
        body: Secret,
    ) -> BoxFuture<'a, Result<Receipt, ReceiveError>> {
        Box::pin(async move {
            let head = headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
            if body.expose().len() > MAX_BODY_LENGTH
                || headers.len() > MAX_HEADERS
                || head + url.len() + method.len() > MAX_HEAD_LENGTH
            {
                return Err(ReceiveError::TooLarge);
            }
            let connection = self.addressed(token).await?;
            let delivery = Delivery::new(method.to_owned(), url, headers, body, connection.system.ground.clock.now());
            let received = connection.webhooks().take(self.scope.system, token, delivery).await;
            if let Err(error) = &received {
                let id = connection.id();
                let kind = &connection.info.kind;
                let code = error.code();
                tracing::info!(connection = %id, kind = %kind, code, %error, "a webhook was refused");
            }
            received
        })
    }

    /// Returns `true` if `…/TOKEN` is the address of a connection, of any owner.
    ///
    /// A host that accepts requests itself calls this before it reads a body, so that a sender who guesses an
    /// address gets no memory and no time.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    pub fn is_address(self, token: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            if token.len() != TOKEN {
                return Ok(false);
            }
            let system = self.scope.system;
            let hash = token_hash(&system.ground, &Secret::from(token));
            Ok(system.ground.reader().await?.find_webhook_address(&hash).await?.is_some())
        })
    }

    /// Returns the connection with this address, among those of all owners.
    async fn addressed(&self, token: &str) -> Result<Connection, ReceiveError> {
        if token.len() != TOKEN {
            return Err(ReceiveError::Unknown);
        }
        let system = self.scope.system;
        let hash = token_hash(&system.ground, &Secret::from(token));
        let found = system.ground.reader().await?.find_webhook_address(&hash).await?;
        let found = found.ok_or(ReceiveError::Unknown)?;
        let scope = Scope { system: &system.connection, owner: &found.owner };
        match Connection::find(scope, found.connection_id).await {
            Ok(connection) => Ok(connection),
            // The connection was removed in between.
            Err(Error::NotFound(_)) => Err(ReceiveError::Unknown),
            Err(error) => Err(error.into()),
        }
    }
}

impl ConnectionWebhooks<'_> {
    async fn take(self, system: &System, token: &str, delivery: Delivery) -> Result<Receipt, ReceiveError> {
        let (kind, source) = self.facet().await?;
        let address = self.address().await?.address.ok_or(ReceiveError::Unknown)?;
        // A row that was edited could lead here with the token of another connection.
        if !self.connection.system.ground.crypto.equal(address.token.expose(), token.as_bytes()) {
            return Err(ReceiveError::Unknown);
        }
        let now = delivery.received_at().seconds();
        let keys = if source == SigningKey::Credential { Vec::new() } else { address.good(now) };
        let has_keys = !keys.is_empty();
        let waits = source == SigningKey::Handshake && address.waits(now);
        let (came, delivery) = self.checked(system, &kind, keys, delivery, waits).await?;
        match came {
            // Without a key nobody can have signed the delivery, whatever the plugin says.
            DeliveryResult::Event(_) if !has_keys && source != SigningKey::Credential => {
                Err(ReceiveError::NotAuthentic(NotAuthentic::no_key("no key is stored yet")))
            }
            DeliveryResult::Event(event) if event.signed.is_empty() => {
                let source = ConnectionError::Bug("the plugin does not say what a signature covers".into());
                Err(Error::Plugin { kind: self.connection.info.kind.clone(), source: source.into() }.into())
            }
            DeliveryResult::Event(event) => self.store(token, &event, &delivery).await,
            DeliveryResult::Announced(key) => self.take_key(key).await,
            DeliveryResult::Refused(refused) => Err(ReceiveError::NotAuthentic(refused)),
        }
    }

    async fn checked(
        &self,
        system: &System,
        kind: &Arc<KindEntry>,
        keys: Vec<Secret>,
        delivery: Delivery,
        waits: bool,
    ) -> Result<(DeliveryResult, Delivery), ReceiveError> {
        let over = system.ground.clock.sleep(MAX_WAIT);
        let place = system.checks.enter(self.connection.id(), over).await.ok_or(ReceiveError::Busy)?;
        let (_, row) = self.connection.open_current().await?;
        let receiving = call(self.connection, kind, row, move |definition, row, ctx| {
            // The permit is held until the plugin has finished, which may be after its caller timed out.
            let _place = place;
            let came = definition.receive(&row.payload.credential, &keys, &delivery, waits, ctx)?;
            Ok(came.map(|came| (came, delivery)))
        });
        let nothing = || NotAuthentic::no_key("its plugin receives nothing");
        receiving.await?.ok_or_else(|| ReceiveError::NotAuthentic(nothing()))
    }

    async fn store(&self, token: &str, event: &WebhookEvent, delivery: &Delivery) -> Result<Receipt, ReceiveError> {
        let system = &self.connection.system;
        let id = self.connection.id();
        let digest = inbox::digest(&system.ground.sealer, id, &event.signed);
        let row_id = system.ground.ids.next();
        let owner = &self.connection.info.owner;
        let kind = self.connection.info.kind.as_str();
        let content = inbox::encode(id, event, delivery);
        let sealed = system.ground.seal(&WEBHOOK.at(row_id, 0, owner, kind), content.expose()).await?;
        let received_at = delivery.received_at().seconds();
        let bytes = i64::try_from(sealed.as_bytes().len()).unwrap_or(i64::MAX);
        let row = WebhookRow { id: row_id, connection_id: id, digest, received_at, sealed };
        let hash = token_hash(&system.ground, &Secret::from(token));
        let stored = system.ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Connection(id)).await?;
                let address = tx.webhook_address(id).await?;
                // The address was removed or replaced meanwhile.
                let Some(address) = address.filter(|address| address.token_hash.as_deref() == Some(&hash[..])) else {
                    return Ok(Err(ReceiveError::Unknown));
                };
                tx.forget_webhook(id, &row.digest, received_at.saturating_sub(DEDUPLICATION_SECONDS)).await?;
                if tx.has_webhook(id, &row.digest).await? {
                    return Ok(Ok(Receipt::Duplicate));
                }
                let is_too_much = address.waiting_bytes.saturating_add(bytes) > MAX_WAITING_BYTES;
                if address.waiting >= MAX_WAITING || is_too_much {
                    return Ok(Err(ReceiveError::Full));
                }
                match tx.insert_webhook(&row, address.next_number).await? {
                    true => Ok(Ok(Receipt::Stored)),
                    false => Ok(Ok(Receipt::Duplicate)),
                }
            })
        });
        stored.await?
    }

    /// Accepts the first key of a handshake. The handshake then ends, so a second key is rejected.
    async fn take_key(&self, key: Secret) -> Result<Receipt, ReceiveError> {
        let nobody_waits = || ReceiveError::NotAuthentic(NotAuthentic::no_key("no handshake is expected"));
        if key.is_empty() || key.expose().len() > MAX_KEY_LENGTH {
            return Err(nobody_waits());
        }
        let taken = AtomicBool::new(false);
        let change = self.change(SigningKey::Handshake, |address, now| {
            taken.store(false, Ordering::Relaxed);
            let Some(mut address) = address.filter(|address| address.waits(now)) else {
                return Ok(AddressChange::Kept);
            };
            if address.good(now).len() >= MAX_KEYS {
                return Ok(AddressChange::Kept);
            }
            taken.store(true, Ordering::Relaxed);
            address.handshake_until = None;
            address.add_key(key.duplicate(), now, now.saturating_add(GRACE));
            Ok(AddressChange::Renewed(address, event::WEBHOOK_KEY_TOLD))
        });
        change.await?;
        match taken.into_inner() {
            true => Ok(Receipt::Handshake),
            false => Err(nobody_waits()),
        }
    }
}
