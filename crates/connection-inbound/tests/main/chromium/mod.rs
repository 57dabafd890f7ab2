//! A real browser comes back from a provider: what it keeps, sends and shows; and which browser may.
//!
//! The host and the provider have names and TLS of their own, so that to the browser they are two sites.

mod binding;
mod pages;
mod site;
mod tls;
