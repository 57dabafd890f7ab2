//! Reading, deciding, explaining and comparing requests, with a corpus of requests that systems read differently.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;
mod corpus;
mod decisions;
mod differences;
mod explanations;
mod generated;
mod learned;
mod properties;
mod rule_data;
mod seats;
