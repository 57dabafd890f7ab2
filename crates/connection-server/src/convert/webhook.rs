//! Webhooks and deliveries.

use connection_api as api;
use connection_contract::{SigningKey, Timestamp};
use connection_core::{ConnectionInfo, Error, ReceivedEvent, WebhookInfo, WebhookTest};

use super::error;

/// Returns the shape of the webhooks of a connection. `address` and `key` are secrets and are `None` unless they may be
/// shown; `last_test` is the last test of the current address.
pub fn webhook(
    connection: &ConnectionInfo,
    info: Option<&WebhookInfo>,
    address: Option<String>,
    key: Option<&str>,
    last_test: Option<&WebhookTest>,
) -> api::Webhook {
    let keys = info.map(|info| info.keys.as_slice()).unwrap_or_default();
    let keys = keys
        .iter()
        .map(|key| api::WebhookKey { since: key.since.to_rfc3339(), until: key.until.map(Timestamp::to_rfc3339) });
    let tested = |test: &WebhookTest| api::WebhookTest {
        at: test.at.to_rfc3339(),
        ok: test.failure.is_none(),
        code: test.failure.clone(),
    };
    api::Webhook {
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
        last_test: last_test.map(tested),
    }
}

fn signed_by(key: SigningKey) -> api::SignedBy {
    match key {
        SigningKey::Credential => api::SignedBy::Credential,
        SigningKey::Generated => api::SignedBy::Generated,
        _ => api::SignedBy::Handshake,
    }
}

/// Converts a delivery that waits to be taken, or the reason why it cannot be read.
pub fn delivery(event: &Result<ReceivedEvent, Error>) -> api::Delivery {
    let event = match event {
        Ok(event) => event,
        Err(failure) => return api::Delivery { error: Some(error(failure)), ..api::Delivery::default() },
    };
    let (encoding, body) = api::Encoding::encode(event.body().expose().to_vec());
    api::Delivery {
        number: Some(event.number()),
        received_at: Some(event.received_at().to_rfc3339()),
        event: Some(event.name().to_string()),
        content_type: Some(event.content_type().to_owned()),
        encoding: Some(encoding),
        body: Some(body),
        error: None,
    }
}
