//! The modes OAUTH2 and OAUTH2_CC.

use connection_contract::Value;

use super::{
    conversion::{Conversion, pointer, put},
    entry::Mode,
    fields::Source,
    table::Table,
};

/// Parameters that follow from the grant.
const STANDARD: [(&str, &str); 4] = [
    ("grant_type", "authorization_code"),
    ("grant_type", "client_credentials"),
    ("grant_type", "refresh_token"),
    ("response_type", "code"),
];

/// Returns the members of the table `[oauth2]`, converted from the entry.
pub(super) fn convert(c: &mut Conversion, entry: &mut Table, mode: Mode) -> Vec<(String, Value)> {
    let mut table = Vec::new();
    for (theirs, ours) in [("authorization_url", "authorize"), ("token_url", "token"), ("refresh_url", "refresh")] {
        let text = match entry.text(theirs) {
            Some(text) => Some(text),
            None => entry.table(theirs).text("OAUTH2"),
        };
        let addresses = text.map(|text| c.addresses(theirs, &text)).unwrap_or_default();
        put(&mut table, ours, addresses);
    }
    if mode == Mode::ClientCredentials {
        put(&mut table, "grant", "client_credentials");
        put(&mut table, "client", "per_connection");
    }
    client_auth(c, entry, &mut table);
    if entry.flag("disable_pkce") && mode == Mode::OAuth2 {
        put(&mut table, "pkce", Some(Value::Bool(false)));
    }
    put(&mut table, "body", body(c, entry));
    put(&mut table, "scopes", entry.texts("default_scopes"));
    let separator = entry.text("scope_separator").filter(|separator| separator != " ");
    put(&mut table, "scope_separator", separator);
    for (theirs, ours) in [
        ("authorization_params", "authorize_params"),
        ("token_params", "token_params"),
        ("refresh_params", "refresh_params"),
    ] {
        let params = params(c, entry, theirs);
        put(&mut table, ours, params);
    }
    let headers = headers(c, entry);
    put(&mut table, "token_headers", headers);
    let renamed = renamed(c, entry);
    put(&mut table, "authorize_rename", renamed);
    put(&mut table, "code_param", entry.text("authorization_code_param_in_callback"));
    let captured = entry.texts("redirect_uri_metadata");
    let captured: Vec<String> = captured.iter().map(|name| c.supplied(name, Source::Callback)).collect();
    put(&mut table, "callback_capture", captured);
    let response = response(c, entry);
    put(&mut table, "response", response);
    table
}

fn client_auth(c: &mut Conversion, entry: &mut Table, table: &mut Vec<(String, Value)>) {
    let method = entry.text("token_request_auth_method");
    let is_header = entry.text("authorization_method").as_deref() == Some("header");
    match method.as_deref() {
        // The id and the secret are sent as they are, without the encoding of RFC 6749, section 2.3.1.
        Some("basic") => put(table, "client_auth", "basic_raw"),
        None if is_header => put(table, "client_auth", "basic_raw"),
        None => {}
        Some(_) => c.refuse("token_request_auth_method", "the application authenticates in a way of its own"),
    }
}

pub(super) fn body(c: &mut Conversion, entry: &mut Table) -> Option<String> {
    match entry.text("body_format").as_deref() {
        None | Some("form") => None,
        Some(known @ ("json" | "query")) => Some(known.to_owned()),
        Some(_) => {
            c.refuse("body_format", "requests have a form, JSON or a query as their body");
            None
        }
    }
}

fn params(c: &mut Conversion, entry: &mut Table, name: &str) -> Vec<(String, Value)> {
    let mut params = c.templates(entry.table(name));
    params.retain(|(name, value)| !STANDARD.iter().any(|known| *known == (name, value.as_str().unwrap_or_default())));
    if let Some((grant, _)) = params.iter().find(|(name, _)| name == "grant_type") {
        c.refuse(&format!("{name}.{grant}"), "the format does not have this grant");
    }
    params
}

pub(super) fn headers(c: &mut Conversion, entry: &mut Table) -> Vec<(String, Value)> {
    let mut headers = c.templates(entry.table("token_headers"));
    // These two follow from the body, and from what a response can be.
    headers.retain(|(name, _)| !super::request::is_content_type(name) && !name.eq_ignore_ascii_case("accept"));
    headers
}

/// Returns the other names of standard parameters.
fn renamed(c: &mut Conversion, entry: &mut Table) -> Vec<(String, Value)> {
    let mut replacements = entry.table("authorization_url_replacements");
    let path = replacements.at("");
    let mut renamed = Vec::new();
    for (from, to) in replacements.pairs(&mut c.lost) {
        let name = |text: &str| {
            let name = text.trim_end_matches('=');
            (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')).then(|| name.to_owned())
        };
        match (name(&from), name(&to)) {
            (Some(from), Some(to)) => renamed.push((from, Value::Text(to))),
            _ => c.lost.push(format!("{path}{}", from.chars().take(32).collect::<String>())),
        }
    }
    renamed
}

/// Returns where the parts of a token response are.
fn response(c: &mut Conversion, entry: &mut Table) -> Vec<(String, Value)> {
    let mut response = Vec::new();
    if let Some(path) = entry.text("alternate_access_token_response_path") {
        put(&mut response, "access_token", vec!["/access_token".to_owned(), pointer(&path)]);
    }
    if entry.text("expires_in_unit").as_deref() == Some("milliseconds") {
        put(&mut response, "expires_unit", "milliseconds");
    }
    let captured = entry.texts("token_response_metadata");
    let captured: Vec<_> = captured
        .iter()
        .map(|path| (c.supplied(path, Source::TokenResponse), Value::from(pointer(path).as_str())))
        .collect();
    put(&mut response, "capture", captured);
    response
}
