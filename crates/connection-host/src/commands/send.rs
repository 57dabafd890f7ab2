//! `send C METHOD PATH`: sends a request and prints the provider's response unchanged.

use axum::http::StatusCode;
use connection_contract::{Secret, Timestamp};
use connection_core::{Connection, ConnectionInfo, Response};

use crate::{
    Error, Exit,
    args::Send,
    cli::Program,
    input::{Standard, at_value},
    output::{Output, json, name, quoted},
    select,
};

/// The maximum size of a request body, in bytes.
const DATA_LIMIT: u64 = 64 * 1024 * 1024;
/// The maximum size of a response body with `--json`, in bytes.
const JSON_LIMIT: usize = 64 * 1024 * 1024;

pub(super) async fn run(mut program: Program, arguments: Send) -> Result<Exit, Error> {
    let Prepared { headers, data } = prepared(&arguments)?;
    let registry = program.open().await?;
    let connection = select::connection(&registry, &arguments.connection).await?;
    let method = arguments.method.to_ascii_uppercase();
    let mut request = connection.request(&method, &arguments.path).await?;
    for (name, value) in headers {
        request.set_header(name, value);
    }
    if let Some(data) = data {
        request.body = data;
    }
    let host = request.url().split("://").last().and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    let host = host.to_owned();
    let provider = program.provider(&connection.info().kind);
    let response = program.output.waiting(provider, connection.send(request)).await?;
    let status = response.status();
    let pause = pause(response.headers(), program.output.now);
    program.output.waiting(provider, print(&program.output, response, arguments.include)).await?;
    if status == 401 {
        verify_refused_use(&program.output, provider, &connection).await;
    }
    registry.close().await;
    exit(status, pause, &host, connection.info())
}

/// Verifies the connection after its provider refused the request, so that what other commands say about it is true. The
/// answer was printed and is the result of the command; a verification that fails leaves the refused request noted.
async fn verify_refused_use(output: &Output, provider: &str, connection: &Connection) {
    if let Err(error) = output.waiting(provider, connection.verify_refused_use()).await {
        tracing::debug!(connection = %connection.id(), code = error.code(), "the verification after a refused request failed");
    }
}

/// The checked parts of the arguments.
pub(super) struct Prepared {
    pub(super) headers: Vec<(String, String)>,
    pub(super) data: Option<Secret>,
}

/// Checks the arguments, and reads the body.
pub(super) fn prepared(arguments: &Send) -> Result<Prepared, Error> {
    if !arguments.path.starts_with('/') {
        return Err(Error::usage("the path must begin with '/'; it is relative to the connection's base address"));
    }
    let headers = arguments.headers.iter().map(|header| parse_header(header)).collect::<Result<Vec<_>, _>>()?;
    let data = match &arguments.data {
        Some(data) => Some(
            at_value(data, &mut Standard::default(), "--data", DATA_LIMIT)?
                .ok_or_else(|| Error::usage("--data takes @FILE, or @- for standard input"))?,
        ),
        None => None,
    };
    Ok(Prepared { headers, data })
}

/// Returns the end of the pause that an answer asks for (`Retry-After`, RFC 9110, section 10.2.3).
pub(super) fn pause(headers: &[(String, String)], now: Timestamp) -> Option<Timestamp> {
    let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    let seconds = value.trim().parse::<i64>().ok().map(|seconds| now.seconds().saturating_add(seconds.max(0)));
    seconds.map(Timestamp::from_seconds).or_else(|| Timestamp::parse(value.trim()))
}

/// Returns the result of the command for an answer with this status, and with the end of the pause that it asks for.
pub(super) fn exit(
    status: u16,
    pause: Option<Timestamp>,
    answered: &str,
    info: &ConnectionInfo,
) -> Result<Exit, Error> {
    if (200..300).contains(&status) {
        return Ok(Exit::Fine);
    }
    let name_of = |status: StatusCode| status.canonical_reason();
    let phrase =
        StatusCode::from_u16(status).ok().and_then(name_of).map_or_else(String::new, |name| format!(" {name}"));
    let error = Error::new(Exit::Unexpected, "http_status", format!("{answered} answered {status}{phrase}"));
    Err(match status {
        401 | 403 => {
            let own = quoted(&name(info));
            error.remedy(format!("`connections verify {own}` says whether the credential still works"))
        }
        // A pause may also come with 503.
        _ => match pause {
            Some(until) => error.remedy(format!("{answered} asks to wait until {}", until.to_rfc3339())),
            None if status == 429 => error.remedy("the provider asks to wait; try again later"),
            None => error,
        },
    })
}

async fn print(output: &Output, mut response: Response, include: bool) -> Result<(), Error> {
    if output.json {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if bytes.len() + chunk.len() > JSON_LIMIT {
                return Err(Error::new(Exit::Unexpected, "too_large", "the answer is too large for --json"));
            }
            bytes.extend(chunk);
        }
        return output.shape(&json::AnswerBody::new(response.status(), response.headers(), bytes));
    }
    print_head(output, response.status(), response.headers(), include)?;
    let mut last = None;
    while let Some(chunk) = response.chunk().await? {
        output.bytes(&chunk)?;
        last = chunk.last().copied().or(last);
    }
    output.end_line(last)
}

/// Prints the status and the headers of an answer, if they were asked for.
pub(super) fn print_head(
    output: &Output,
    status: u16,
    headers: &[(String, String)],
    include: bool,
) -> Result<(), Error> {
    if include {
        output.line(format!("HTTP {status}"))?;
        for (name, value) in headers {
            output.line(format!("{name}: {value}"))?;
        }
        output.line("")?;
    }
    Ok(())
}

/// Parses `Name: value`. The value may be a secret, so an error does not repeat it.
fn parse_header(text: &str) -> Result<(String, String), Error> {
    let is_token = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    let (name, value) = text
        .split_once(':')
        .filter(|(name, value)| is_token(name) && !value.chars().any(char::is_control))
        .ok_or_else(|| Error::usage("-H takes 'Name: value'"))?;
    Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
}
