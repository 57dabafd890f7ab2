//! What is frozen, and freezing and thawing.

use axum::{http::StatusCode, response::Response};
use connection_api::{Freezes, Froze, NewFreeze, Thawed};
use connection_core::{Frozen, Role};

use crate::{
    body::{Json, json},
    caller::{Caller, ToManage, ToRead},
    convert,
    openapi::refusals::{Conflict, NotFound},
    path::Path,
    problem::Problem,
    view,
};

/// Returns what is frozen that concerns the owner, and the last changes.
#[utoipa::path(get, path = "/freezes", responses((status = 200, body = Freezes)))]
pub(super) async fn list(caller: Caller<ToRead>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &view::freezes(&caller.registry).await?))
}

/// Freezes something: nothing of it is used from now on, in any process, and no secret is handed out. Freezing it again
/// changes nothing.
#[utoipa::path(
    post,
    path = "/freezes",
    request_body = NewFreeze,
    responses((status = 200, body = Froze), NotFound)
)]
pub(super) async fn freeze(caller: Caller<ToManage>, Json(body): Json<NewFreeze>) -> Result<Response, Problem> {
    let what = named(&caller, &body.what).await?;
    let froze = caller.registry.freezes().by(by(&caller)).freeze(what).await?;
    let mut froze = convert::froze(&froze);
    froze.remaining = caller.processes(froze.remaining);
    Ok(json(StatusCode::OK, &froze))
}

/// Thaws something. Thawing it again changes nothing.
#[utoipa::path(
    delete,
    path = "/freezes/{what}",
    params(("what" = String, Path, description = "`agent:NAME` or `agent:ID`, `all`, `connection:ID`, `kind:KIND` or `owner:OWNER`.")),
    responses((status = 200, body = Thawed), NotFound, Conflict)
)]
pub(super) async fn thaw(caller: Caller<ToManage>, Path(what): Path<String>) -> Result<Response, Problem> {
    let what = named(&caller, &what).await?;
    let thawed = caller.registry.freezes().by(by(&caller)).thaw(what.clone()).await?;
    Ok(json(StatusCode::OK, &convert::thawed(&what, &thawed)))
}

/// Returns the thing that a text names, if the caller may freeze and thaw it.
async fn named(caller: &Caller<ToManage>, text: &str) -> Result<Frozen, Problem> {
    let what = view::frozen(&caller.registry, text).await?;
    let what = what.ok_or_else(|| {
        let remedy = "name `agent:NAME`, `all`, `connection:ID`, `kind:KIND` or `owner:OWNER`";
        Problem::invalid("this names nothing that can be frozen").field("what").remedy(remedy)
    })?;
    match &what {
        Frozen::Agent(_) | Frozen::Connection(_) => Ok(what),
        Frozen::Owner(owner) if caller.token.owner.as_ref().is_none_or(|own| own == owner) => Ok(what),
        Frozen::Owner(_) => Err(Problem::other_owner()),
        // What concerns every owner is for whoever may administer the host.
        _ if !caller.sees_host() => {
            let problem = Problem::not_allowed("the token is for one owner, and this concerns all owners");
            Err(problem.remedy("use a token for every owner"))
        }
        _ if caller.token.role < Role::Admin => {
            let problem = Problem::not_allowed(format!(
                "the role '{}' does not allow to freeze or thaw what concerns all owners",
                caller.token.role.as_str()
            ));
            Err(problem.remedy(format!("use a token with the role '{}'", Role::Admin.as_str())))
        }
        _ => Ok(what),
    }
}

fn by(caller: &Caller<ToManage>) -> String {
    format!("token {} ({})", caller.token.name, caller.token.id)
}
