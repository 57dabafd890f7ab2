//! Exchanges: one or more requests that give a token for what a person answered.

use std::collections::BTreeMap;

use connection_contract::{Context, HttpResponse, NotLive, Reason, Secret, Value, reason};
use connection_oauth2::{expires_at, expires_in_at};

use super::{FileKind, account, calls, credential::Token, jwt, login::Login, oauth2::life_unit};
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
        let host = calls::host(&request);
        let result = ctx.send(request).await;
        let login = Login::read(host, &result);
        let judged = |found| match &login {
            Some(login) => login.judged(found, moment),
            None => found,
        };
        let response = calls::judged(kind, &exchange.error_if, &[], result).map_err(judged)?;
        let login = login.ok_or_else(fault)?;
        let answer = response.json_or_form().unwrap_or(Value::Null);
        for (name, pointer) in step.capture.iter() {
            let value = answer.pointer(pointer).and_then(account::text).map(|text| text.trim().to_owned());
            let value = value.filter(|text| !text.is_empty());
            captured
                .insert(name.to_owned(), value.ok_or_else(|| login.without(&format!("a value at {pointer}"), moment))?);
        }
        last = Some((login, response, answer));
    }
    let (login, response, answer) = last.ok_or_else(fault)?;
    let token = token(exchange, &response, &answer).map_err(|what| login.without(&what, moment))?;
    Ok((token, answer))
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

/// Returns the token of the last response.
///
/// # Errors
///
/// What the response lacks.
fn token(exchange: &Exchange, response: &HttpResponse, answer: &Value) -> Result<Token, String> {
    let header = exchange.token_header.as_deref().filter(|name| !name.is_empty());
    let access = match header {
        Some(name) => response.header(name).map(str::to_owned),
        None if exchange.access_token.is_empty() => answer.pointer("/access_token").and_then(account::text),
        None => account::first(&exchange.access_token, answer),
    };
    let place = || match header {
        Some(name) => format!("a token at the header {name}"),
        None if exchange.access_token.is_empty() => "a token at /access_token".to_owned(),
        None => format!("a token at {}", exchange.access_token.iter().collect::<Vec<_>>().join(", ")),
    };
    let access = access.ok_or_else(place)?;
    let access = Some(access.trim()).filter(|token| !Value::from(*token).is_missing()).ok_or_else(place)?;
    // No header can hold another one (RFC 9110, section 5.5).
    if access.contains(char::is_control) {
        return Err("a token that a request can contain".to_owned());
    }
    let access = Secret::from(access);
    let now = response.received_at();
    let unit = life_unit(exchange.expires_unit);
    let life = exchange.expires_in.iter().find_map(|pointer| expires_in_at(answer, pointer, unit, now));
    let end = || exchange.expires_at.iter().find_map(|pointer| expires_at(answer.pointer(pointer)?, now));
    let until = life.or_else(end);
    Ok(Token { access, until: until.or_else(|| exchange.default_life_seconds.map(|life| now.after(life))) })
}
