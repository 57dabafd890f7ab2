//! Requests that a file describes, and what their answers mean.

use std::time::Duration;

use connection_contract::{
    AnswerClass, BaseUrl, Context, HttpError, HttpRequest, HttpResponse, NotLive, Reason, Secret, Value, classify_by,
    reason,
};

use super::{
    FileCredential, FileKind,
    attach::{self, Attached},
    oauth2,
};
use crate::kind::{
    model::{BasicModel, Described, MethodVerb, PageMeaning, Pairs, Pause, Rule, UnitName},
    template::{Address, Env, RenderError, Template},
};

/// Numbers of seconds from this one on are moments (2001 and later); smaller ones are durations.
const FIRST_MOMENT: f64 = 1e9;
/// The difference between two clocks from which it may be the cause of a refusal. Servers accept less.
pub(super) const MAX_SKEW: Duration = Duration::from_secs(5 * 60);
/// The words between the remedy for a clock that differs and the one for a refusal, which may have another cause.
pub(super) const OTHERWISE: &str = "; if that clock is right, ";

/// Sends a request with the credential attached. Paths are below `base`.
pub(super) async fn send(
    kind: &FileKind,
    credential: &FileCredential,
    described: Described<'_>,
    base: Option<&BaseUrl>,
    ctx: &Context<'_>,
) -> Result<Result<HttpResponse, HttpError>, NotLive> {
    Ok(send_as(kind, credential, described, None, None, base, ctx).await?.1)
}

/// Sends a request with the credential attached, or with `basic` in its place. `secret` is that of the application. Returns
/// also the host that was asked.
pub(super) async fn send_as(
    kind: &FileKind,
    credential: &FileCredential,
    described: Described<'_>,
    basic: Option<&BasicModel>,
    secret: Option<Secret>,
    base: Option<&BaseUrl>,
    ctx: &Context<'_>,
) -> Result<(String, Result<HttpResponse, HttpError>), NotLive> {
    let attached = Attached::new(kind, credential, ctx).map_err(|_| unusable())?.application(secret);
    let env = attached.env(credential, ctx);
    let mut request = written(kind, &described, &env, base, ctx)?;
    if let Some(basic) = basic {
        let user = basic.user.text(&env).map_err(unfilled)?;
        request.set_basic(&user, &Secret::from(basic.password.text(&env).map_err(unfilled)?));
    } else if attach::attach(kind, credential, &mut request, ctx).is_err() {
        return Ok((host(&request), Err(HttpError::Credential)));
    }
    // A header of this request replaces the same header of all calls.
    set_headers(&mut request, described.headers, &env)?;
    Ok((host(&request), ctx.send(request).await))
}

/// Returns the host that a request goes to.
pub(super) fn host(request: &HttpRequest) -> String {
    let rest = request.url().split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default().to_owned()
}

/// Writes a request, without the credential.
fn written(
    kind: &FileKind,
    described: &Described<'_>,
    env: &Env<'_>,
    base: Option<&BaseUrl>,
    ctx: &Context<'_>,
) -> Result<HttpRequest, NotLive> {
    let address = described.path.address(env).map_err(unfilled)?;
    let own = match &address.origin {
        Some(origin) => Some(known(kind, origin, ctx)?),
        None => None,
    };
    let fault = || NotLive::failing(Reason::new(reason::PLUGIN_FAULT, "the kind has no base address"));
    let base = own.as_ref().or(base).ok_or_else(fault)?;
    let mut request = started(described.verb, base, &address);
    for (name, template) in described.query.iter() {
        request = request.query(name, &template.text(env).map_err(unfilled)?);
    }
    set_headers(&mut request, described.headers, env)?;
    for (name, template) in described.form.into_iter().flat_map(Pairs::iter) {
        request = request.form(name, &Secret::from(template.text(env).map_err(unfilled)?));
    }
    if let Some(json) = described.json {
        request = request.json(&json.value(env).map_err(unfilled)?);
    }
    request.default_header("accept", "application/json");
    Ok(request)
}

fn set_headers(request: &mut HttpRequest, headers: &Pairs<Template>, env: &Env<'_>) -> Result<(), NotLive> {
    for (name, template) in headers.iter() {
        request.set_header(name.to_ascii_lowercase(), template.header(env).map_err(unfilled)?);
    }
    Ok(())
}

/// Begins a request to an address.
pub(super) fn started(verb: MethodVerb, base: &BaseUrl, address: &Address) -> HttpRequest {
    let request = HttpRequest::new(verb.name(), base, &address.path);
    address.query.iter().fold(request, |request, (name, value)| request.query(name, value))
}

