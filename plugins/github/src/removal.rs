//! The end of a token: GitHub revokes it on request, and a person deletes it in the settings.

use connection_contract::prelude::*;

use crate::{API, GitHub, Token, probe};

/// Beginning of a fine-grained token, which has settings of its own:
/// <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens>.
const FINE_GRAINED: &[u8] = b"github_pat_";

/// Returns the page of the settings on which a person deletes the token. It is at the host of the server.
pub(crate) fn page(token: Option<&Token>, connection: &Connection) -> Option<Text> {
    let site = server(connection).map_or_else(|| "https://github.com".to_owned(), site);
    let list = match token {
        Some(Token(token)) if token.expose().starts_with(FINE_GRAINED) => "personal-access-tokens",
        _ => "tokens",
    };
    Some(format!("{site}/settings/{list}").into())
}

/// Returns the address of the pages for people. The API of an enterprise with data residency has a host of its own:
/// <https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency>.
fn site(api: &str) -> String {
    match api.strip_prefix("https://api.").filter(|host| host.ends_with(".ghe.com")) {
        Some(host) => format!("https://{host}"),
        None => api.strip_suffix("/api/v3").unwrap_or(api).to_owned(),
    }
}

/// Returns the address of the API of an Enterprise Server; `None` for github.com.
fn server(connection: &Connection) -> Option<&str> {
    let api = connection.config("apiBaseUrl")?.trim_end_matches('/');
    Some(api).filter(|api| *api != API)
}

/// Returns the reason for a token that was not revoked.
pub(crate) fn kept(connection: &Connection) -> Reason {
    let code = if server(connection).is_none() { reason::REVOCATION_NOT_REQUESTED } else { reason::NO_REVOCATION };
    Reason::new(code, "the token works at GitHub until it is deleted there")
}

impl Revoker<Token> for GitHub {
    /// Revokes the token, and asks whether it still works, because GitHub accepts the request before it revokes.
    /// <https://docs.github.com/en/rest/credentials/revoke>
    fn revoke<'a>(
        &'a self,
        token: &'a Token,
        ctx: &'a TeardownContext<'_>,
    ) -> BoxFuture<'a, Result<Teardown, ConnectionError>> {
        Box::pin(async move {
            // A server of an enterprise may be older than the request.
            if server(ctx.connection()).is_some() {
                return Ok(Teardown::NotRevoked(kept(ctx.connection())));
            }
            let base = ctx.base_url(API)?;
            let text = token.0.expose_str().unwrap_or_default();
            let body = Value::object([("credentials", Value::List(vec![Value::from(text)]))]);
            // The request has no credential: GitHub refuses it with one.
            let request = HttpRequest::post(base, "/credentials/revoke").json(&body);
            let answer = ctx.send(request.header("accept", "application/vnd.github+json")).await;
            let is_unknown = answer.as_ref().is_ok_and(|answer| matches!(answer.status(), 404 | 410));
            if !is_unknown {
                classify(answer)?;
            }
            Ok(match probe::account(self, token, base, ctx).await {
                Err(refused) if refused.reason.code == reason::UNAUTHORIZED => Teardown::Revoked,
                _ => Teardown::NotRevoked(Reason::new(
                    reason::REVOCATION_UNCONFIRMED,
                    "GitHub was asked to revoke the token, and the token may work until that is done",
                )),
            })
        })
    }
}
