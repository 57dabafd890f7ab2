//! The contract's types by themselves. Their codecs are compared with well-kept libraries in the testkit.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod address;
#[allow(dead_code, unreachable_pub, reason = "the testkit, whose it is, has more use for it")]
#[path = "../../../connection-testkit/src/canary.rs"]
mod canary;
mod classify;
mod declarations;
mod delivery;
mod record;
mod redaction;
mod signatures;
mod surface;
mod text;
mod timestamp;
mod value;
mod wiped;
