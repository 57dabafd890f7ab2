//! The shapes of webhooks and deliveries.

use connection_contract::{SigningKey, Timestamp};
use connection_core::{ConnectionInfo, Error as CoreError, ReceivedEvent, WebhookInfo, WebhookTest};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ReasonBody, body_text, words};

/// The address for webhooks of a connection, and what arrived there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
#[serde(rename_all = "camelCase")]
pub struct WebhookBody {
    id: String,
    kind: String,
    label: String,
    enabled: bool,
    /// A secret, which is `null` unless it is shown.
    address: Option<String>,
    /// `credential`, `generated` or `handshake`.
    #[schema(value_type = Option<words::SignedBy>)]
    signed_by: Option<&'static str>,
    /// A secret, which is `null` unless it is shown.
    key: Option<String>,
    keys: Vec<WebhookKeyBody>,
    handshake_until: Option<String>,
    received: u64,
    last_received_at: Option<String>,
    waiting: u64,
    last_test: Option<WebhookTestBody>,
}

/// A valid key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookKey)]
struct WebhookKeyBody {
    since: String,
    until: Option<String>,
}

/// The last test of the address.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookTest)]
struct WebhookTestBody {
    at: String,
    ok: bool,
    code: Option<String>,
}

impl From<&WebhookTest> for WebhookTestBody {
    fn from(test: &WebhookTest) -> Self {
        Self { at: test.at.to_rfc3339(), ok: test.failure.is_none(), code: test.failure.clone() }
    }
}

impl WebhookBody {
    /// Returns the shape. `address` and `key` are secrets and are `None` unless they may be shown; `last_test` is the
    /// last test of the current address.
    pub fn of(
        connection: &ConnectionInfo,
        info: Option<&WebhookInfo>,
        address: Option<String>,
        key: Option<&str>,
        last_test: Option<&WebhookTest>,
    ) -> Self {
        let keys = info.map(|info| info.keys.as_slice()).unwrap_or_default();
        let keys = keys
            .iter()
            .map(|key| WebhookKeyBody { since: key.since.to_rfc3339(), until: key.until.map(Timestamp::to_rfc3339) });
        Self {
            id: connection.id.to_string(),
            kind: connection.kind.to_string(),
            label: connection.label.to_string(),
            enabled: info.is_some(),
            address,
            signed_by: info.map(|info| signed_by(info.signing_key)),
            key: key.map(str::to_owned),
            keys: keys.collect(),
            handshake_until: info.and_then(|info| info.handshake_until).map(Timestamp::to_rfc3339),
            received: info.map(|info| info.received).unwrap_or_default(),
            last_received_at: info.and_then(|info| info.last_received_at).map(Timestamp::to_rfc3339),
            waiting: info.map(|info| info.waiting).unwrap_or_default(),
            last_test: last_test.map(WebhookTestBody::from),
        }
    }
}

fn signed_by(key: SigningKey) -> &'static str {
    match key {
        SigningKey::Credential => "credential",
        SigningKey::Generated => "generated",
        _ => "handshake",
    }
}

/// A delivery that waits to be taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryBody {
    number: Option<u64>,
    received_at: Option<String>,
    event: Option<String>,
    content_type: Option<String>,
    #[schema(value_type = Option<words::Encoding>)]
    encoding: Option<&'static str>,
    body: Option<String>,
    error: Option<ReasonBody>,
}

impl From<&Result<ReceivedEvent, CoreError>> for DeliveryBody {
    fn from(event: &Result<ReceivedEvent, CoreError>) -> Self {
        let mut empty = Self {
            number: None,
            received_at: None,
            event: None,
            content_type: None,
            encoding: None,
            body: None,
            error: None,
        };
        match event {
            Ok(event) => {
                let (encoding, body) = body_text(event.body().expose().to_vec());
                Self {
                    number: Some(event.number()),
                    received_at: Some(event.received_at().to_rfc3339()),
                    event: Some(event.name().to_string()),
                    content_type: Some(event.content_type().to_owned()),
                    encoding: Some(encoding),
                    body: Some(body),
                    ..empty
                }
            }
            Err(error) => {
                empty.error = Some(ReasonBody::from(error));
                empty
            }
        }
    }
}
