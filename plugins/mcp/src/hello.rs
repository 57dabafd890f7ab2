//! The requests that show whether a server wants a credential, and whether it accepts one.
//!
//! A server of the revision 2026-07-28 answers `server/discover`, and one of an earlier revision `initialize`. Many servers
//! answer those without a credential, and refuse `tools/list` alone. No tool is called.

use connection_contract::prelude::*;

use crate::{Mcp, McpCredential, challenge, credential::Access};

/// The revision of the protocol without sessions.
const STATELESS: &str = "2026-07-28";
/// The last revision with sessions, which a server may answer with an earlier one.
const WITH_SESSIONS: &str = "2025-11-25";
/// The name and the version that a server learns. No server may decide by them.
const NAME: &str = "Connections";
const VERSION: &str = "1";
/// The code of an error for a revision that the server does not support.
const UNSUPPORTED_VERSION: i64 = -32022;

/// The kind, and the credential with which a request is sent.
type With<'a> = (&'a Mcp, &'a McpCredential);

/// The protocol that a server speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Era {
    Stateless,
    WithSessions { version: String, session: Option<String> },
}

/// The code for an address at which something else answers than an MCP server.
const NO_SERVER: &str = "mcp_no_server";
/// The longest name of a server that is kept, in characters.
const MAX_NAME: usize = 100;
/// How many names of tools are kept.
const MAX_TOOLS: usize = 20;

/// What a server that answered says about itself. People see it as data, because the server chose it.
#[derive(Debug, Default)]
pub(crate) struct Greeting {
    pub(crate) name: Option<String>,
    /// The names of the first tools, and how many more there are. `None` if the server was not asked or has none.
    pub(crate) tools: Option<String>,
}

/// The requests that a server refuses without a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// All of them, the greeting included.
    Greeting,
    /// Requests after the greeting.
    Tools,
    /// This was not asked.
    Unknown,
}

/// The answer of a server to requests without a credential.
#[derive(Debug)]
pub(crate) enum Hello {
    Answered(Greeting),
    /// The server wants a credential, as this answer says.
    Refused(Gate, HttpResponse),
}

/// Greets a server without a credential, and asks for its tools if it answers.
///
/// # Errors
///
/// What answers is no MCP server, or cannot be asked now.
pub(crate) async fn without_credential(
    base: &BaseUrl,
    query: Option<&Secret>,
    ctx: &Context<'_>,
) -> Result<Hello, NotLive> {
    let open = open(query);
    let with = (&Mcp, &open);
    let (era, name) = match greet(base, with, ctx).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(Hello::Refused(Gate::Greeting, refusal)),
    };
    let tools = list_tools(base, with, &era, ctx).await;
    end(base, with, &era, ctx).await;
    let tools = tools?;
    if is_refusal(&tools, with.1) {
        return Ok(Hello::Refused(Gate::Tools, tools));
    }
    Ok(Hello::Answered(Greeting { name, tools: tool_names(&tools) }))
}

/// Verifies a credential: it works only if the same request without it is refused. What the server says about itself is
/// complete if the gate is known, as it is in a setup.
///
/// # Errors
///
/// The server refuses the credential, or cannot be asked now.
pub(crate) async fn checked(
    kind: &Mcp,
    credential: &McpCredential,
    gate: Gate,
    base: &BaseUrl,
    ctx: &Context<'_>,
) -> Result<(VerifyResult<McpCredential>, Greeting), NotLive> {
    let with = (kind, credential);
    let Ok((era, name)) = greet(base, with, ctx).await? else { return Err(NotLive::failing(refused())) };
    if gate == Gate::Greeting {
        // The greeting was accepted, so what becomes of this request decides nothing.
        let tools = list_tools(base, with, &era, ctx).await.ok();
        end(base, with, &era, ctx).await;
        return Ok((VerifyResult::live(), Greeting { name, tools: tools.as_ref().and_then(tool_names) }));
    }
    let is_open = matches!(credential.access, Access::Open);
    let answer = match (gate, is_open) {
        (Gate::Unknown, false) => Some(without_credential(base, credential.query.as_ref(), ctx).await),
        _ => None,
    };
    if let Some(Ok(Hello::Refused(Gate::Greeting, _))) = answer {
        end(base, with, &era, ctx).await;
        return Ok((VerifyResult::live(), Greeting { name, tools: None }));
    }
    let tools = list_tools(base, with, &era, ctx).await;
    end(base, with, &era, ctx).await;
    let tools = tools?;
    if is_refusal(&tools, credential) {
        return Err(NotLive::failing(refused()));
    }
    let found = match answer.transpose()? {
        // The server answers anybody, so its answer says nothing about the credential.
        Some(Hello::Answered(_)) => VerifyResult::not_checked(),
        Some(Hello::Refused(..)) | None => VerifyResult::live(),
    };
    Ok((found, Greeting { name, tools: tool_names(&tools) }))
}

