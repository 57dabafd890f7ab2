//! Webhooks of GitHub, as
//! [documented](https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries).
//!
//! GitHub signs the body with HMAC-SHA-256, with a key that the user enters there.

use connection_contract::prelude::*;

use crate::{GitHub, Token};

const SIGNATURE: &str = "x-hub-signature-256";
/// Header with the name of the event. It is not signed, so it is used only as a name.
const EVENT: &str = "x-github-event";

impl Webhooks<Token> for GitHub {
    fn signing_key(&self) -> SigningKey {
        SigningKey::Generated
    }

    fn receive(
        &self,
        _: &Token,
        keys: &[Secret],
        delivery: &Delivery,
        ctx: &Context<'_>,
    ) -> Result<WebhookEvent, NotAuthentic> {
        if keys.is_empty() {
            return Err(NotAuthentic::no_key("none was made yet"));
        }
        let came = delivery.header(SIGNATURE).ok_or(NotAuthentic::Signature)?;
        let body = delivery.body();
        let is_signed_by = |key: &Secret| ctx.crypto().equal(signature(key, body, ctx).as_bytes(), came.as_bytes());
        if !keys.iter().any(is_signed_by) {
            return Err(NotAuthentic::Signature);
        }
        let name = delivery.header(EVENT).unwrap_or("unknown");
        Ok(WebhookEvent::new(name.to_owned(), body.duplicate()))
    }

    fn sign(&self, _: &Token, key: Option<&Secret>, url: &str, ctx: &Context<'_>) -> Result<Delivery, NotAuthentic> {
        let key = key.ok_or_else(|| NotAuthentic::no_key("none was made yet"))?;
        // GitHub sends a `ping` first to a new address. It has no consequences.
        let body = Secret::from(format!(r#"{{"zen":"Connections","hook_id":"{}"}}"#, encode::hex(&ctx.random::<16>())));
        let headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            (EVENT.to_owned(), "ping".to_owned()),
            (SIGNATURE.to_owned(), signature(key, &body, ctx)),
        ];
        Ok(Delivery::new("POST", url, headers, body, ctx.now()))
    }
}

fn signature(key: &Secret, body: &Secret, ctx: &Context<'_>) -> String {
    format!("sha256={}", encode::hex(&ctx.crypto().hmac_sha256(key, body.expose())))
}
