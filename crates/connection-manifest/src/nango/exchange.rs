//! The modes TWO_STEP and JWT: requests that give a token, and tokens that are signed here.

use connection_contract::Value;

use super::{
    conversion::{Conversion, pointer, put},
    oauth2,
    table::Table,
};

/// Returns the members of the table `[exchange]`, converted from the entry.
pub(super) fn convert(c: &mut Conversion, entry: &mut Table) -> Vec<(String, Value)> {
    let mut exchange = Vec::new();
    if entry.has("token") {
        c.signs = true;
        let jwt = jwt(c, entry);
        put(&mut exchange, "jwt", jwt);
    }
    let mut steps = vec![step(c, entry)];
    if let Some(Value::List(more)) = entry.take("additional_steps") {
        for (index, more) in more.into_iter().take(8).enumerate() {
            let mut table = Table::new(&format!("additional_steps[{index}]"), more);
            steps.push(step(c, &mut table));
            table.lose(&mut c.lost);
        }
    }
    for (index, step) in steps.iter_mut().enumerate() {
        put(step, "capture", c.captures_of(index.saturating_add(1)));
    }
    let mut response = entry.table("token_response");
    match response.text("token").filter(|path| !path.is_empty()) {
        Some(path) => put(&mut exchange, "access_token", pointer(&path).as_str()),
        None => c.refuse("token_response.token", "the format reads the token from a member of a JSON response"),
    }
    let expiry = response.text("token_expiration").filter(|path| !path.is_empty());
    if let Some(path) = expiry {
        let strategy = response.text("token_expiration_strategy");
        let name = if strategy.as_deref() == Some("expireAt") { "expires_at" } else { "expires_in" };
        put(&mut exchange, name, pointer(&path).as_str());
    }
    response.leave_out(&["token_expiration", "token_expiration_strategy"]);
    response.lose(&mut c.lost);
    put(&mut exchange, "default_life_seconds", seconds(entry, "token_expires_in_ms"));
    put(&mut exchange, "steps", Some(Value::List(steps.into_iter().map(Value::Map).collect())));
    exchange
}

/// Returns one request of an exchange.
fn step(c: &mut Conversion, table: &mut Table) -> Vec<(String, Value)> {
    let mut step = Vec::new();
    let method = table.text("token_request_method").filter(|method| method != "POST");
    let is_get = method.as_deref() == Some("GET");
    put(&mut step, "method", method);
    let at = table.at("token_url");
    let mut addresses = table.text("token_url").map(|text| c.addresses(&at, &text)).unwrap_or_default();
    if addresses.len() > 1 {
        c.refuse(&at, "a request of an exchange has one address, and the entry gives alternatives");
    }
    put(&mut step, "url", addresses.pop());
    let headers = oauth2::headers(c, table);
    put(&mut step, "headers", headers);
    let body = oauth2::body(c, table);
    let place = match body.as_deref() {
        Some("query") => "query",
        _ if is_get => "query",
        Some(_) => "json",
        None => "form",
    };
    let params = c.templates(table.table("token_params"));
    put(&mut step, place, params);
    step
}

/// Returns the table of a JWT.
pub(super) fn jwt(c: &mut Conversion, entry: &mut Table) -> Vec<(String, Value)> {
    let mut jwt = Vec::new();
    entry.leave_out(&["signature"]);
    let mut token = entry.table("token");
    let mut header = token.table("header");
    let algorithm = header.text("alg");
    header.leave_out(&["typ"]);
    if algorithm.as_deref() == Some("HS256") {
        put(&mut jwt, "key_encoding", "utf8");
    }
    put(&mut jwt, "algorithm", algorithm);
    let key = token.text("signing_key").and_then(|key| c.template(&token.at("signing_key"), &key));
    put(&mut jwt, "key", key);
    put(&mut jwt, "lifetime_seconds", seconds(&mut token, "expires_in_ms"));
    let header = claims(c, header);
    put(&mut jwt, "header", header);
    let mut payload = token.table("payload");
    // The time of the signature and the end follow from the lifetime.
    payload.leave_out(&["exp", "iat"]);
    let claims = claims(c, payload);
    put(&mut jwt, "claims", claims);
    token.lose(&mut c.lost);
    jwt
}

/// Translates the members of a header or a payload, which may be lists.
fn claims(c: &mut Conversion, table: Table) -> Vec<(String, Value)> {
    let path = table.at("");
    let mut claims = Vec::new();
    for (name, value) in table.into_members() {
        let at = format!("{path}{name}");
        let value = match value {
            Value::Text(text) => c.template(&at, &text).map(Value::Text),
            Value::List(items) => {
                let texts = items.iter().filter_map(|item| c.template(&at, item.as_str()?));
                Some(Value::List(texts.map(Value::Text).collect()))
            }
            Value::Map(_) | Value::Null => {
                c.lost.push(at);
                None
            }
            plain => Some(plain),
        };
        claims.extend(value.map(|value| (name, value)));
    }
    claims
}

/// Takes a number of milliseconds, in seconds.
fn seconds(table: &mut Table, name: &str) -> Option<Value> {
    let milliseconds: i64 = table.text(name)?.parse().ok()?;
    Some(Value::from(milliseconds / 1000))
}
