//! Tests of the engine alone. The core and the testkit test it as a part of a host.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod answers;
mod fingerprints;
mod turns;
mod usage;

#[expect(dead_code, reason = "the example is a program of its own")]
#[path = "../../examples/memory.rs"]
mod memory;
