//! The API over real HTTP on a real database.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod appearance;
mod document;
mod examples;
mod page_files;
mod redirect_addresses;
mod statements;
mod words;

include!("both.rs");
