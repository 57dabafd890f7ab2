//! A real browser returns from a provider: what it keeps, sends and shows, and which browser is accepted.
//!
//! The host and the provider have their own names and certificates, so that they are two sites to the browser.

mod binding;
mod pages;
mod question;
mod site;
mod tls;
