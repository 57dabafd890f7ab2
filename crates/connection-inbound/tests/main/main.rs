//! Requests that reach a host from outside, as a browser or a program sends them.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

include!("both.rs");

// The pages that a browser shows are the same on either engine.
mod chromium;

// Tests that need no store.
mod addresses;
#[cfg(unix)]
mod browser;
mod configured;
#[cfg(unix)]
mod examples;
mod server;
mod tls;
