//! The webhooks of a connection.

use connection_api::WebhookCheck;
use connection_core::{Connection, Error, WebhookInfo, WebhookTest};
use connection_inbound::{PublicUrl, check_webhook};

/// Returns the last test of the current address. A test at another public address says nothing about it.
pub fn last_test<'i>(info: &'i WebhookInfo, url: Option<&PublicUrl>) -> Option<&'i WebhookTest> {
    info.last_test.as_ref().filter(|test| url.is_none_or(|url| test.address == url.webhook("")))
}

/// Sends a signed delivery to the address of the connection, and returns whether it arrives and is authentic.
///
/// # Errors
///
/// Those of the store, and of a connection without an address.
pub async fn webhook_check(connection: &Connection, url: &PublicUrl) -> Result<WebhookCheck, Error> {
    Ok(match check_webhook(connection, url).await?.problem {
        None => WebhookCheck {
            ok: true,
            code: None,
            message: format!("a signed delivery to {url} arrives and is authentic"),
            remedy: None,
        },
        Some(problem) => WebhookCheck {
            ok: false,
            code: Some(problem.code.to_string()),
            message: problem.message,
            remedy: Some(problem.remedy),
        },
    })
}
