//! Webhooks: the work before the check of a signature grows no faster than the delivery.
//!
//! Any sender who knows an address can send it 1 MiB of the data that is most difficult for a plugin. The suite
//! therefore gives the plugin pairs of unsigned deliveries, the second four times as large as the first, and compares
//! the processor time of the thread for both. Linear work takes four times as long, quadratic work sixteen times. The
//! sizes begin small, so that a plugin whose work explodes fails soon. A suspicious pair is measured again, so that a
//! single disturbed measurement does not fail a test.

use std::time::Duration;

use connection_contract::{ConnectionDefinition, Delivery, Secret, SigningKey};

use super::webhook_delivery::{Check, URL, is_signature, receive};
use crate::{fault::fail, processor_time};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const SMALLEST: usize = 4 << 10;
const STEP: usize = 4;
/// The maximum length of a body that a host accepts.
const LARGEST: usize = 1 << 20;
/// The ratio of the size of a body to that of its repeated signatures. A host accepts headers of at most 64 KiB.
const HEADER_PART: usize = 32;
/// The maximum factor by which the time may grow for a delivery that is four times as large.
///
/// Linear work grows by 4 and quadratic work by 16. The limit leaves room for sorting and caches.
const MAX_GROWTH: u32 = 10;
/// The minimum time that can be compared. Shorter times say nothing about growth.
const MEASURABLE: Duration = Duration::from_millis(2);
/// The maximum number of times a suspicious pair is measured again.
const MAX_RETRIES: usize = 6;

/// A form of a hostile body.
struct Shape {
    what: &'static str,
    content_type: &'static str,
    start: &'static str,
    part: fn(usize) -> String,
    /// `true` if the signature is repeated, too. A plugin that tries each one over the whole body does quadratic work.
    has_many_signatures: bool,
}

const fn shape(
    what: &'static str,
    content_type: &'static str,
    start: &'static str,
    part: fn(usize) -> String,
) -> Shape {
    Shape { what, content_type, start, part, has_many_signatures: false }
}

const SHAPES: &[Shape] = &[
    shape("pairs of one name", FORM, "", |n| format!("a={n}&")),
    shape("pairs of many names", FORM, "", |n| format!("{n}=a&")),
    shape("nested arrays", JSON, "", |_| "[".to_owned()),
    shape("members of one object", JSON, "{", |n| format!("\"{n}\":0,")),
    Shape { has_many_signatures: true, ..shape("signatures", JSON, "", |_| "x".to_owned()) },
];

impl<D: ConnectionDefinition> Check<'_, D> {
    #[track_caller]
    pub(super) fn bounded(&self) {
        for shape in SHAPES {
            let mut small = SMALLEST;
            while small < LARGEST {
                self.grows_slowly(shape, small);
                small *= STEP;
            }
        }
    }

    #[track_caller]
    fn grows_slowly(&self, shape: &Shape, size: usize) {
        let small = self.hostile(shape, size);
        let large = self.hostile(shape, size * STEP);
        let (Some(mut less), Some(mut more)) = (self.time_of(&small), self.time_of(&large)) else { return };
        for _ in 0..MAX_RETRIES {
            if more < MEASURABLE || more <= less * MAX_GROWTH {
                return;
            }
            // The minimum of several measurements is nearest to the time of the work itself.
            less = less.min(self.time_of(&small).unwrap_or(less));
            more = more.min(self.time_of(&large).unwrap_or(more));
        }
        let what = shape.what;
        fail(&format!(
            "`Webhooks::receive` works on {size} bytes of {what} for {less:?} and on {} bytes for {more:?}: the work before \
             the signature must not grow faster than what came",
            size * STEP
        ));
    }

    /// Returns the processor time that the plugin takes to receive the delivery.
    #[track_caller]
    fn time_of(&self, delivery: &Delivery) -> Option<Duration> {
        let before = processor_time::used()?;
        // The result is ignored, because other tests of the suite check it.
        drop(receive(self.host, self.made, self.keys, delivery));
        if self.host.signing_key() == SigningKey::Handshake {
            drop(self.host.handshake(delivery));
        }
        Some(processor_time::used()?.saturating_sub(before))
    }

    fn hostile(&self, shape: &Shape, size: usize) -> Delivery {
        let mut body = shape.start.to_owned();
        for n in 0.. {
            body.push_str(&(shape.part)(n));
            if body.len() >= size {
                break;
            }
        }
        let signed = self.delivery.headers().iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        let many = |value: &String| format!("{value},").repeat((size / HEADER_PART / (value.len() + 1)).max(1));
        let headers = signed.map(|(name, value)| match shape.has_many_signatures && is_signature(name) {
            true => (name.clone(), many(value)),
            false => (name.clone(), value.clone()),
        });
        let headers = headers.chain([("content-type".to_owned(), shape.content_type.to_owned())]).collect();
        Delivery::new("POST", URL, headers, Secret::from(body), self.delivery.received_at())
    }
}
