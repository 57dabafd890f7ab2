//! Webhooks: requests that a provider sends on its own, and how a plugin authenticates them.

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::{Context, DisplayText, JsonError, Secret, Text, Timestamp, Value};

/// Receives the webhooks of a provider.
pub trait Webhooks<C>: Send + Sync {
    /// Returns the source of the key that signs deliveries.
    ///
    /// # Repetition
    ///
    /// Must return the same value each time: it may depend on nothing but `self`.
    fn signing_key(&self) -> SigningKey;

    /// Checks that the provider sent this delivery, and returns its event.
    ///
    /// # When it is called
    ///
    /// For every request to the connection's own address. `keys` are the keys that may have signed it, the newest
    /// first. There are two while a key is being replaced, none before the first key exists, and none with
    /// [`SigningKey::Credential`].
    ///
    /// # Repetition
    ///
    /// The same delivery is the same event. Only the bytes that the signature covers identify an event.
    ///
    /// # Errors
    ///
    /// [`NotAuthentic`] if nothing in the body may be trusted. Signatures must be compared by
    /// [`Crypto::equal`](crate::Crypto::equal) over the bytes as they arrived, before anything is parsed. A delivery
    /// must be rejected if there is no key, or if its signature header occurs twice.
    ///
    /// # Work
    ///
    /// Any sender can post a body of 1 MiB. The work before the signature is verified must not grow faster than the
    /// delivery: count the parts of a body before sorting or comparing them, and reject what no provider sends.
    fn receive(
        &self,
        credential: &C,
        keys: &[Secret],
        delivery: &Delivery,
        ctx: &Context<'_>,
    ) -> Result<WebhookEvent, NotAuthentic>;

    /// Returns the key that this delivery contains, if the provider announces a key with it. Nothing proves that the
    /// key is authentic.
    ///
    /// # When it is called
    ///
    /// Only with [`SigningKey::Handshake`], for a delivery that [`receive`](Self::receive) rejected, and only while a
    /// caller waits for the key. The host takes the first one.
    fn handshake(&self, delivery: &Delivery) -> Option<Secret> {
        let _ = delivery;
        None
    }

    /// Signs a harmless delivery as the provider would, so that a host can send it to itself.
    ///
    /// # When it is called
    ///
    /// When a host checks that deliveries arrive. With [`SigningKey::Credential`], also before an address is given out,
    /// to find out whether the credential contains a key. `key` is the newest key, if there is one.
    ///
    /// # Repetition
    ///
    /// Each call makes another event, so that none is taken for an earlier one.
    ///
    /// # Errors
    ///
    /// [`NotAuthentic::NoKey`] if there is no key to sign with.
    fn sign(
        &self,
        credential: &C,
        key: Option<&Secret>,
        url: &str,
        ctx: &Context<'_>,
    ) -> Result<Delivery, NotAuthentic>;
}

/// The source of the key that signs deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningKey {
    /// The key is part of the credential.
    Credential,
    /// The host generates the key, and the user enters it at the provider.
    Generated,
    /// The provider sends the key once, unsigned, when the address is entered there.
    Handshake,
}

/// An event at a provider.
#[derive(Debug)]
#[non_exhaustive]
pub struct WebhookEvent {
    /// The provider's name for the event: `push`.
    pub name: DisplayText,
    /// Bytes that the signature covers. Two deliveries with the same bytes are one event.
    pub signed: Secret,
}

impl WebhookEvent {
    /// Creates an event with the provider's name for it and the bytes that the signature covers.
    pub fn new(name: impl Into<DisplayText>, signed: impl Into<Secret>) -> Self {
        Self { name: name.into(), signed: signed.into() }
    }
}

/// The reason why a delivery cannot be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotAuthentic {
    /// The delivery is not signed, or not with a known key.
    Signature,
    /// There is no key to compare with. The text says why, for the owner of the connection; the sender never receives
    /// it.
    NoKey(Text),
}

impl NotAuthentic {
    /// Creates the error for a missing key, with the reason: `an API key signs no deliveries`.
    pub fn no_key(why: impl Into<Text>) -> Self {
        Self::NoKey(why.into())
    }
}

impl fmt::Display for NotAuthentic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature => f.write_str("the delivery is not signed by the provider"),
            Self::NoKey(why) => write!(f, "there is no key to check the delivery with: {why}"),
        }
    }
}

impl core::error::Error for NotAuthentic {}

/// An unsolicited request of a provider, as it arrived. `Debug` shows neither its body nor its address.
pub struct Delivery {
    method: Text,
    url: String,
    headers: Vec<(String, String)>,
    body: Secret,
    received_at: Timestamp,
}

impl Delivery {
    /// Creates a delivery. `url` is the public address that the provider knows, with the query that arrived.
    pub fn new(
        method: impl Into<Text>,
        url: impl Into<String>,
        headers: Vec<(String, String)>,
        body: impl Into<Secret>,
        received_at: Timestamp,
    ) -> Self {
        Self { method: method.into(), url: url.into(), headers, body: body.into(), received_at }
    }

    /// Returns the method, such as `POST`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns the public address with the query that arrived. Some providers sign it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the header with this name, in any case. Returns `None` if it occurs more than once, because it is
    /// unclear which one counts.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let first = found.next()?;
        found.next().is_none().then_some(first.1.as_str())
    }

    /// Returns all headers, as names and values.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// Returns the bytes of the body as they arrived.
    pub fn body(&self) -> &Secret {
        &self.body
    }

    /// Returns the time at which the delivery arrived.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// Parses the body as JSON.
    ///
    /// # Errors
    ///
    /// [`JsonError::Syntax`] if the body is not JSON.
    pub fn json(&self) -> Result<Value, JsonError> {
        Value::parse(self.body.expose())
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delivery({} bytes)", self.body.expose().len())
    }
}
