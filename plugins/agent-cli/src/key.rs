//! An API key of the tool's provider: whether the provider takes it, by the list of its models.

use connection_contract::prelude::*;

use crate::{AgentCli, login::Login, spec::Tool};

/// So many digits of the key's hash name it: enough to tell any two apart, and no way back to the key.
const DIGITS: usize = 16;

/// The account behind a key. No provider tells it for a key, so it is named by the start of the key's SHA-256.
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

/// As everywhere, with a provider's own way of saying that it does not know a key, and a key that is known and may not do
/// this told apart.
pub(crate) fn accepted(tool: &Tool, result: Result<HttpResponse, HttpError>) -> Result<HttpResponse, NotLive> {
    if result.as_ref().is_ok_and(is_invalid_key) {
        return Err(NotLive::failing(refused(tool)));
    }
    if result.as_ref().is_ok_and(|response| response.status() == 403) {
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
        .remedy(format!("make another one at {}", tool.api.console))
}

fn forbidden(tool: &Tool) -> Reason {
    Reason::new(reason::FORBIDDEN, format!("{} knows this key and does not let it do this", tool.provider)).remedy(
        format!(
            "look at its permissions, its project and the region at {}, or make another one there",
            tool.api.console
        ),
    )
}

/// Google answers 400 for a key that it does not know, with this word in the details of the error.
/// <https://docs.cloud.google.com/service-infrastructure/docs/service-management/reference/rpc/google.api#errorreason>
fn is_invalid_key(response: &HttpResponse) -> bool {
    let details = || response.json().ok().map(|error| error["error"]["details"].items().to_vec()).unwrap_or_default();
    response.status() == 400 && details().iter().any(|detail| detail["reason"].as_str() == Some("API_KEY_INVALID"))
}
