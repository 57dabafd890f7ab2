//! The contract's types by themselves. Their codecs are compared with well-kept libraries in the testkit.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod address;
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
