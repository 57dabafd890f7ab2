//! Acme by OAuth 2.
//!
//! A configuration and nothing else. Cite the provider's public reference here.
#![no_std]
#![forbid(unsafe_code)]

use connection_contract::prelude::*;
use connection_oauth2::{Account, Endpoint, OAuth2, OAuth2Config, oauth2};

/// The kind `acme`; the first setup asks for the application.
///
/// # Panics
///
/// Never: the configuration is the same each time, and the tests build it.
pub fn kind() -> OAuth2 {
    let config = OAuth2Config::builder(Kind::from_static("acme"), "Acme")
        .api("https://api.acme.example")
        .endpoint(Endpoint::Authorize, "https://id.acme.example/authorize")
        .endpoint(Endpoint::Token, "https://id.acme.example/token")
        .endpoint(Endpoint::Revocation, "https://id.acme.example/revoke")
        .scope("read")
        .account(Account::probe("/me", "/id", "/name"))
        .guide("Make an application in the settings of your account.")
        .build();
    oauth2(config.expect("the same each time, and built by the tests"))
}
