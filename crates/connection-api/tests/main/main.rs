//! The shapes, each compared with its schema.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod debug;
mod examples;
mod later_versions;
mod requests;
mod schemas;
