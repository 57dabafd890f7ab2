//! Tests of the suite's checks of webhooks: a correct plugin passes, and each fault is found.

use connection_contract::prelude::*;
use connection_testkit::{Input, conformance::Suite};

use crate::check;

/// A fault of a plugin with webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    AddsTheTime,
    BelievesAnybody,
    ComparesEachPairWithAll,
    ComparesTheLengthAlone,
    ForgetsTheBody,
    NamesItsKey,
    PanicsWithoutASignature,
    SignsTheSameTwice,
    SignsWithoutAKey,
    TakesAnEventForAHandshake,
    TakesTheFirstHeader,
    TakesTheFirstKeyAlone,
    TakesTheHeaderIntoTheEvent,
    TriesEachSignature,
}

#[derive(Debug)]
struct Hooks(Fault);

const SIGNATURE: &str = "x-signature";

impl Hooks {
    fn is(&self, fault: Fault) -> bool {
        self.0 == fault
    }
}

fn mac(key: &Secret, body: &[u8], ctx: &Context<'_>) -> String {
    encode::hex(&ctx.crypto().hmac_sha256(key, body))
}

impl ConnectionDefinition for Hooks {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Kind::from_static("hooks"), "Hooks", AuthType::ApiKey).field(Field::secret("key", "Key"))
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let key = ctx.prompt(Prompt::new("?").field("key")).await.secret("key")?;
        Ok(SetupResult::new(key, Identity::new("1", "Ada")))
    }

    fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
        Ok(key.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        if bytes.is_empty() { Err(CredentialError::Malformed) } else { Ok(Secret::new(bytes)) }
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        Ok(VerifyResult::live())
    }

    fn webhooks(&self) -> Option<&dyn Webhooks<Secret>> {
        Some(self)
    }
}

/// Returns `true` if a pair is repeated. The work is quadratic, because each pair is compared with all earlier ones.
fn repeats_a_pair(body: &Secret) -> bool {
    let pairs: Vec<_> = body.expose().split(|byte| *byte == b'&').collect();
    pairs.iter().enumerate().any(|(at, pair)| !pair.is_empty() && pairs[..at].contains(pair))
}

impl Webhooks<Secret> for Hooks {
    fn signing_key(&self) -> SigningKey {
        SigningKey::Handshake
    }

    fn receive(
        &self,
        _: &Secret,
        keys: &[Secret],
        delivery: &Delivery,
        ctx: &Context<'_>,
    ) -> Result<WebhookEvent, NotAuthentic> {
        let first = |name| delivery.headers().iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let came = if self.is(Fault::TakesTheFirstHeader) { first(SIGNATURE) } else { delivery.header(SIGNATURE) };
        if self.is(Fault::ComparesEachPairWithAll) && repeats_a_pair(delivery.body()) {
            return Err(NotAuthentic::Signature);
        }
        if self.is(Fault::TriesEachSignature) {
            let each = came.unwrap_or_default().split(',');
            let is_one = |one: &str| {
                keys.iter()
                    .any(|key| ctx.crypto().equal(mac(key, delivery.body().expose(), ctx).as_bytes(), one.as_bytes()))
            };
            // Every signature is counted, because a search would end at the first match.
            if each.filter(|one| is_one(one)).count() != 1 {
                return Err(NotAuthentic::Signature);
            }
        }
        let came = if self.is(Fault::PanicsWithoutASignature) { Some(came.expect("a fault")) } else { came };
        let came = came.ok_or(NotAuthentic::Signature)?;
        let body = if self.is(Fault::ForgetsTheBody) { &b""[..] } else { delivery.body().expose() };
        let keys = if self.is(Fault::TakesTheFirstKeyAlone) { keys.get(..1).unwrap_or_default() } else { keys };
        let is_signed_by = |key: &Secret| match self.0 {
            Fault::ComparesTheLengthAlone => mac(key, body, ctx).len() == came.len(),
            _ => ctx.crypto().equal(mac(key, body, ctx).as_bytes(), came.as_bytes()),
        };
        if !self.is(Fault::BelievesAnybody) && !keys.iter().any(is_signed_by) {
            return Err(match (self.0, keys.first()) {
                (Fault::NamesItsKey, None) => NotAuthentic::no_key(delivery.url().to_owned()),
                _ => NotAuthentic::Signature,
            });
        }
        let extra = match self.0 {
            Fault::AddsTheTime => encode::hex(&ctx.random::<8>()),
            Fault::TakesTheHeaderIntoTheEvent => delivery.header("x-event").unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        Ok(WebhookEvent::new("event", Secret::concat(&[delivery.body().expose(), extra.as_bytes()])))
    }

    fn handshake(&self, delivery: &Delivery) -> Option<Secret> {
        let id = delivery.json().ok()?["id"].as_str().map(Secret::from);
        id.filter(|_| self.is(Fault::TakesAnEventForAHandshake))
    }

    fn sign(&self, _: &Secret, key: Option<&Secret>, url: &str, ctx: &Context<'_>) -> Result<Delivery, NotAuthentic> {
        let none = Secret::from("");
        let key = if self.is(Fault::SignsWithoutAKey) { Some(key.unwrap_or(&none)) } else { key };
        let key = key.ok_or_else(|| NotAuthentic::no_key("there is none"))?;
        let id = if self.is(Fault::SignsTheSameTwice) { String::new() } else { encode::hex(&ctx.random::<8>()) };
        let body = format!(r#"{{"id":"{id}"}}"#);
        let covered = if self.is(Fault::ForgetsTheBody) { "" } else { &body };
        let headers = vec![(SIGNATURE.into(), mac(key, covered.as_bytes(), ctx)), ("x-event".into(), "created".into())];
        Ok(Delivery::new("POST", url, headers, body, ctx.now()))
    }
}

fn suite(fault: Fault) -> Suite<Hooks> {
    Suite::new(move || Hooks(fault)).setup([Input::answers(&[("key", "canary-key-2d90b7f1")])], []).verify([])
}

#[test]
fn webhooks_without_a_fault_pass() {
    suite(Fault::None).check();
}

#[test]
fn each_fault_of_webhooks_is_caught() {
    if cfg!(unix) {
        let grows = "the work before the signature must not grow faster than what came";
        for fault in [Fault::ComparesEachPairWithAll, Fault::TriesEachSignature] {
            check(grows, || suite(fault).check());
        }
    }
    for (fault, expected) in [
        (Fault::AddsTheTime, "finds another event in the same delivery"),
        (Fault::BelievesAnybody, "takes a body that was changed by a bit"),
        (Fault::ComparesTheLengthAlone, "takes a body that was changed by a bit"),
        (Fault::ForgetsTheBody, "takes a body that was changed by a bit"),
        (Fault::NamesItsKey, "shows its key or its address"),
        (Fault::PanicsWithoutASignature, "panics on what came from outside"),
        (Fault::SignsTheSameTwice, "signs the same event twice"),
        (Fault::SignsWithoutAKey, "signs without a key"),
        (Fault::TakesAnEventForAHandshake, "takes a signed delivery for one that contains a key"),
        (Fault::TakesTheFirstHeader, "takes a signature that came twice"),
        (Fault::TakesTheFirstKeyAlone, "refuses what `Webhooks::sign` signed"),
        (Fault::TakesTheHeaderIntoTheEvent, "takes a header that was changed by a bit for another event"),
    ] {
        check(expected, || suite(fault).check());
    }
}