/// Returns what a verification says of an error. A server that was connected and answers something else is out of order;
/// that says nothing about the credential.
pub(crate) fn later(error: NotLive) -> NotLive {
    match error.reason.code == NO_SERVER {
        true => NotLive::offline(error.reason),
        false => error,
    }
}

/// Returns a credential that has nothing but the query, which belongs to the address and is sent with every request.
fn open(query: Option<&Secret>) -> McpCredential {
    McpCredential { query: query.map(Secret::duplicate), access: Access::Open }
}

/// Returns the reason for a credential that the server refuses.
pub(crate) fn refused() -> Reason {
    Reason::new(reason::UNAUTHORIZED, "the server refuses the credential").remedy(reason::AUTHORIZE_AGAIN)
}

/// Sends the first request of a client, in either form, and returns the protocol and the name of the server. `Err` is the
/// answer of a server that wants a credential.
async fn greet(
    base: &BaseUrl,
    with: With<'_>,
    ctx: &Context<'_>,
) -> Result<Result<(Era, Option<String>), HttpResponse>, NotLive> {
    let mut answer = call(base, with, &Era::Stateless, "server/discover", stateless_params(), ctx).await?;
    if supports_stateless(&answer) {
        answer = call(base, with, &Era::Stateless, "server/discover", stateless_params(), ctx).await?;
    }
    if is_refusal(&answer, with.1) {
        return Ok(Err(answer));
    }
    if answer.status() == 403 {
        return Ok(Ok((Era::Stateless, None)));
    }
    if let Some(result) = result(&answer) {
        let server = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        return Ok(Ok((Era::Stateless, server_name(server))));
    }
    let client = Value::object([("name", NAME.into()), ("version", VERSION.into())]);
    let params = Value::object([
        ("protocolVersion", Value::from(WITH_SESSIONS)),
        ("capabilities", Value::Map(Vec::new())),
        ("clientInfo", client),
    ]);
    let begun = Era::WithSessions { version: WITH_SESSIONS.to_owned(), session: None };
    let answer = call(base, with, &begun, "initialize", params, ctx).await?;
    if is_refusal(&answer, with.1) {
        return Ok(Err(answer));
    }
    let Some(result) = result(&answer) else { return Err(no_server(&answer)) };
    let version = result["protocolVersion"].as_str().unwrap_or(WITH_SESSIONS).to_owned();
    let session = answer.header("mcp-session-id").map(ToOwned::to_owned);
    let era = Era::WithSessions { version, session };
    // The server waits for this notification before it answers other requests.
    let body = Value::object([("jsonrpc", "2.0".into()), ("method", "notifications/initialized".into())]);
    drop(send(post(base, &era, &body), with, ctx).await?);
    Ok(Ok((era, server_name(&result["serverInfo"]))))
}

async fn list_tools(base: &BaseUrl, with: With<'_>, era: &Era, ctx: &Context<'_>) -> Result<HttpResponse, NotLive> {
    let params = match era {
        Era::Stateless => stateless_params(),
        Era::WithSessions { .. } => Value::Map(Vec::new()),
    };
    call(base, with, era, "tools/list", params, ctx).await
}

/// Ends the session that a greeting opened, if there is one. A server that keeps it ends it by itself.
async fn end(base: &BaseUrl, with: With<'_>, era: &Era, ctx: &Context<'_>) {
    if let Era::WithSessions { session: Some(_), .. } = era {
        let request = with_headers(HttpRequest::at("DELETE", base), era);
        drop(send(request, with, ctx).await);
    }
}

fn stateless_params() -> Value {
    let client = Value::object([("name", NAME.into()), ("version", VERSION.into())]);
    let meta = Value::object([
        ("io.modelcontextprotocol/protocolVersion", Value::from(STATELESS)),
        ("io.modelcontextprotocol/clientInfo", client),
        ("io.modelcontextprotocol/clientCapabilities", Value::Map(Vec::new())),
    ]);
    Value::object([("_meta", meta)])
}

async fn call(
    base: &BaseUrl,
    with: With<'_>,
    era: &Era,
    method: &'static str,
    params: Value,
    ctx: &Context<'_>,
) -> Result<HttpResponse, NotLive> {
    let body = Value::object([
        ("jsonrpc", Value::from("2.0")),
        ("id", Value::from("1")),
        ("method", Value::from(method)),
        ("params", params),
    ]);
    let request = post(base, era, &body);
    let request = match era {
        Era::Stateless => request.header("mcp-method", method),
        Era::WithSessions { .. } => request,
    };
    send(request, with, ctx).await
}

fn post(base: &BaseUrl, era: &Era, body: &Value) -> HttpRequest {
    let request = HttpRequest::at("POST", base).json(body).header("accept", "application/json, text/event-stream");
    with_headers(request, era)
}

