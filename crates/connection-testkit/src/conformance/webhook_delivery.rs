//! Webhooks: a delivery that the plugin signs as its provider does is received, and no other delivery is.
//!
//! The tests run for kinds with the facet. They change each bit of the body, the headers and the address of a delivery,
//! and they leave out the body and the headers.

use std::{
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
};

use connection_contract::{ConnectionDefinition, Delivery, NotAuthentic, Secret, SetupResult, SigningKey};

use super::Suite;
use crate::{FakeHost, canary, fault::fail};

pub(super) const URL: &str = "https://host.example/webhooks/canary-path-51c9?a=b";
const NEW: &str = "canary-new-key-7f30b2a9";
const OLD: &str = "canary-old-key-c41d80e6";

impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    #[track_caller]
    pub(super) fn received(&self) {
        let host = self.fake(&[]);
        let made = self.made();
        if host.definition.webhooks().is_none() {
            return;
        }
        let source = host.signing_key();
        if source != host.signing_key() {
            fail("the source of the key that signs webhooks differs each time");
        }
        let by_credential = source == SigningKey::Credential;
        let new = Secret::from(NEW);
        let old = Secret::from(OLD);
        let keys = if by_credential { Vec::new() } else { vec![new.duplicate()] };
        let delivery = match host.sign_webhook(&made.credential, keys.first(), URL) {
            Ok(delivery) => delivery,
            Err(NotAuthentic::NoKey(_)) if by_credential => {
                // This credential has no key, so no delivery can be authentic.
                let plain = Delivery::new("POST", URL, Vec::new(), "{}", host.now());
                return refused(&host, &made, &[], &plain, "a delivery though the credential has no key");
            }
            Err(error) => fail(&format!("`Webhooks::sign` does not sign: {error}")),
        };
        let check = Check { host: &host, made: &made, keys: &keys, delivery: &delivery };
        check.event(&keys);
        check.another_each_time();
        check.changed();
        check.taken_away();
        if !by_credential {
            check.event(&[new.duplicate(), old.duplicate()]);
            check.event(&[old.duplicate(), new]);
            refused(&host, &made, &[old], &delivery, "a delivery that another key signed");
            refused(&host, &made, &[], &delivery, "a delivery while there is no key");
            if !matches!(host.sign_webhook(&made.credential, None, URL), Err(NotAuthentic::NoKey(_))) {
                fail("`Webhooks::sign` signs without a key");
            }
        }
        if host.handshake(&delivery).is_some() {
            fail("`Webhooks::handshake` takes a signed delivery for one that contains a key");
        }
        self.unshown(&check);
        check.bounded();
    }

    /// "`Debug` shows neither its body nor its address", and no error shows a key.
    #[track_caller]
    fn unshown<'a>(&self, check: &Check<'a, D>) {
        let event = check.event(check.keys);
        let other = check.host.receive(&check.made.credential, &[], check.delivery);
        let text = format!("{event:?} {other:?} {:?}", check.host.log());
        self.silent(&text, "the result of a webhook");
        for secret in [NEW, OLD, "canary-path-51c9"] {
            if canary::found(text.as_bytes(), secret.as_bytes()).is_some() {
                fail("the result of a webhook shows its key or its address");
            }
        }
    }
}

/// A delivery that the plugin signed, with what is needed to receive it.
pub(super) struct Check<'a, D: ConnectionDefinition> {
    pub(super) host: &'a FakeHost<D>,
    pub(super) made: &'a SetupResult<D::Credential>,
    pub(super) keys: &'a [Secret],
    pub(super) delivery: &'a Delivery,
}

/// The parts of a delivery that could be changed in transit.
struct Parts {
    url: String,
    body: Vec<u8>,
}

