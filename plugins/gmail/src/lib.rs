//! Gmail, read-only, with OAuth 2.
//!
//! The plugin consists of a configuration. The addresses are those of [Google's
//! reference](https://developers.google.com/identity/protocols/oauth2/native-app).
//!
//! The crate may change without notice, except for its kind, its field names and the formats that it ever stored.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

use connection_contract::prelude::*;
use connection_oauth2::{Account, Client, Endpoint, ErrorIf, Method, OAuth2, OAuth2Config, RequestKind, oauth2};

/// The preset `read`. No `GET` changes anything: messages and labels are changed by `POST`, `PUT`, `PATCH` and `DELETE`.
/// <https://developers.google.com/workspace/gmail/api/reference/rest>
const READ: &str = r#"{ "rule": [{ "name": "reads", "methods": ["GET", "HEAD"], "effect": "allow" }] }"#;

/// Creates the kind `gmail`. The first setup asks for the OAuth application.
pub fn gmail() -> OAuth2 {
    gmail_of(Client::Prompted)
}

/// Creates the kind `gmail` with an OAuth application of the host.
///
/// # Panics
///
/// Never: the configuration is the same each time, and the tests build it.
pub fn gmail_of(client: Client) -> OAuth2 {
    // Google's codes for a rate limit, which it also sends with status 403.
    // <https://developers.google.com/workspace/gmail/api/guides/handle-errors>
    let limit = |reason: &'static str| ErrorIf::equals("/error/errors/0/reason", reason);
    // The code of any service of Google: <https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto>.
    let service_limit = ErrorIf::equals("/error/details/0/reason", "RATE_LIMIT_EXCEEDED");
    let config = OAuth2Config::builder(Kind::from_static("gmail"), "Gmail")
        .provider(Kind::from_static("google"))
        .api("https://gmail.googleapis.com/gmail/v1")
        .issuer("https://accounts.google.com")
        .endpoint(Endpoint::Authorize, "https://accounts.google.com/o/oauth2/v2/auth")
        .endpoint(Endpoint::Token, "https://oauth2.googleapis.com/token")
        .endpoint(Endpoint::Revocation, "https://oauth2.googleapis.com/revoke")
        // The address of a mailbox can be changed, and `sub` cannot:
        // <https://developers.google.com/identity/openid-connect/openid-connect>.
        .scope("openid")
        .required_scope("https://www.googleapis.com/auth/gmail.readonly")
        // Without both parameters, Google issues a refresh token only at the first consent.
        .parameter(RequestKind::Authorize, "access_type", "offline")
        .parameter(RequestKind::Authorize, "prompt", "consent")
        // Google's device flow supports only a few scopes, and none for mail.
        .methods([Method::Browser, Method::Paste])
        .semantics(RefreshSemantics::Stable)
        .account(
            Account::probe("/users/me/profile", "/emailAddress", "/emailAddress")
                .by_subject()
                .email()
                .mutable()
                .limited_if(limit("rateLimitExceeded"))
                .limited_if(limit("userRateLimitExceeded"))
                .limited_if(limit("dailyLimitExceeded"))
                .limited_if(limit("quotaExceeded"))
                .limited_if(service_limit),
        )
        .client(client)
        .gets_only_read()
            .rule_preset("read", READ)
        // <https://developers.google.com/identity/gsi/web/guides/revoke>
        .credential_page("https://myaccount.google.com/permissions")
        // A revocation ends all scopes that the account granted to the application:
        // <https://developers.google.com/identity/oauth2/web/reference/js-reference>.
        .revocation_ends_grant("/emailAddress")
        .guide("Make an OAuth client of type 'Desktop app' (or 'Web application' for a hosted page) and enable the Gmail API.")
        .guide_link("Make a client", "https://console.cloud.google.com/auth/clients")
        .guide_link("Enable the Gmail API", "https://console.cloud.google.com/apis/library/gmail.googleapis.com")
        .guide("While the application is 'in testing', Google ends every access after seven days: publish it, or authorize again each week.")
        .guide("Google issues no device codes for mail: on a machine without a browser, use a browser elsewhere and \
                paste the address it ends on.")
        .build();
    oauth2(config.expect("the same each time, and built by the tests"))
}
