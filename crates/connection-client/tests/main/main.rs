//! The client against a real server on loopback.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod agents;
mod calls;
mod certificates;
mod failures;
mod host;
mod live;
mod setups;
mod shapes;
