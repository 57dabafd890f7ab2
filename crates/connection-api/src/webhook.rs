//! The address for webhooks of a connection, its keys, and what arrived there.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::{Encoding, Reason, words::words};

words! {
    /// The origin of the key that signs deliveries.
    SignedBy {
        /// The credential of the connection.
        Credential = "credential",
        /// A key that the host generated, and that a person enters at the provider.
        Generated = "generated",
        /// A key that the provider sends.
        Handshake = "handshake",
        _ => Unrecognized,
    }
}

/// The address for webhooks of a connection, and what arrived there.
///
/// `Debug` hides the address and the key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// The id of the connection.
    pub id: String,
    /// The kind of the connection.
    pub kind: String,
    /// The label of the connection.
    pub label: String,
    /// `true` if the connection has an address.
    pub enabled: bool,
    /// A secret, which is `null` unless it is shown.
    pub address: Option<String>,
    /// `credential`, `generated` or `handshake`.
    pub signed_by: Option<SignedBy>,
    /// A secret, which is `null` unless it is shown.
    pub key: Option<String>,
    /// The valid keys, without their texts.
    pub keys: Vec<WebhookKey>,
    /// The time until which the key that the provider sends is accepted.
    pub handshake_until: Option<String>,
    /// The number of deliveries that arrived.
    pub received: u64,
    /// The time of the last one.
    pub last_received_at: Option<String>,
    /// The number of deliveries that wait to be taken.
    pub waiting: u64,
    /// The last test of the address.
    pub last_test: Option<WebhookTest>,
}

/// A valid key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WebhookKey {
    /// The time from which it is valid.
    pub since: String,
    /// The time until which it is valid; `null` for the newest.
    pub until: Option<String>,
}

/// The last test of the address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WebhookTest {
    /// The time of the test.
    pub at: String,
    /// `true` if the delivery arrived and was authentic.
    pub ok: bool,
    /// The code of the problem, if there was one.
    pub code: Option<String>,
}

/// The result of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WebhookCheck {
    /// `true` if the delivery arrived and was authentic.
    pub ok: bool,
    /// The code of the problem, if there is one.
    pub code: Option<String>,
    /// The finding.
    pub message: String,
    /// A sentence that says what to do, if something can be done.
    pub remedy: Option<String>,
}

/// A delivery that waits to be taken.
///
/// `Debug` hides its body.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The number of the delivery, by which it is taken; `null` for one that cannot be read.
    pub number: Option<u64>,
    /// The time at which it arrived.
    pub received_at: Option<String>,
    /// The name of the event.
    pub event: Option<String>,
    /// The content type of the body.
    pub content_type: Option<String>,
    /// The encoding of `body`: `utf8` or `base64`.
    pub encoding: Option<Encoding>,
    /// The body, as the provider sent it.
    pub body: Option<String>,
    /// The reason why the delivery cannot be read.
    pub error: Option<Reason>,
}

impl Delivery {
    /// Returns the bytes of the body; `None` if there is none, its encoding is not known, or is not the one that is stated.
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        self.encoding?.decode(self.body.as_deref()?)
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("id", &self.id).field("enabled", &self.enabled).finish_non_exhaustive()
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("number", &self.number).field("event", &self.event).finish_non_exhaustive()
    }
}
