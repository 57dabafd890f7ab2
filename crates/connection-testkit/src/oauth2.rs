//! A provider that follows the OAuth 2 standards, as parts of a script, for kinds that are made from a configuration.
//!
//! The secrets of the provider are canaries, so the suite finds them wherever they must not appear. Each part is an
//! [`Expected`], a [`Reply`] or an [`Input`], which a test can change for a provider that deviates from the standards.
//!
//! ```
//! use connection_testkit::{Expected, Reply, oauth2};
//!
//! const TOKEN: &str = "https://id.acme.example/token";
//!
//! // This provider's tokens live for a minute.
//! let redeem = oauth2::redeem(TOKEN).answer(oauth2::tokens(60));
//! let renew = oauth2::renew(TOKEN);
//! let me = oauth2::with_token(Expected::get("https://api.acme.example/me"))
//!     .answer(Reply::json(200, r#"{"id": "42", "name": "Ada"}"#));
//! # let _ = (redeem, renew, me);
//! ```

use connection_contract::ConnectionDefinition;

use crate::{Expected, FakeHost, Input, Reply};

/// The client id of the application.
pub const CLIENT_ID: &str = "client-canary-0a1b2c3d";
/// The client secret of the application.
pub const CLIENT_SECRET: &str = "client-secret-canary-5e6f7a8b";
/// The authorization code in the callback.
pub const CODE: &str = "code-canary-55ee66ff";
/// The access token for which the code is exchanged.
pub const ACCESS_TOKEN: &str = "access-canary-11aa22bb";
/// The refresh token for which the code is exchanged.
pub const REFRESH_TOKEN: &str = "refresh-canary-33cc44dd";
/// The access token that a refresh returns.
pub const RENEWED_TOKEN: &str = "renewed-canary-77ff88aa";
/// The redirect URI of the fake host.
pub const CALLBACK: &str = "https://host.example/callback";
/// The lifetime of a token in seconds.
const LIFETIME: u32 = 3600;

/// Gives the host callbacks and a key-value store.
pub fn host<D: ConnectionDefinition>(host: FakeHost<D>) -> FakeHost<D> {
    host.inbound_http(CALLBACK).key_value()
}

/// Returns the answers with the client id and secret of the application.
pub fn application_answers() -> Input {
    Input::answers(&[("clientId", CLIENT_ID), ("clientSecret", CLIENT_SECRET)])
}

/// Returns the callback with the authorization code.
pub fn back() -> Input {
    Input::callback(&[("code", CODE)])
}

/// Returns the request that exchanges the code for tokens (RFC 6749, section 4.1.3), which are valid for an hour.
pub fn redeem(token_endpoint: &str) -> Expected {
    let exchange = Expected::post(token_endpoint).no_redirect();
    exchange.form_field("grant_type", "authorization_code").form_field("code", CODE).answer(tokens(LIFETIME))
}

/// Returns the request that exchanges the refresh token for another access token (RFC 6749, section 6).
pub fn renew(token_endpoint: &str) -> Expected {
    let fresh = format!(r#"{{"access_token": "{RENEWED_TOKEN}", "token_type": "Bearer", "expires_in": {LIFETIME}}}"#);
    let exchange = Expected::post(token_endpoint).no_redirect();
    exchange
        .form_field("grant_type", "refresh_token")
        .form_field("refresh_token", REFRESH_TOKEN)
        .answer(Reply::json(200, &fresh))
}

/// Returns the requests that revoke the tokens (RFC 7009), the refresh token first.
pub fn revoke(revocation_endpoint: &str) -> [Expected; 2] {
    [REFRESH_TOKEN, ACCESS_TOKEN]
        .map(|token| Expected::post(revocation_endpoint).no_redirect().form_field("token", token))
}

/// Returns a response with tokens whose access token is valid for `seconds` seconds (RFC 6749, section 5.1).
pub fn tokens(seconds: u32) -> Reply {
    let tokens = format!(
        r#"{{"access_token": "{ACCESS_TOKEN}", "token_type": "Bearer", "expires_in": {seconds}, "refresh_token": "{REFRESH_TOKEN}"}}"#
    );
    Reply::json(200, &tokens)
}

/// Requires the access token in the request (RFC 6750).
pub fn with_token(request: Expected) -> Expected {
    request.header("authorization", &format!("Bearer {ACCESS_TOKEN}"))
}
