//! Sends this host a webhook over the network, as the provider would, and says what is wrong when it does not arrive.
//!
//! What came of it is kept with the address, so that whoever looks later sees whether it was ever seen to work.

use connection_core::{Connection, Error};

use crate::{
    CallbackProblem, PublicUrl,
    check::{found, unreached},
};

/// What came of a webhook that this host sent to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookCheck {
    /// Why webhooks do not arrive; `None` when they do.
    pub problem: Option<CallbackProblem>,
    /// What it was answered with; `None` where nobody answered.
    pub status: Option<u16>,
}

/// Sends the connection's own address a harmless delivery that is signed as its provider's are, and looks whether it is in
/// the inbox. It stays there for whoever takes events, as any other does. `url` is the public URL that the address at the
/// provider begins with.
///
/// How it ended is kept: [`WebhookInfo::last_test`](connection_core::WebhookInfo::last_test).
///
/// It goes from here; what only the provider meets (a firewall, a name that is known elsewhere) it does not find.
///
/// # Cancellation
///
/// Dropped, it may have been sent, and what came of it is kept or not.
///
/// # Errors
///
/// Nothing was sent: as [`Connection::sign_webhook_test`]. What came of it could not be looked for or kept: the store's.
pub async fn check_webhook(connection: &Connection, url: &PublicUrl) -> Result<WebhookCheck, Error> {
    let Some(before) = connection.webhook().await? else {
        // Says what there is not.
        return Err(connection.sign_webhook_test(url.as_str()).await.err().unwrap_or(Error::NotFound(connection.id())));
    };
    let (origin, address) = (url.origin(), url.webhook(&before.path_token));
    let path = address.strip_prefix(&origin).unwrap_or(&address);
    let sent = connection.send_webhook_test(&origin, path).await?;
    let check = match sent.answer() {
        Err(error) => WebhookCheck { problem: Some(unreached(url, error)), status: None },
        Ok(answer) => {
            let (status, after) = (answer.status(), connection.webhook().await?);
            let arrived = after.is_some_and(|after| after.received > before.received);
            let problem = (status != 200 || !arrived).then(|| refused(url, status));
            WebhookCheck { problem, status: Some(status) }
        }
    };
    sent.record(check.problem.as_ref().map(|problem| problem.code)).await?;
    Ok(check)
}

/// The token is no part of what is said.
fn refused(url: &PublicUrl, status: u16) -> CallbackProblem {
    match status {
        200 => found(
            "webhook_other",
            format!("another program answers at {url}: nothing has arrived here"),
            "correct the public URL, or the proxy that leads to another program or another store",
        ),
        401 => found(
            "webhook_changed",
            format!("what arrives is not what was sent to {url}, or somebody wants to know who sends (status 401)"),
            "let the proxy pass on what is below /webhooks/ without signing in, with body, query and headers as they come",
        ),
        403 => found(
            "webhook_sign_in",
            format!("somebody before this host wants to know who sends to {url} (status 403)"),
            "let the proxy pass on what is below /webhooks/ without signing in: providers prove themselves by a signature",
        ),
        404 | 405 => found(
            "webhook_path",
            format!("nobody at {url} knows the address of this connection (status {status})"),
            "let the proxy pass on /webhooks/ below the path of the public URL to `connections serve` on this database",
        ),
        502..=504 => found(
            "webhook_proxy",
            format!("{url} does not reach this host, or it cannot store what comes (status {status})"),
            "look whether `connections serve` runs and where it listens, whether its inbox is full, and what its log says",
        ),
        _ => found(
            "webhook_other",
            format!("what answers at {url} is not this host (status {status})"),
            "correct the public URL, or the proxy that leads elsewhere",
        ),
    }
}
