//! OAuth 2 connections from configuration alone.
//!
//! [`OAuth2Config`] says what a provider is like and is checked when it is built; [`oauth2()`] makes the kind. A
//! provider's deviation from the standards is a field of the configuration and never code.
//!
//! ```
//! use connection_contract::Kind;
//! use connection_oauth2::{Account, Endpoint, OAuth2Config, oauth2};
//!
//! let config = OAuth2Config::builder(Kind::from_static("acme"), "Acme")
//!     .api("https://api.acme.example")
//!     .endpoint(Endpoint::Authorize, "https://id.acme.example/authorize")
//!     .endpoint(Endpoint::Token, "https://id.acme.example/token")
//!     .scope("read")
//!     .account(Account::probe("/me", "/id", "/name"))
//!     .build()?;
//! let acme = oauth2(config);
//! # let _ = acme;
//! # Ok::<(), connection_oauth2::ConfigError>(())
//! ```
//!
//! # Where things are
//!
//! | Module | Owns |
//! |---|---|
//! | `config/` | what a provider is like, and what is refused |
//! | `flow/` | a setup: the browser, a pasted address, a device's code, and what is made of it |
//! | `token/` | answers in all their forms, the requests for tokens, what is stored |
//! | `client/` | whose application it is, and how it proves it |
//! | `provider` | addresses with their variables filled in; the one way to send a secret |
//! | `discovery`, `registration` | what an issuer says about itself; an application that registers itself |
//! | `refresh`, `revoke`, `account` | renewal, giving back, whose token it is |
//!
//! # What this crate is not
//!
//! It does no I/O: a context sends, keeps and waits. It knows no provider. It checks no signature of a token; what a
//! token claims is a hint. The host receives the callback and checks its `state`.
//!
//! Protocol work is the `oauth2` crate's wherever that has a part for it; the header of each module says what is written
//! here instead, and why.
//!
//! # Stability
//!
//! May change without notice, but for what it has ever stored and the names of its fields.
#![forbid(unsafe_code)]

mod account;
mod client;
mod config;
mod definition;
mod discovery;
mod error;
mod flow;
mod inherit;
mod provider;
mod refresh;
mod registration;
mod revoke;
mod token;

pub use client::{CLIENT_KEY, client_value};
pub use config::{
    Account, AccountFrom, Assertion, Attach, Audience, Body, Client, ClientAuth, ConfigError, Endpoint, ErrorIf, Grant,
    Method, OAuth2Builder, OAuth2Config, On, Part, Renewal, Response, Step, Unit,
};
pub use definition::{OAuth2, oauth2};
pub use error::OAuth2Error;
pub use token::OAuth2Credential;
