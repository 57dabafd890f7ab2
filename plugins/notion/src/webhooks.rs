//! Webhooks of Notion, as [documented](https://developers.notion.com/reference/webhooks).
//!
//! Notion first sends a token, once and unsigned, which a person pastes back at Notion. After that, it signs each body
//! with HMAC-SHA-256 under that token.

use connection_contract::prelude::*;

use crate::{Notion, Token};

const SIGNATURE: &str = "x-notion-signature";
const TOKEN: &str = "verification_token";
/// Maximum length in bytes of a delivery that contains only a token.
const MAX_HANDSHAKE_LENGTH: usize = 4096;

impl Webhooks<Token> for Notion {
    fn signing_key(&self) -> SigningKey {
        SigningKey::Handshake
    }

    fn receive(
        &self,
        _: &Token,
        keys: &[Secret],
        delivery: &Delivery,
        ctx: &Context<'_>,
    ) -> Result<WebhookEvent, NotAuthentic> {
        if keys.is_empty() {
            return Err(NotAuthentic::no_key("Notion has not sent it yet"));
        }
        let came = delivery.header(SIGNATURE).ok_or(NotAuthentic::Signature)?;
        let body = delivery.body();
        let is_signed_by = |key: &Secret| ctx.crypto().equal(signature(key, body, ctx).as_bytes(), came.as_bytes());
        if !keys.iter().any(is_signed_by) {
            return Err(NotAuthentic::Signature);
        }
        // The signature is verified, so the body comes from Notion.
        let event = delivery.json().ok();
        let name = event.as_ref().and_then(|event| event["type"].as_str()).unwrap_or("unknown");
        Ok(WebhookEvent::new(name.to_owned(), body.duplicate()))
    }

    fn handshake(&self, delivery: &Delivery) -> Option<Secret> {
        if delivery.body().expose().len() > MAX_HANDSHAKE_LENGTH {
            return None;
        }
        let body = delivery.json().ok()?;
        // A body with a `type` is an event. It must not be taken for one that contains the key.
        match (body[TOKEN].as_str(), body["type"].as_str()) {
            (Some(token), None) if !token.is_empty() => Some(Secret::from(token)),
            _ => None,
        }
    }

    fn sign(&self, _: &Token, key: Option<&Secret>, url: &str, ctx: &Context<'_>) -> Result<Delivery, NotAuthentic> {
        let key = key.ok_or_else(|| NotAuthentic::no_key("Notion has not sent it yet"))?;
        let id = encode::hex(&ctx.random::<16>());
        let body = Secret::from(format!(r#"{{"id":"{id}","type":"connections.test"}}"#));
        let headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            (SIGNATURE.to_owned(), signature(key, &body, ctx)),
        ];
        Ok(Delivery::new("POST", url, headers, body, ctx.now()))
    }
}

fn signature(key: &Secret, body: &Secret, ctx: &Context<'_>) -> String {
    format!("sha256={}", encode::hex(&ctx.crypto().hmac_sha256(key, body.expose())))
}
