//! A check of this host's own callbacks over the network, as a browser would reach them.

use std::net::SocketAddr;

use connection_contract::{HttpError, HttpResponse};
use connection_core::ConnectionRegistry;

use crate::{
    PublicUrl,
    callback::{LISTENING, PROOF_PATH, listening},
};

/// The result of [`check_callback`]: a problem, if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallbackCheck {
    /// The reason why callbacks do not arrive; `None` if they do.
    pub problem: Option<CallbackProblem>,
}

/// A problem on the way from the public URL to this host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct CallbackProblem {
    /// The stable code for programs; the codes are listed in `docs/spec/inbound.md`.
    pub code: &'static str,
    /// One sentence that says what is wrong.
    pub message: String,
    /// A sentence that says how to resolve the problem.
    pub remedy: String,
}

/// Checks whether callbacks to `url` reach a process of this store.
///
/// The process that answers proves its identity, so an answer of another program, another host or a cache is
/// recognized. No setup and no session is touched.
///
/// The request is sent from this machine, so it does not find problems that only others meet, such as a firewall or a
/// name that resolves differently elsewhere.
pub async fn check_callback(registry: &ConnectionRegistry, url: &PublicUrl) -> CallbackCheck {
    CallbackCheck { problem: problem(registry, url).await }
}

async fn problem(registry: &ConnectionRegistry, url: &PublicUrl) -> Option<CallbackProblem> {
    let origin = url.origin();
    let prefix = url.prefix();
    let us = async |prefix| ask(registry, &origin, prefix, "", str::to_owned).await;
    let there = us(prefix).await;
    match there {
        Reachability::Us => None,
        Reachability::Nobody(error) => Some(unreached(url, error)),
        Reachability::Other(status) => {
            // The proxy may pass on a path other than the configured one.
            let bare = !prefix.is_empty() && matches!(us("").await, Reachability::Us);
            Some(if bare { without_prefix(url) } else { answered(url, status) })
        }
    }
}

/// Returns `true` if the program that listens at `address`, on this machine and without TLS, is a server of this store.
///
/// What is proved includes the address, so that a program that listens there and passes the question on to a server of
/// this store is not taken for it.
pub async fn is_listening(registry: &ConnectionRegistry, address: SocketAddr) -> bool {
    let proved = |challenge: &str| listening(challenge, address);
    matches!(ask(registry, &format!("http://{address}"), "", LISTENING, proved).await, Reachability::Us)
}

enum Reachability {
    Us,
    /// A server answered with this status, but could not prove to be this host.
    Other(u16),
    Nobody(HttpError),
}

async fn ask(
    registry: &ConnectionRegistry,
    origin: &str,
    prefix: &str,
    what: &str,
    proved: impl Fn(&str) -> String,
) -> Reachability {
    let challenge = registry.receiver().fresh_token();
    let challenge = challenge.expose_str().unwrap_or_default();
    let path = format!("{prefix}{PROOF_PATH}?challenge={challenge}{what}");
    let proof = registry.receiver().callback_proof(&proved(challenge));
    let proven = |answer: &HttpResponse| answer.body().expose() == proof.as_bytes();
    match registry.receiver().send_to_self(origin, &path).await {
        Ok(answer) if answer.status() == 200 && proven(&answer) => Reachability::Us,
        Ok(answer) => Reachability::Other(answer.status()),
        Err(error) => Reachability::Nobody(error),
    }
}

pub(crate) fn problem_of(code: &'static str, message: String, remedy: impl Into<String>) -> CallbackProblem {
    CallbackProblem { code, message, remedy: remedy.into() }
}

pub(crate) fn unreached(url: &PublicUrl, error: HttpError) -> CallbackProblem {
    let origin = url.origin();
    let secure = url.is_secure();
    match error {
        HttpError::Dns => problem_of(
            "callback_host",
            format!("the host name of {origin} cannot be resolved"),
            "correct the host in the public URL, or add the name to the DNS",
        ),
        HttpError::Connect => problem_of(
            "callback_port",
            format!("nothing listens at {origin}"),
            "start this host and its proxy, open the port, or correct the port in the public URL",
        ),
        error if secure && error.is_of_tls() => problem_of(
            "callback_tls",
            format!("no trusted TLS connection to {origin} could be made: {error}"),
            "give this host, or the proxy in front of it, a trusted certificate for the name in the public URL; a port \
             that speaks plain HTTP causes the same error",
        ),
        HttpError::Denied => problem_of(
            "callback_redirected",
            format!("{origin} redirects browsers to another address"),
            "configure the address after the redirect, often the one with https or with www, as the public URL",
        ),
        HttpError::Timeout => problem_of(
            "callback_silent",
            format!("{origin} did not answer in time"),
            "check whether the proxy can reach this host, and whether a firewall drops its requests",
        ),
        _ => problem_of(
            "callback_scheme",
            format!("{origin} does not answer in HTTP"),
            "check whether the port in the public URL is that of the proxy, and whether the proxy speaks https or \
             http there",
        ),
    }
}

fn without_prefix(url: &PublicUrl) -> CallbackProblem {
    let origin = url.origin();
    let prefix = url.prefix();
    problem_of(
        "callback_prefix",
        format!("this host answers at {origin}, but not below {prefix}"),
        format!("set the public URL to {origin}, or let the proxy pass on requests below {prefix}"),
    )
}

fn answered(url: &PublicUrl, status: u16) -> CallbackProblem {
    match status {
        401 | 403 => problem_of(
            "callback_sign_in",
            format!("something in front of this host requires a login at {url} (status {status})"),
            "let the proxy pass on requests below /callback/ without a login: a browser that comes back from a \
             provider has no login",
        ),
        502..=504 => problem_of(
            "callback_proxy",
            format!("the proxy at {url} does not reach this host (status {status})"),
            "correct the address to which the proxy passes on requests, and check whether this host listens there",
        ),
        404 => problem_of(
            "callback_path",
            format!("the path of callbacks is unknown at {url} (status 404)"),
            "let the proxy pass on /callback/ below the path of the public URL, or correct that path",
        ),
        200 => problem_of(
            "callback_other",
            format!("another program answers at {url}"),
            "correct the public URL, or the proxy that leads to another program or another store",
        ),
        _ => problem_of(
            "callback_other",
            format!("something other than this host answers at {url} (status {status})"),
            "correct the public URL, or the proxy that leads elsewhere",
        ),
    }
}
