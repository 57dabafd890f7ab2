//! Webhooks of a provider that signs the method, the address and the body of a delivery with a key of the host.

use connection_contract::prelude::*;

/// The header with the signature of a delivery.
pub const SIGNATURE: &str = "x-signature";

/// The webhooks of the provider. The body of an event is the text that was signed.
#[derive(Clone, Copy, Debug)]
pub struct SignedWebhooks;

impl Webhooks<Secret> for SignedWebhooks {
    fn signing_key(&self) -> SigningKey {
        SigningKey::Generated
    }

    fn receive(
        &self,
        _: &Secret,
        keys: &[Secret],
        delivery: &Delivery,
        ctx: &Context<'_>,
    ) -> Result<WebhookEvent, NotAuthentic> {
        let came = delivery.header(SIGNATURE).ok_or(NotAuthentic::Signature)?;
        let is_signed_by = |key: &Secret| ctx.crypto().equal(signature(key, delivery, ctx).as_bytes(), came.as_bytes());
        let event = || WebhookEvent::new("came", Secret::new(signed_text(delivery)));
        keys.iter().any(is_signed_by).then(event).ok_or(NotAuthentic::Signature)
    }

    fn sign(&self, _: &Secret, key: Option<&Secret>, url: &str, ctx: &Context<'_>) -> Result<Delivery, NotAuthentic> {
        let key = key.ok_or_else(|| NotAuthentic::no_key("there is none"))?;
        let delivery = |headers| Delivery::new("POST", url, headers, Secret::from("test"), ctx.now());
        let headers = vec![(SIGNATURE.to_owned(), signature(key, &delivery(Vec::new()), ctx))];
        Ok(delivery(headers))
    }
}

fn signature(key: &Secret, delivery: &Delivery, ctx: &Context<'_>) -> String {
    encode::hex(&ctx.crypto().hmac_sha256(key, &signed_text(delivery)))
}

fn signed_text(delivery: &Delivery) -> Vec<u8> {
    let head = format!("{} {}\n", delivery.method(), delivery.url());
    [head.as_bytes(), delivery.body().expose()].concat()
}
