//! The requests that show whether a server wants a credential, and whether it accepts one.
//!
//! A server of the revision 2026-07-28 answers `server/discover`, and one of an earlier revision `initialize`. Many servers
//! answer those without a credential, and refuse `tools/list` alone. No tool is called.

use connection_contract::prelude::*;

use crate::{Mcp, McpCredential, credential::Access};

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

/// What a server that answered says about itself.
#[derive(Debug, Default)]
pub(crate) struct Greeting {
    pub(crate) name: Option<String>,
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
    let (era, greeting) = match greet(base, with, ctx).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(Hello::Refused(Gate::Greeting, refusal)),
    };
    let tools = list_tools(base, with, &era, ctx).await;
    end(base, with, &era, ctx).await;
    let tools = tools?;
    Ok(if is_refusal(&tools) { Hello::Refused(Gate::Tools, tools) } else { Hello::Answered(greeting) })
}

/// Verifies a credential: it works only if the same request without it is refused.
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
) -> Result<VerifyResult<McpCredential>, NotLive> {
    let with = (kind, credential);
    let Ok((era, _)) = greet(base, with, ctx).await? else { return Err(NotLive::failing(refused())) };
    if gate == Gate::Greeting {
        end(base, with, &era, ctx).await;
        return Ok(VerifyResult::live());
    }
    let is_open = matches!(credential.access, Access::Open);
    let answer = match (gate, is_open) {
        (Gate::Unknown, false) => Some(without_credential(base, credential.query.as_ref(), ctx).await),
        _ => None,
    };
    if let Some(Ok(Hello::Refused(Gate::Greeting, _))) = answer {
        end(base, with, &era, ctx).await;
        return Ok(VerifyResult::live());
    }
    let tools = list_tools(base, with, &era, ctx).await;
    end(base, with, &era, ctx).await;
    if is_refusal(&tools?) {
        return Err(NotLive::failing(refused()));
    }
    match answer.transpose()? {
        // The server answers anybody, so its answer says nothing about the credential.
        Some(Hello::Answered(_)) => Ok(VerifyResult::not_checked()),
        Some(Hello::Refused(..)) | None => Ok(VerifyResult::live()),
    }
}

/// Returns a credential that has nothing but the query, which belongs to the address and is sent with every request.
fn open(query: Option<&Secret>) -> McpCredential {
    McpCredential { query: query.map(Secret::duplicate), access: Access::Open }
}

/// Returns the reason for a credential that the server refuses.
pub(crate) fn refused() -> Reason {
    Reason::new(reason::UNAUTHORIZED, "the server refuses the credential").remedy("authorize again")
}

/// Sends the first request of a client, in either form. `Err` is the answer of a server that wants a credential.
async fn greet(
    base: &BaseUrl,
    with: With<'_>,
    ctx: &Context<'_>,
) -> Result<Result<(Era, Greeting), HttpResponse>, NotLive> {
    let mut answer = call(base, with, &Era::Stateless, "server/discover", stateless_params(), ctx).await?;
    if supports_stateless(&answer) {
        answer = call(base, with, &Era::Stateless, "server/discover", stateless_params(), ctx).await?;
    }
    if is_refusal(&answer) {
        return Ok(Err(answer));
    }
    // The server accepts the credential, and wants further scopes for this request (RFC 6750, section 3.1).
    if answer.status() == 403 {
        let is_open = matches!(with.1.access, Access::Open);
        return Ok(if is_open { Err(answer) } else { Ok((Era::Stateless, Greeting::default())) });
    }
    if let Some(result) = result(&answer) {
        let server = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        return Ok(Ok((Era::Stateless, greeting(server))));
    }
    let client = Value::object([("name", NAME.into()), ("version", VERSION.into())]);
    let params = Value::object([
        ("protocolVersion", Value::from(WITH_SESSIONS)),
        ("capabilities", Value::Map(Vec::new())),
        ("clientInfo", client),
    ]);
    let begun = Era::WithSessions { version: WITH_SESSIONS.to_owned(), session: None };
    let answer = call(base, with, &begun, "initialize", params, ctx).await?;
    if is_refusal(&answer) {
        return Ok(Err(answer));
    }
    let Some(result) = result(&answer) else { return Err(no_server(&answer)) };
    let version = result["protocolVersion"].as_str().unwrap_or(WITH_SESSIONS).to_owned();
    let session = answer.header("mcp-session-id").map(ToOwned::to_owned);
    let era = Era::WithSessions { version, session };
    // The server waits for this notification before it answers other requests.
    let body = Value::object([("jsonrpc", "2.0".into()), ("method", "notifications/initialized".into())]);
    drop(send(post(base, &era, &body), with, ctx).await?);
    Ok(Ok((era, greeting(&result["serverInfo"]))))
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
        Ok(answer) if !matches!(answer.status(), 408 | 429 | 500..) => Ok(answer),
        // A server of an earlier revision may fail for a method that it does not know.
        Ok(answer) if answer.status() == 501 => Ok(answer),
        other => classify(other),
    }
}

/// Returns `true` for an error that lists the revision that was asked for among those that the server supports.
fn supports_stateless(answer: &HttpResponse) -> bool {
    let error = answer.json().map(|message| message["error"].clone()).unwrap_or(Value::Null);
    let supported = &error["data"]["supported"];
    error["code"].as_i64() == Some(UNSUPPORTED_VERSION)
        && supported.items().iter().any(|version| version.as_str() == Some(STATELESS))
}

/// Returns `true` for an answer that asks for a credential.
fn is_refusal(answer: &HttpResponse) -> bool {
    answer.status() == 401
}

/// Returns the result of a JSON-RPC response, also as an event of a stream.
fn result(answer: &HttpResponse) -> Option<Value> {
    if !(200..300).contains(&answer.status()) {
        return None;
    }
    let is_stream = answer.header("content-type").is_some_and(|form| form.starts_with("text/event-stream"));
    let message = match is_stream {
        true => events(answer.body().expose_str()?).find(|message| message["result"] != Value::Null)?,
        false => answer.json().ok()?,
    };
    Some(message["result"].clone()).filter(|result| *result != Value::Null)
}

/// Returns the messages of a stream of events, each of which has its data in one or several lines.
fn events(text: &str) -> impl Iterator<Item = Value> {
    let mut data = String::new();
    let mut found = Vec::new();
    for line in text.lines().chain([""]) {
        match line.strip_prefix("data:") {
            Some(rest) => {
                data.push_str(rest.strip_prefix(' ').unwrap_or(rest));
                data.push('\n');
            }
            None if line.is_empty() => {
                found.extend(Value::parse(data.as_bytes()));
                data.clear();
            }
            None => {}
        }
    }
    found.into_iter()
}

fn greeting(server: &Value) -> Greeting {
    let text = |name: &str| server[name].as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned);
    Greeting { name: text("title").or_else(|| text("name")) }
}

fn no_server(answer: &HttpResponse) -> NotLive {
    let message = format!("no MCP server answers at this address: it answered with status {}", answer.status());
    NotLive::failing(Reason::new("mcp_no_server", message).remedy("check the address, including its path"))
}
