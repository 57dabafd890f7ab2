//! API keys of a tool's provider. The list of models shows whether the provider accepts a key.

use connection_contract::prelude::*;

use crate::{AgentCli, login::Login, spec::Tool};

/// Number of hexadecimal digits of the key's hash in the account id: enough to distinguish any two keys, and too few to
/// recover one.
const DIGITS: usize = 16;

/// Returns the account of a key. No provider reports it for a key, so the start of the key's SHA-256 names it.
pub(crate) async fn account(
    kind: &AgentCli,
    tool: &Tool,
    login: &Login,
    key: &Secret,
    ctx: &Context<'_>,
) -> Result<Identity, NotLive> {
    let request = HttpRequest::get(ctx.base_url(tool.api.origin)?, tool.api.models);
    let models = accepted(tool, ctx.send_as(kind, login, request).await)?.json()?;
    if !matches!(&models[tool.api.list], Value::List(_)) {
        return Err(JsonError::Field(tool.api.list.into()).into());
    }
    let hash = encode::hex(&ctx.crypto().sha256(key.expose()));
    let short = hash.get(..DIGITS).unwrap_or_default();
    Ok(Identity::new(
        format!("key:{short}"),
        format!("{} API key {}", tool.provider, short.get(..6).unwrap_or_default()),
    ))
}

/// Classifies a response, with a provider's own form of an unknown key, and with a reason of its own for a key that is
/// known but not permitted.
pub(crate) fn accepted(tool: &Tool, result: Result<HttpResponse, HttpError>) -> Result<HttpResponse, NotLive> {
    if result.as_ref().is_ok_and(is_invalid_key) {
        return Err(NotLive::failing(refused(tool)));
    }
    let is_refused = |response: &HttpResponse| response.status() == 403 && response.class() == AnswerClass::Refusal;
    if result.as_ref().is_ok_and(is_refused) {
        return Err(NotLive::failing(forbidden(tool)));
    }
    classify(result).map_err(|mut not_live| {
        if not_live.reason.code == reason::UNAUTHORIZED {
            not_live.reason = refused(tool);
        }
        not_live
    })
}

fn refused(tool: &Tool) -> Reason {
    Reason::new(reason::UNAUTHORIZED, format!("{} does not accept this key", tool.provider))
        .remedy(format!("make another key at {}", tool.api.console))
}

fn forbidden(tool: &Tool) -> Reason {
    Reason::new(reason::FORBIDDEN, format!("{} accepts this key but does not allow this request", tool.provider))
        .remedy(format!(
            "check its permissions, its project and the region at {}, or make another key there",
            tool.api.console
        ))
}

/// Returns `true` for Google's answer to an unknown key: status 400, with this word in the details of the error.
/// <https://docs.cloud.google.com/service-infrastructure/docs/service-management/reference/rpc/google.api#errorreason>
fn is_invalid_key(response: &HttpResponse) -> bool {
    let details = || response.json().ok().map(|error| error["error"]["details"].items().to_vec()).unwrap_or_default();
    response.status() == 400 && details().iter().any(|detail| detail["reason"].as_str() == Some("API_KEY_INVALID"))
}