fn with_headers(request: HttpRequest, era: &Era) -> HttpRequest {
    match era {
        Era::Stateless => request.header("mcp-protocol-version", STATELESS),
        Era::WithSessions { version, session } => {
            let request = request.header("mcp-protocol-version", version.clone());
            match session {
                Some(session) => request.header("mcp-session-id", Secret::from(session.as_str())),
                None => request,
            }
        }
    }
}

/// Sends a request. Answers that say something about the credential or the protocol are returned; an answer that will be
/// another one later, and a redirect, are errors.
async fn send(request: HttpRequest, with: With<'_>, ctx: &Context<'_>) -> Result<HttpResponse, NotLive> {
    let (kind, credential) = with;
    match ctx.send_as(kind, credential, request.no_redirect()).await {
        Ok(answer) if (300..400).contains(&answer.status()) => {
            let message = "the server redirects to another address";
            Err(NotLive::failing(
                Reason::new("mcp_redirected", message).remedy("enter the address to which it redirects"),
            ))
        }
        Ok(answer) if is_page_on_the_way(&answer, credential) => classify(Ok(answer)),
        Ok(answer) if !answer.class().is_temporary() => Ok(answer),
        // A server of an earlier revision may fail for a method that it does not know.
        Ok(answer) if answer.status() == 501 => Ok(answer),
        other => classify(other),
    }
}

/// Returns `true` for a page in place of an answer to a request with a credential: a proxy or a firewall sent it, so that it
/// says nothing about the credential. A server that got none may ask for one with a page.
fn is_page_on_the_way(answer: &HttpResponse, credential: &McpCredential) -> bool {
    let is_page = matches!(answer.status(), 401 | 403) && answer.class() == AnswerClass::Unexpected;
    is_page && !matches!(credential.access, Access::Open)
}

/// Returns `true` for an error that lists the revision that was asked for among those that the server supports.
fn supports_stateless(answer: &HttpResponse) -> bool {
    let error = answer.json().map(|message| message["error"].clone()).unwrap_or(Value::Null);
    let supported = &error["data"]["supported"];
    error["code"].as_i64() == Some(UNSUPPORTED_VERSION)
        && supported.items().iter().any(|version| version.as_str() == Some(STATELESS))
}

/// Returns `true` for an answer that asks for a credential, or for another one. A server that wants further scopes for the
/// request accepts the credential.
fn is_refusal(answer: &HttpResponse, credential: &McpCredential) -> bool {
    let is_open = matches!(credential.access, Access::Open);
    let lacks_scopes = || challenge::read(answer).is_ok_and(|challenge| challenge.lacks_scopes);
    match answer.status() {
        401 => true,
        403 => is_open || !lacks_scopes(),
        _ => false,
    }
}

/// Returns the result of a JSON-RPC response, also as an event of a stream.
fn result(answer: &HttpResponse) -> Option<Value> {
    if !(200..300).contains(&answer.status()) {
        return None;
    }
    let is_stream = answer.header("content-type").is_some_and(|form| form.starts_with("text/event-stream"));
    let message = match is_stream {
        true => events(answer).into_iter().find(|message| message["result"] != Value::Null)?,
        false => answer.json().ok()?,
    };
    Some(message["result"].clone()).filter(|result| *result != Value::Null)
}

/// Returns the messages of a stream of events, each of which has its data in one or several lines. They are read as the JSON
/// of any answer is.
fn events(answer: &HttpResponse) -> Vec<Value> {
    let body = answer.body().expose();
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut data = Vec::new();
    let mut found = Vec::new();
    for line in body.split(|byte| *byte == b'\n').chain([&b""[..]]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.strip_prefix(b"data:") {
            Some(rest) => {
                data.extend_from_slice(rest.strip_prefix(b" ").unwrap_or(rest));
                data.push(b'\n');
            }
            None if line.is_empty() => {
                let data = Secret::new(core::mem::take(&mut data));
                found.extend(HttpResponse::new(answer.status(), Vec::new(), data, answer.received_at()).json());
            }
            None => {}
        }
    }
    found
}

/// Returns the name of a server for people.
fn server_name(server: &Value) -> Option<String> {
    let text = |name: &str| server[name].as_label().filter(|text| !text.is_empty()).map(shortened);
    text("title").or_else(|| text("name"))
}

/// Returns the names of the first tools of a list, and how many more it has; `None` if it has none.
fn tool_names(answer: &HttpResponse) -> Option<String> {
    let result = result(answer)?;
    let all: Vec<_> = result["tools"].items().iter().filter_map(|tool| tool["name"].as_label()).collect();
    let shown: Vec<_> = all.iter().take(MAX_TOOLS).copied().map(shortened).collect();
    let more = all.len() - shown.len();
    match (shown.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(shown.join(", ")),
        (false, more) => Some(format!("{} and {more} more", shown.join(", "))),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

fn no_server(answer: &HttpResponse) -> NotLive {
    let message = format!("no MCP server answers at this address: it answered with status {}", answer.status());
    NotLive::failing(Reason::new(NO_SERVER, message).remedy("check the address, including its path"))
}
