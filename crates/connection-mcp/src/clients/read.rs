//! Reading one entry.

use super::{
    address::Address,
    client::Client,
    command::{self, McpRemote},
    entry::{Entry, Header, HeaderValue, Obstacle, Place, Remote, Server, Transport},
    placeholder,
    secret::SecretText,
    value::{Table, Value},
};

/// Members with which a client authenticates in a way that a connection cannot take over.
const OWN_AUTHENTICATION: &[&str] = &["authProviderType", "headersHelper"];
/// The value of `authProviderType` with which Gemini CLI follows the specification.
const BY_SPECIFICATION: &str = "dynamic_discovery";

/// Reads an entry. Returns `None` if it is not for a remote server and not ours.
pub(super) fn entry(client: Client, place: &Place, name: &str, fields: &Table, listed_disabled: bool) -> Option<Entry> {
    let server = match address(client, fields) {
        Some(address) => Server::Remote(remote(client, fields, address)),
        None => from_command(client, fields)?,
    };
    let disabled = listed_disabled || fields.flag("disabled") == Some(true) || fields.flag("enabled") == Some(false);
    Some(Entry { place: place.clone(), name: name.to_owned(), disabled, server })
}

/// Returns the command line of an entry that runs a program.
pub(super) fn command_line(fields: &Table) -> Vec<&str> {
    match fields.get("command") {
        // opencode has one list for the program and its arguments.
        Some(Value::List(_)) => fields.texts("command").unwrap_or_default(),
        Some(Value::Text(program)) => {
            [program.as_str()].into_iter().chain(fields.texts("args").unwrap_or_default()).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the address of a server that the client reaches by itself.
fn address(client: Client, fields: &Table) -> Option<&str> {
    if matches!(fields.text("type"), Some("stdio" | "local")) {
        return None;
    }
    let members: &[&str] = match client {
        // The documentation names this order, in which the command is last.
        Client::GeminiCli => &["httpUrl", "url"],
        Client::Windsurf => &["serverUrl", "url"],
        _ => &["url"],
    };
    // Codex refuses an entry with both a command and an address.
    let runs_command = client != Client::GeminiCli && fields.get("command").is_some();
    members.iter().find_map(|member| fields.text(member)).filter(|_| !runs_command)
}

fn remote(client: Client, fields: &Table, address: &str) -> Remote {
    let address = Address::new(address);
    let declared = fields.text("transport").or_else(|| fields.text("type"));
    let is_http_member = client == Client::GeminiCli && fields.text("httpUrl").is_some();
    let (transport, supported) = match declared.map(str::to_ascii_lowercase).as_deref() {
        _ if is_http_member => (Transport::Http, true),
        Some("http" | "streamable-http" | "streamable_http" | "streamablehttp") => (Transport::Http, true),
        Some("sse") => (Transport::Sse, true),
        // opencode says `remote` and tries both transports.
        None | Some("remote") => (undeclared(&address), true),
        Some(_) => (Transport::Http, false),
    };
    let obstacle = address_obstacle(client, &address)
        .or((!supported).then_some(Obstacle::Transport))
        .or((transport == Transport::Sse).then_some(Obstacle::Sse))
        .or_else(|| own_authentication(fields));
    Remote { headers: headers(client, fields), address, transport, obstacle }
}

/// Returns the transport of an entry that does not name one. By convention, an address for server-sent events ends
/// with `/sse`.
fn undeclared(address: &Address) -> Transport {
    if address.last_segment().eq_ignore_ascii_case("sse") { Transport::Sse } else { Transport::Http }
}

fn address_obstacle(client: Client, address: &Address) -> Option<Obstacle> {
    let placeholders = placeholder::names(client, address.expose());
    if !placeholders.is_empty() {
        return Some(Obstacle::Placeholder(placeholders));
    }
    match address.scheme().as_deref() {
        _ if !address.is_plain() => Some(Obstacle::Address),
        Some("http" | "https") if address.has_user() => Some(Obstacle::User),
        Some("http") if !address.is_loopback() => Some(Obstacle::Unencrypted),
        Some("http" | "https") => None,
        _ => Some(Obstacle::Address),
    }
}

fn own_authentication(fields: &Table) -> Option<Obstacle> {
    let own = OWN_AUTHENTICATION.iter().find(|member| {
        fields.get(member).is_some_and(|value| value.as_text().is_none_or(|text| text != BY_SPECIFICATION))
    });
    own.copied().map(Obstacle::Authentication)
}

fn headers(client: Client, fields: &Table) -> Vec<Header> {
    let member = if client == Client::Codex { "http_headers" } else { "headers" };
    let written = fields.table(member).into_iter().flat_map(Table::effective);
    let written = written.filter_map(|(name, value)| {
        Some(Header { name: name.to_owned(), value: header_value(client, value.as_text()?) })
    });
    let mut headers: Vec<Header> = written.collect();
    if client == Client::Codex {
        let variables = fields.table("env_http_headers").into_iter().flat_map(Table::effective);
        let variables = variables.filter_map(|(name, variable)| Some((name, variable.as_text()?)));
        let bearer = fields.text("bearer_token_env_var").map(|variable| ("Authorization", variable));
        headers.extend(variables.chain(bearer).map(|(name, variable)| Header {
            name: name.to_owned(),
            value: HeaderValue::Computed(vec![variable.to_owned()]),
        }));
    }
    headers
}

fn header_value(client: Client, text: &str) -> HeaderValue {
    // Codex replaces nothing in its headers.
    let names = if client == Client::Codex { Vec::new() } else { placeholder::names(client, text) };
    if names.is_empty() { HeaderValue::Fixed(SecretText::new(text)) } else { HeaderValue::Computed(names) }
}

fn from_command(client: Client, fields: &Table) -> Option<Server> {
    let line = command_line(fields);
    if let Some(connection) = command::ours(&line) {
        return Some(Server::Ours { connection: connection.map(str::to_owned) });
    }
    let McpRemote { address, headers, sse_only, obstacle } = command::mcp_remote(&line)?;
    let address = Address::new(address);
    let is_sse = sse_only || undeclared(&address) == Transport::Sse;
    let obstacle = address_obstacle(client, &address).or(is_sse.then_some(Obstacle::Sse)).or(obstacle);
    let environment = fields.table("env").or_else(|| fields.table("environment"));
    let headers = headers
        .into_iter()
        .map(|(name, value)| Header { name: name.to_owned(), value: expanded(client, value, environment) });
    Some(Server::Remote(Remote { headers: headers.collect(), address, transport: Transport::McpRemote, obstacle }))
}

/// Replaces the variables in a header of `mcp-remote` by their values in the entry. If one of them is not there, the
/// value is computed.
fn expanded(client: Client, value: SecretText, environment: Option<&Table>) -> HeaderValue {
    let names = placeholder::names(client, value.expose());
    let mut text = SecretText::new(value.expose());
    for name in &names {
        let Some(own) = environment.and_then(|environment| environment.text(name)) else {
            return HeaderValue::Computed(names);
        };
        if !placeholder::names(client, own).is_empty() {
            return HeaderValue::Computed(names);
        }
        text = SecretText::new(text.expose().replace(&format!("${{{name}}}"), own));
    }
    if names.is_empty() { HeaderValue::Fixed(value) } else { HeaderValue::Fixed(text) }
}
