//! What a provider sends by itself, and how a plugin tells that it was the provider.

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::{Context, DisplayText, JsonError, Secret, Text, Timestamp, Value};

/// Receives what a provider sends by itself.
pub trait Webhooks<C>: Send + Sync {
    /// Where the key comes from that signs what is sent.
    ///
    /// # Repetition
    ///
    /// Must give the same each time: it may depend on nothing but `self`.
    fn signing_key(&self) -> SigningKey;

    /// Tells whether the provider sent this, and what it is.
    ///
    /// # When it is called
    ///
    /// For every request to the connection's own address. `keys` are those that may have signed it, the newest first: two
    /// while a key is being replaced, none before there is one, and none with [`SigningKey::Credential`].
    ///
    /// # Repetition
    ///
    /// The same delivery is the same event: what the signature covers tells it from others, and nothing else does.
    ///
    /// # Errors
    ///
    /// [`NotAuthentic`]: nothing of the body may be believed. Signatures are compared by
    /// [`Crypto::equal`](crate::Crypto::equal) over the bytes as they came, before anything is parsed. Without a key, and
    /// with a signature that came twice, everything is refused.
    ///
    /// # Work
    ///
    /// Anybody can send a body of 1 MiB. The work before the signature is known to be good must not grow faster than the
    /// delivery: count what is in a body before it is sorted or compared, and refuse what no provider sends.
    fn receive(
        &self,
        credential: &C,
        keys: &[Secret],
        delivery: &Delivery,
        ctx: &Context<'_>,
    ) -> Result<WebhookEvent, NotAuthentic>;

    /// The key that the provider tells in this delivery, if it is one that tells a key. Nothing proves it.
    ///
    /// # When it is called
    ///
    /// With [`SigningKey::Handshake`] alone, for what [`receive`](Self::receive) has refused, and only while somebody waits
    /// for the key; the host takes the first one.
    fn handshake(&self, delivery: &Delivery) -> Option<Secret> {
        let _ = delivery;
        None
    }

    /// Signs a harmless delivery as the provider would, so that a host can send itself one.
    ///
    /// # When it is called
    ///
    /// When somebody wants to know whether deliveries arrive, and with [`SigningKey::Credential`] before an address is given
    /// away, to learn whether this credential has a key. `key` is the newest, if any.
    ///
    /// # Repetition
    ///
    /// Each is another event, so that it is not taken for one that came before.
    ///
    /// # Errors
    ///
    /// [`NotAuthentic::NoKey`] without a key to sign with.
    fn sign(
        &self,
        credential: &C,
        key: Option<&Secret>,
        url: &str,
        ctx: &Context<'_>,
    ) -> Result<Delivery, NotAuthentic>;
}

/// Where the key comes from that signs deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningKey {
    /// It is part of the credential.
    Credential,
    /// The host makes it, and the user enters it at the provider.
    Generated,
    /// The provider sends it once, unsigned, when the address is entered there.
    Handshake,
}

/// Something that happened at a provider.
#[derive(Debug)]
#[non_exhaustive]
pub struct WebhookEvent {
    /// The provider's name of it: `push`.
    pub name: DisplayText,
    /// What the signature covers: two deliveries of the same are one event.
    pub signed: Secret,
}

impl WebhookEvent {
    /// An event by the provider's name of it, and the bytes that the signature covers.
    pub fn new(name: impl Into<DisplayText>, signed: impl Into<Secret>) -> Self {
        Self { name: name.into(), signed: signed.into() }
    }
}

/// The provider did not send this, or nobody can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotAuthentic {
    /// It is not signed, or not with a key that was given.
    Signature,
    /// There is no key to compare with; why, for the connection's owner, never for whoever sent it.
    NoKey(Text),
}

impl NotAuthentic {
    /// There is no key to compare with, and why: `an API key signs no deliveries`.
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

/// A request that came by itself, as it came. `Debug` shows neither its body nor its address.
pub struct Delivery {
    method: Text,
    url: String,
    headers: Vec<(String, String)>,
    body: Secret,
    received_at: Timestamp,
}

impl Delivery {
    /// A delivery to the address as the provider knows it: the public one, with the query that came.
    pub fn new(
        method: impl Into<Text>,
        url: impl Into<String>,
        headers: Vec<(String, String)>,
        body: impl Into<Secret>,
        received_at: Timestamp,
    ) -> Self {
        Self { method: method.into(), url: url.into(), headers, body: body.into(), received_at }
    }
    /// `POST`
    pub fn method(&self) -> &str {
        &self.method
    }
    /// The public address with the query that came; some providers sign it.
    pub fn url(&self) -> &str {
        &self.url
    }
    /// The header of that name, in any case; `None` also when it came more than once, since nobody knows which one counts.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let first = found.next()?;
        found.next().is_none().then_some(first.1.as_str())
    }
    /// All headers.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }
    /// The bytes as they came.
    pub fn body(&self) -> &Secret {
        &self.body
    }
    /// When it came.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }
    /// The body as JSON.
    ///
    /// # Errors
    /// [`JsonError::Syntax`].
    pub fn json(&self) -> Result<Value, JsonError> {
        Value::parse(self.body.expose())
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delivery({} bytes)", self.body.expose().len())
    }
}
