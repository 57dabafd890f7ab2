//! The table `proxy`: how calls are sent, and the request that verifies.

use connection_contract::Value;

use super::{
    conversion::{Conversion, put},
    entry::Mode,
    table::Table,
};

/// Adds `[request]` and `[verify]` to a document.
pub(super) fn convert(c: &mut Conversion, mut proxy: Table, mode: Mode, document: &mut Vec<(String, Value)>) {
    let base = proxy.text("base_url");
    let mut request = Vec::new();
    if let Some(base) = &base {
        let mut bases = c.addresses(&proxy.at("base_url"), base);
        for base in &mut bases {
            base.truncate(base.trim_end_matches('/').len());
        }
        put(&mut request, "base", bases);
    }
    let headers = c.templates(proxy.table("headers"));
    let names = |wanted: &str| headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let has_authorization = names("authorization");
    put(&mut request, "headers", headers);
    let query = c.templates(proxy.table("query"));
    put(&mut request, "query", query);
    let json = c.templates(proxy.table("body"));
    put(&mut request, "json", json);
    if mode == Mode::Basic && !has_authorization {
        let user = c.template("credentials", "${username}");
        let password = c.template("credentials", "${password}");
        let mut basic = Vec::new();
        put(&mut basic, "user", user);
        put(&mut basic, "password", password);
        put(&mut request, "basic", basic);
    }
    put(&mut request, "pauses", pauses(c, proxy.table("retry")));
    let verify = if proxy.has("verification") { verification(c, proxy.table("verification")) } else { Vec::new() };
    proxy.lose(&mut c.lost);
    put(document, "request", request);
    put(document, "verify", verify);
}

/// Returns the headers that say how long a rate limit lasts, or when it ends.
fn pauses(c: &mut Conversion, mut retry: Table) -> Option<Value> {
    let headers: Vec<String> = retry.texts("after").into_iter().chain(retry.texts("at")).collect();
    retry.lose(&mut c.lost);
    let pause = |header: &String| Value::object([("header", Value::from(header.as_str())), ("unit", "seconds".into())]);
    (!headers.is_empty()).then(|| Value::List(headers.iter().map(pause).collect()))
}

fn verification(c: &mut Conversion, mut table: Table) -> Vec<(String, Value)> {
    let mut verify = Vec::new();
    let endpoints = table.texts("endpoints");
    let Some(endpoint) = endpoints.first() else {
        c.lost.push(table.at("endpoints"));
        return verify;
    };
    if endpoints.len() > 1 {
        c.lost.push(table.at("endpoints[1]"));
    }
    let endpoint = if endpoint.starts_with('/') { endpoint.clone() } else { format!("/{endpoint}") };
    let address = match table.text("base_url_override") {
        Some(base) => format!("{}{endpoint}", base.trim_end_matches('/')),
        None => endpoint,
    };
    let method = table.text("method").filter(|method| method != "GET");
    let path = c.template(&table.at("endpoints"), &address);
    let mut headers = c.templates(table.table("headers"));
    let form = headers.iter().any(|(name, value)| is_content_type(name) && value.as_str().is_some_and(is_form));
    // The body decides this header.
    headers.retain(|(name, _)| !is_content_type(name));
    put(&mut verify, "method", method);
    put(&mut verify, "path", path);
    put(&mut verify, "headers", headers);
    let at = table.at("data");
    match table.take("data") {
        Some(data @ Value::Map(_)) if form => {
            let form = c.templates(Table::new(&at, data));
            put(&mut verify, "form", form);
        }
        Some(data) => {
            let data = body(c, &at, data);
            put(&mut verify, "json", Some(data));
        }
        None => {}
    }
    table.lose(&mut c.lost);
    verify
}

/// Translates the texts of a JSON body.
fn body(c: &mut Conversion, at: &str, value: Value) -> Value {
    match value {
        Value::Text(text) => c.template(at, &text).map_or(Value::Null, Value::Text),
        Value::List(items) => Value::List(items.into_iter().map(|item| body(c, at, item)).collect()),
        Value::Map(members) => {
            Value::Map(members.into_iter().map(|(name, value)| (name, body(c, at, value))).collect())
        }
        plain => plain,
    }
}

pub(super) fn is_content_type(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-type")
}

pub(super) fn is_form(content_type: &str) -> bool {
    content_type.contains("form-urlencoded")
}