/// Returns the base of a declared origin. A host may have mapped it to another address.
pub(super) fn known(kind: &FileKind, origin: &str, ctx: &Context<'_>) -> Result<BaseUrl, NotLive> {
    if kind.0.descriptor.origins.iter().any(|declared| declared == origin) {
        return Ok(ctx.base_url(origin)?.clone());
    }
    Ok(ctx.address(origin)?)
}

/// Converts an answer to a usable response, or to the reason why the connection is not live. If the request was signed with
/// the time, the reason of a refusal also says that the clocks differ.
pub(super) fn judged(
    kind: &FileKind,
    errors: &[Rule],
    ok: &[u16],
    result: Result<HttpResponse, HttpError>,
) -> Result<HttpResponse, NotLive> {
    let model = &kind.0.model;
    let request = model.request.as_ref();
    let is_signed = model.jwt.is_some() || model.sigv4.is_some();
    let clock = result.as_ref().ok().and_then(|response| response.clock_differs(MAX_SKEW)).filter(|_| is_signed);
    let limits = request.map(|request| request.limited_if.as_slice()).unwrap_or_default();
    let pauses = request.map(|request| request.pauses.as_slice()).unwrap_or_default();
    let named = result.as_ref().ok().and_then(|response| pause(pauses, response));
    let fires = |rules: &[Rule], answer: &Value| rules.iter().any(|rule| fires(rule, answer));
    let are_refusals = request.is_some_and(|request| request.pages == Some(PageMeaning::Refusal));
    let class = |response: &HttpResponse| {
        if are_refusals && response.is_page() && response.class() == AnswerClass::Unexpected {
            return AnswerClass::of(response.status());
        }
        let class = response.class_by(|answer| fires(limits, answer), |answer| fires(errors, answer));
        let is_ok = class == AnswerClass::Unexpected && ok.contains(&response.status());
        if is_ok { AnswerClass::Success } else { class }
    };
    classify_by(result, class).map_err(|mut found| {
        if found.reason.code == reason::RATE_LIMITED {
            found.recheck_after = named.or(found.recheck_after);
        }
        if let Some(clock) = clock.filter(|_| found.reason.code == reason::UNAUTHORIZED) {
            found.reason.message = format!("{}, and {clock}", found.reason.message).into();
            let usual = found.reason.remedy.take();
            let otherwise = usual.map(|usual| format!("{OTHERWISE}{usual}")).unwrap_or_default();
            found.reason.remedy = Some(format!("correct the clock of this machine, and try again{otherwise}").into());
        }
        found
    })
}

/// Returns `true` if a rule applies to an answer, by the comparison that answers of the token endpoint have.
pub(super) fn fires(rule: &Rule, answer: &Value) -> bool {
    match oauth2::rule_of(rule) {
        Some(rule) => rule.matches(answer),
        None => {
            let is_there = answer.pointer(&rule.pointer).is_some_and(|found| *found != Value::Null);
            rule.exists == Some(is_there)
        }
    }
}

/// Returns the pause that one of the named headers asks for.
fn pause(pauses: &[Pause], response: &HttpResponse) -> Option<Duration> {
    pauses.iter().find_map(|pause| {
        let number: f64 = response.header(&pause.header)?.trim().parse().ok()?;
        let seconds = if pause.unit == UnitName::Milliseconds { number / 1000.0 } else { number };
        #[expect(clippy::cast_precision_loss, reason = "a number of seconds since 1970 is exact")]
        let now = response.received_at().seconds() as f64;
        let left = if seconds < FIRST_MOMENT { seconds } else { seconds - now };
        // Round up, so that the next request is not too early.
        Duration::try_from_secs_f64(left.max(0.0).ceil()).ok()
    })
}

fn unusable() -> NotLive {
    let reason = Reason::new(reason::CREDENTIAL_UNREADABLE, "the stored credential cannot be used");
    NotLive::failing(reason.remedy(reason::AUTHORIZE_AGAIN))
}

/// Returns the result for a request that could not be written.
pub(super) fn unfilled(error: RenderError) -> NotLive {
    let name = error.name();
    let message = match error {
        RenderError::Missing(_) => format!("the value '{name}' is missing"),
        RenderError::Unsafe(_) => format!("the value '{name}' cannot be part of the request"),
    };
    let remedy = format!("{} with another value", reason::AUTHORIZE_AGAIN);
    NotLive::failing(Reason::new("unusable_value", message).remedy(remedy))
}
