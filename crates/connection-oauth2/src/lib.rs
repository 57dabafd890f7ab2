//! OAuth 2 connections defined by configuration alone.
//!
//! [`OAuth2Config`] describes a provider and is checked when it is built. [`oauth2()`] turns it into a kind. A
//! provider's deviation from the standards is a field of the configuration, never code.
//!
//! ```
//! # // region: readme
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
//! # // end: readme
//! # let _ = acme;
//! # Ok::<(), connection_oauth2::ConfigError>(())
//! ```
//!
//! # Modules
//!
//! | Module | Owns |
//! |---|---|
//! | `config/` | the description of a provider, and the checks that refuse an unsafe one |
//! | `flow/` | setups: the browser, a pasted address, a device code, and the connection that results |
//! | `token/` | token requests, token responses in all their forms, the stored credential |
//! | `answer` | answers of the provider, as errors describe them |
//! | `client/` | the application that is used, and how it authenticates |
//! | `provider` | addresses with their variables filled in; the only way to send a secret |
//! | `discovery`, `registration` | issuer metadata; dynamic client registration |
//! | `refresh`, `revoke`, `account` | refresh, revocation, the account that a token belongs to |
//!
//! # What this crate is not
//!
//! It does no I/O: a context sends, stores and waits. It knows no provider. It verifies no signature of a token; the
//! claims of a token are hints. The host receives the callback and checks its `state`.
//!
//! Protocol work is left to the `oauth2` crate where that crate supports it. The header of each module says what is
//! written here instead, and why.
//!
//! # Stability
//!
//! May change without notice, except for the format of stored credentials and the names of fields.
#![forbid(unsafe_code)]

mod account;
mod answer;
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
mod service;
mod token;

pub use account::account_id;
pub use answer::ProviderAnswer;
pub use client::{client_value, client_value_at};
pub use config::{
    Account, AccountFrom, Assertion, Attach, Audience, Body, CLIENT_DOCUMENT_KEY, CLIENT_KEY, CLIENT_SIGNING_KEY,
    Client, ClientAuth, ConfigError, Endpoint, ErrorIf, Grant, Method, OAuth2, OAuth2Builder, OAuth2Config, Part,
    Renewal, RequestKind, Response, Step, is_public_suffix, oauth2,
};
pub use discovery::ServerMetadata;
pub use error::{ClientPlace, OAuth2Error};
pub use revoke::confirms_revocation;
pub use service::project_fault;
pub use token::{LifeUnit, LoginAnswer, OAuth2Credential, expires_at, expires_in, expires_in_at, login_answer};
