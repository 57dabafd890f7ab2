//! Exchanges: one or more requests that give a token for what a person answered.

use std::collections::BTreeMap;

use connection_contract::{Context, HttpResponse, NotLive, Reason, Secret, Value, reason};
use connection_oauth2::{expires_at, expires_in};

use super::{FileKind, account, calls, credential::Token, jwt};
use crate::kind::{
    model::{Exchange, ExchangeStep, MethodVerb},
    template::{Env, Values},
};

/// The occasion of an exchange, which decides the meaning of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Refresh,
    Setup,
}

/// Runs the exchange; also returns the last answer.
pub(super) async fn run(
    kind: &FileKind,
    values: &Values,
    ctx: &Context<'_>,
    moment: Moment,
) -> Result<(Token, Value), NotLive> {
    let fault = || NotLive::failing(Reason::new(reason::PLUGIN_FAULT, "the kind describes no exchange"));
    let exchange = kind.0.model.exchange.as_ref().ok_or_else(fault)?;
    let signed = match &exchange.jwt {
        Some(jwt) => Some(jwt::signed(jwt, &Env::new(values, ctx), ctx).map_err(|_| {
            let reason = Reason::new("unusable_key", "the private key cannot sign");
            NotLive::failing(reason.remedy("give the key in the format that the provider issued"))
        })?),
        None => None,
    };
    let mut captured = BTreeMap::new();
    let mut last = None;
    for step in &exchange.steps {
        let env = Env {
            steps: Some(&captured),
            signed: signed.as_ref().and_then(Secret::expose_str),
            ..Env::new(values, ctx)
        };
        let request = written(kind, step, &env, ctx)?;
        let response = answered(kind, exchange, ctx.send(request).await, moment)?;
        let answer = response.json().unwrap_or(Value::Null);
        for (name, pointer) in step.capture.iter() {
            if let Some(value) = answer.pointer(pointer).and_then(account::text) {
                captured.insert(name.to_owned(), value);
            }
        }
        last = Some((response, answer));
    }
    let (response, answer) = last.ok_or_else(fault)?;
    Ok((token(exchange, &response, &answer)?, answer))
}

fn written(
    kind: &FileKind,
    step: &ExchangeStep,
    env: &Env<'_>,
    ctx: &Context<'_>,
) -> Result<connection_contract::HttpRequest, NotLive> {
    let unfilled = calls::unfilled;
    let address = step.url.address(env).map_err(unfilled)?;
    let origin = address.origin.as_deref().unwrap_or_default();
    let base = calls::known(kind, origin, ctx)?;
    let mut request = calls::started(step.method.unwrap_or(MethodVerb::Post), &base, &address).no_redirect();
    for (name, template) in step.query.iter() {
        request = request.query(name, &Secret::from(template.text(env).map_err(unfilled)?));
    }
    for (name, template) in step.form.iter() {
        request = request.form(name, &Secret::from(template.text(env).map_err(unfilled)?));
    }
    if let Some(json) = &step.json {
        request = request.json(&json.value(env).map_err(unfilled)?);
    }
    for (name, template) in step.headers.iter() {
        request.set_header(name.to_ascii_lowercase(), template.header(env).map_err(unfilled)?);
    }
    if let Some(basic) = &step.basic {
        let user = basic.user.text(env).map_err(unfilled)?;
        request.set_basic(&user, &Secret::from(basic.password.text(env).map_err(unfilled)?));
    }
    request.default_header("accept", "application/json");
    Ok(request)
}

/// Converts an answer to a usable response. Login endpoints refuse a wrong secret with many statuses.
fn answered(
    kind: &FileKind,
    exchange: &Exchange,
    result: Result<HttpResponse, connection_contract::HttpError>,
    moment: Moment,
) -> Result<HttpResponse, NotLive> {
    let is_refusal = result.as_ref().is_ok_and(|response| matches!(response.status(), 400 | 404 | 422));
    let judged = calls::judged(kind.0.model.request.as_ref(), &exchange.error_if, &[], result);
    let judged = match judged {
        Err(found) if is_refusal && found.reason.code == reason::PROVIDER_ERROR => Err(NotLive::refused()),
        judged => judged,
    };
    judged.map_err(|found| match (moment, &*found.reason.code) {
        (Moment::Refresh, reason::UNAUTHORIZED) => {
            let lost = Reason::new(reason::NEEDS_REAUTHORIZATION, "the provider gives no new token");
            NotLive::failing(lost.remedy("connect again"))
        }
        _ => found,
    })
}

/// Returns the token of the last response.
fn token(exchange: &Exchange, response: &HttpResponse, answer: &Value) -> Result<Token, NotLive> {
    let header = exchange.token_header.as_deref().filter(|name| !name.is_empty());
    let access = match header {
        Some(name) => response.header(name).map(str::to_owned),
        None if exchange.access_token.is_empty() => answer.pointer("/access_token").and_then(account::text),
        None => account::first(&exchange.access_token, answer),
    };
    let nameless = || {
        let place = match header {
            Some(name) => format!("the header {name}"),
            None if exchange.access_token.is_empty() => "/access_token".to_owned(),
            None => exchange.access_token.iter().collect::<Vec<_>>().join(", "),
        };
        let message = format!("the provider's answer has no token: it has nothing at {place}");
        NotLive::offline(Reason::new(reason::NOT_JSON, message))
    };
    let access = Secret::from(access.ok_or_else(nameless)?);
    let now = response.received_at();
    let life = exchange.expires_in.iter().find_map(|pointer| expires_in(answer.pointer(pointer)?, now));
    let end = || exchange.expires_at.iter().find_map(|pointer| expires_at(answer.pointer(pointer)?, now));
    let until = life.or_else(end);
    Ok(Token { access, until: until.or_else(|| exchange.default_life_seconds.map(|life| now.after(life))) })
}
