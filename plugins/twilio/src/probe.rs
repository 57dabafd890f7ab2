//! Asks Twilio for the account, and distinguishes a wrong login from an account that is not active.

use connection_contract::prelude::*;

use crate::{API, Login, Proof, Twilio};

/// Code of the error "Permission denied", for a wrong login and for a key that may not read accounts.
/// <https://www.twilio.com/docs/api/errors/20003>
const PERMISSION_DENIED: Option<i64> = Some(20003);

/// Returns the account. Its SID never changes; its friendly name is for people.
pub(crate) async fn account(twilio: &Twilio, login: &Login, ctx: &Context<'_>) -> Result<Identity, NotLive> {
    let base = ctx.base_url(API)?;
    let sid = login.account_sid.as_str();
    let request = HttpRequest::get(base, &format!("/2010-04-01/Accounts/{sid}.json"));
    let result = ctx.send_as(twilio, login, request).await;
    if matches!(login.proof, Proof::ApiKey(..)) && result.as_ref().is_ok_and(is_denied) {
        return standard_key(twilio, login, ctx).await;
    }
    let account = accepted(result)?.json()?;
    let name = account["friendly_name"].as_label().unwrap_or(sid);
    let reason = match account.str_at("status")? {
        "active" => return Ok(Identity::new(sid.to_owned(), name.to_owned())),
        "suspended" => {
            Reason::new(reason::SUSPENDED, "Twilio suspended this account").remedy("see why in the Twilio console")
        }
        "closed" => Reason::new(reason::CLOSED, "this Twilio account is closed").remedy("connect another account"),
        _ => Reason::new("twilio_inactive", "this Twilio account is not active").remedy("see the Twilio console"),
    };
    Err(NotLive::failing(reason))
}

/// Returns the account of a standard API key.
///
/// Such a key may read everything except accounts and keys, so the probe reads a message instead. The account then has
/// no name. <https://www.twilio.com/docs/iam/api-keys/keys-in-console>
async fn standard_key(twilio: &Twilio, login: &Login, ctx: &Context<'_>) -> Result<Identity, NotLive> {
    let base = ctx.base_url(API)?;
    let sid = login.account_sid.as_str();
    let request = HttpRequest::get(base, &format!("/2010-04-01/Accounts/{sid}/Messages.json")).query("PageSize", "1");
    let page = accepted(ctx.send_as(twilio, login, request).await)?.json()?;
    match &page["messages"] {
        Value::List(_) => Ok(Identity::new(sid.to_owned(), sid.to_owned())),
        _ => Err(JsonError::Field("messages".into()).into()),
    }
}

/// Classifies a response, with a message of its own for a login that Twilio rejects.
fn accepted(result: Result<HttpResponse, HttpError>) -> Result<HttpResponse, NotLive> {
    classify(result).map_err(|mut refused| {
        if refused.reason.code == reason::UNAUTHORIZED {
            refused.reason = Reason::new(reason::UNAUTHORIZED, "Twilio does not accept this login")
                .remedy("check the SIDs and secrets, and that the account is active");
        }
        refused
    })
}

fn is_denied(response: &HttpResponse) -> bool {
    response.status() == 401 && response.json().is_ok_and(|error| error["code"].as_i64() == PERMISSION_DENIED)
}
