//! The engine by itself. What it is for a host is tested in the core and in the testkit.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod fingerprints;
mod turns;

#[expect(dead_code, reason = "the example is a program of its own")]
#[path = "../../examples/memory.rs"]
mod memory;