impl<D: ConnectionDefinition> Check<'_, D> {
    /// "The same delivery is the same event."
    #[track_caller]
    fn event(&self, keys: &[Secret]) -> connection_contract::WebhookEvent {
        let receive = || self.host.receive(&self.made.credential, keys, self.delivery);
        let (Ok(first), Ok(second)) = (receive(), receive()) else {
            fail("`Webhooks::receive` refuses what `Webhooks::sign` signed")
        };
        if first.signed.is_empty() || first.signed.expose() != second.signed.expose() || first.name != second.name {
            fail("`Webhooks::receive` finds another event in the same delivery");
        }
        first
    }

    /// "Each call makes another event, so that none is taken for an earlier one."
    #[track_caller]
    fn another_each_time(&self) {
        let again = self.host.sign_webhook(&self.made.credential, self.keys.first(), URL);
        let again = again.and_then(|again| self.host.receive(&self.made.credential, self.keys, &again));
        match again {
            Ok(again) if again.signed.expose() != self.event(self.keys).signed.expose() => {}
            Ok(_) => fail("`Webhooks::sign` signs the same event twice"),
            Err(error) => fail(&format!("`Webhooks::sign` does not sign twice: {error}")),
        }
    }

    /// Changes each bit of each part of the delivery.
    #[track_caller]
    fn changed(&self) {
        for bit in 0..self.delivery.body().expose().len() * 8 {
            let flipped = self.with(|parts| flip(&mut parts.body, bit), self.delivery.headers().to_vec());
            refused(self.host, self.made, self.keys, &flipped, "a body that was changed by a bit");
        }
        let longer = self.with(|parts| parts.body.push(b'\n'), self.delivery.headers().to_vec());
        refused(self.host, self.made, self.keys, &longer, "a body with a byte more");
        for bit in 0..URL.len() * 8 {
            let mut url = URL.as_bytes().to_vec();
            flip(&mut url, bit);
            if let Ok(url) = String::from_utf8(url) {
                let flipped = self.with(|parts| parts.url = url, self.delivery.headers().to_vec());
                self.refused_or_same(&flipped, "an address that was changed by a bit");
            }
        }
        for (at, (name, value)) in self.delivery.headers().iter().enumerate() {
            for bit in 0..value.len() * 8 {
                let mut value = value.as_bytes().to_vec();
                flip(&mut value, bit);
                let mut headers = self.delivery.headers().to_vec();
                if let (Ok(value), Some(header)) = (String::from_utf8(value), headers.get_mut(at)) {
                    header.1 = value;
                    let flipped = self.with(|_| {}, headers);
                    match is_signature(name) {
                        true => {
                            refused(self.host, self.made, self.keys, &flipped, "a signature that was changed by a bit");
                        }
                        false => self.refused_or_same(&flipped, "a header that was changed by a bit"),
                    }
                }
            }
        }
    }

    #[track_caller]
    fn taken_away(&self) {
        let bare = self.with(|_| {}, Vec::new());
        refused(self.host, self.made, self.keys, &bare, "a delivery without its headers");
        let twice = [self.delivery.headers(), self.delivery.headers()].concat();
        let twice = self.with(|_| {}, twice);
        refused(self.host, self.made, self.keys, &twice, "a signature that came twice");
        let empty = self.with(|parts| parts.body.clear(), self.delivery.headers().to_vec());
        refused(self.host, self.made, self.keys, &empty, "a delivery without its body");
    }

    /// Fails if the delivery is received as another event. A part that the signature does not cover may change.
    #[track_caller]
    fn refused_or_same(&self, delivery: &Delivery, what: &str) {
        let found = receive(self.host, self.made, self.keys, delivery);
        if found.is_ok_and(|found| found.signed.expose() != self.event(self.keys).signed.expose()) {
            fail(&format!("`Webhooks::receive` takes {what} for another event"));
        }
    }

    fn with(&self, change: impl FnOnce(&mut Parts), headers: Vec<(String, String)>) -> Delivery {
        let body = self.delivery.body().expose().to_vec();
        let mut parts = Parts { url: self.delivery.url().to_owned(), body };
        change(&mut parts);
        let method = self.delivery.method().to_owned();
        Delivery::new(method, parts.url, headers, Secret::new(parts.body), self.delivery.received_at())
    }
}

/// Returns `true` for the name of a header with a signature, which has this word in it for all providers.
pub(super) fn is_signature(name: &str) -> bool {
    name.to_ascii_lowercase().contains("signature")
}

fn flip(bytes: &mut [u8], bit: usize) {
    if let Some(byte) = bytes.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
}

/// Lets the plugin receive a delivery, and fails the test if the plugin panics.
#[track_caller]
pub(super) fn receive<D: ConnectionDefinition>(
    host: &FakeHost<D>,
    made: &SetupResult<D::Credential>,
    keys: &[Secret],
    delivery: &Delivery,
) -> Result<connection_contract::WebhookEvent, NotAuthentic> {
    catch_unwind(AssertUnwindSafe(|| host.receive(&made.credential, keys, delivery)))
        .unwrap_or_else(|_| fail("`Webhooks::receive` panics on what came from outside"))
}

#[track_caller]
fn refused<D: ConnectionDefinition>(
    host: &FakeHost<D>,
    made: &SetupResult<D::Credential>,
    keys: &[Secret],
    delivery: &Delivery,
    what: &str,
) {
    if receive(host, made, keys, delivery).is_ok() {
        fail(&format!("`Webhooks::receive` takes {what}"));
    }
}
