//! The contract's types on their own. The testkit compares their codecs with established libraries.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod address;
#[allow(dead_code, unreachable_pub, reason = "the testkit, whose it is, has more use for it")]
#[path = "../../../connection-testkit/src/canary.rs"]
mod canary;
mod challenge;
mod classify;
mod clocks;
mod declarations;
mod delivery;
mod limits;
mod record;
mod redaction;
mod signatures;
mod stated;
mod surface;
mod text;
mod timestamp;
mod value;
mod wiped;
