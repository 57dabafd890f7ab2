//! Asks Notion for the user of a token, and interprets Notion's error codes.

use connection_contract::prelude::*;

use crate::{API, Notion, Token};

/// Returns the user of the token: a bot, which is labelled with its workspace, or a person.
pub(crate) async fn account(notion: &Notion, token: &Token, ctx: &Context<'_>) -> Result<Identity, NotLive> {
    let request = HttpRequest::get(ctx.base_url(API)?, "/v1/users/me");
    let result = ctx.send_as(notion, token, request).await;
    if let Some(refusal) = result.as_ref().ok().and_then(refusal) {
        return Err(refusal);
    }
    let me = classify(result)?.json()?;
    let id = me.str_at("id")?;
    let label = me["bot"]["workspace_name"].as_label().or(me["name"].as_label()).unwrap_or(id);
    Ok(Identity::new(id.to_owned(), label.to_owned()))
}

/// Interprets the `code` of an error, because its status alone does not say what is wrong.
/// <https://developers.notion.com/reference/status-codes>
fn refusal(response: &HttpResponse) -> Option<NotLive> {
    if response.status() < 400 {
        return None;
    }
    let reason = match response.json().ok()?["code"].as_str()? {
        "unauthorized" => Reason::new(reason::UNAUTHORIZED, "Notion does not accept this token")
            .remedy("copy it again, or make a new one"),
        "restricted_resource" => Reason::new(reason::FORBIDDEN, "this integration lacks a capability")
            .remedy("give it the capability in Notion's settings"),
        "rate_limited" => return Some(NotLive::rate_limited(response.retry_after())),
        "bad_gateway"
        | "conflict_error"
        | "database_connection_unavailable"
        | "gateway_timeout"
        | "internal_server_error"
        | "service_unavailable" => return Some(unavailable(response, "Notion is not available")),
        // These codes say nothing about the token: the plugin no longer matches Notion's API.
        "invalid_grant"
        | "invalid_json"
        | "invalid_request"
        | "invalid_request_url"
        | "missing_version"
        | "object_not_found"
        | "validation_error" => return Some(unavailable(response, "Notion does not understand this plugin's request")),
        _ => return None,
    };
    Some(NotLive::failing(reason))
}

fn unavailable(response: &HttpResponse, message: &'static str) -> NotLive {
    let mut offline = NotLive::offline(Reason::new(reason::PROVIDER_ERROR, message));
    offline.recheck_after = response.retry_after();
    offline
}
