//! A check of this host's own webhooks over the network, as a provider would reach them.
//!
//! The result is stored with the address, so that a later reader sees whether the address has ever worked.

use connection_core::{Connection, Error};

use crate::{
    CallbackProblem, PublicUrl,
    check::{problem_of, unreached},
};

/// The result of [`check_webhook`]: a problem, if there is one, and the status of the response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookCheck {
    /// The reason why webhooks do not arrive; `None` if they do.
    pub problem: Option<CallbackProblem>,
    /// The status of the response; `None` if there was none.
    pub status: Option<u16>,
}

/// Sends a harmless delivery to the connection's own address, signed as its provider's are, and checks that it arrives.
///
/// The delivery stays in the inbox like any other. `url` is the public URL that the address at the provider begins
/// with. The result is stored as [`WebhookInfo::last_test`](connection_core::WebhookInfo::last_test).
///
/// The request is sent from this machine, so it does not find problems that only the provider meets, such as a
/// firewall or a name that resolves differently elsewhere.
///
/// # Cancellation
///
/// If the future is dropped, the delivery may have been sent, and its result may or may not be stored.
///
/// # Errors
///
/// Returns the errors of [`sign_test`](connection_core::ConnectionWebhooks::sign_test) if nothing was sent, and those
/// of the store if the result could not be read or stored.
pub async fn check_webhook(connection: &Connection, url: &PublicUrl) -> Result<WebhookCheck, Error> {
    let Some(before) = connection.webhooks().info().await? else {
        // This returns the error that says what is missing.
        return Err(connection
            .webhooks()
            .sign_test(url.as_str())
            .await
            .err()
            .unwrap_or(Error::NotFound(connection.id())));
    };
    let origin = url.origin();
    let address = url.webhook(&before.path_token);
    let path = address.strip_prefix(&origin).unwrap_or(&address);
    let sent = connection.webhooks().send_test(&origin, path).await?;
    let check = match sent.answer() {
        Err(error) => WebhookCheck { problem: Some(unreached(url, error)), status: None },
        Ok(answer) => {
            let status = answer.status();
            let after = connection.webhooks().info().await?;
            let arrived = after.is_some_and(|after| after.received > before.received);
            let problem = (status != 200 || !arrived).then(|| refused(url, status));
            WebhookCheck { problem, status: Some(status) }
        }
    };
    sent.record(check.problem.as_ref().map(|problem| problem.code)).await?;
    Ok(check)
}

/// Returns the problem that a response indicates. Its message does not contain the token.
fn refused(url: &PublicUrl, status: u16) -> CallbackProblem {
    match status {
        200 => problem_of(
            "webhook_other",
            format!("another program answers at {url}: nothing has arrived here"),
            "correct the public URL, or the proxy that leads to another program or another store",
        ),
        401 => problem_of(
            "webhook_changed",
            format!(
                "the delivery to {url} arrives changed, or something in front of this host requires a login (status \
                 401)"
            ),
            "let the proxy pass on requests below /webhooks/ without a login, with unchanged body, query and headers",
        ),
        403 => problem_of(
            "webhook_sign_in",
            format!("something in front of this host requires a login at {url} (status 403)"),
            "let the proxy pass on requests below /webhooks/ without a login: providers prove themselves by a \
             signature",
        ),
        404 | 405 => problem_of(
            "webhook_path",
            format!("the address of this connection is unknown at {url} (status {status})"),
            "let the proxy pass on /webhooks/ below the path of the public URL to `connections serve` on this database",
        ),
        502..=504 => problem_of(
            "webhook_proxy",
            format!("{url} does not reach this host, or this host cannot store the delivery (status {status})"),
            "check whether `connections serve` runs and where it listens, whether its inbox is full, and what its \
             log says",
        ),
        _ => problem_of(
            "webhook_other",
            format!("something other than this host answers at {url} (status {status})"),
            "correct the public URL, or the proxy that leads elsewhere",
        ),
    }
}
