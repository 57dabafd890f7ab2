//! The forward door on loopback, with a double of the reverse door behind it.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod authority;
mod bytes;
mod double;
mod fixture;
mod links;
mod passing;
mod programs;
mod refusals;
mod tunnels;
mod variables;
