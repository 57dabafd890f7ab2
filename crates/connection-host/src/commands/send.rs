//! `send C METHOD PATH`: sends a request and prints the provider's response unchanged.

use axum::http::StatusCode;
use connection_api::{Answer, Connection, Encoding, Header};
use connection_contract::{Secret, Timestamp, host};

use crate::{
    Error, Exit,
    args::Send,
    backend::{Backend, NewRequest, Sent},
    input::{Standard, at_value},
    output::{Output, name, quoted, reauthorize_command},
    program::Program,
    select,
};

/// The maximum size of a request body, in bytes.
const DATA_LIMIT: u64 = 64 * 1024 * 1024;
/// The maximum size of a response body with `--json`, in bytes.
const JSON_LIMIT: usize = 64 * 1024 * 1024;

pub(super) async fn run(mut program: Program, arguments: Send) -> Result<Exit, Error> {
    let prepared = prepared(&arguments)?;
    let backend = program.backend().await?;
    let sent = send(&program.output, &*backend, arguments, prepared).await;
    // A request that was refused is recorded, too.
    backend.close().await;
    sent
}

async fn send(
    output: &Output,
    backend: &dyn Backend,
    arguments: Send,
    Prepared { headers, data }: Prepared,
) -> Result<Exit, Error> {
    let listed = select::connection(backend, &arguments.connection).await?;
    let (connection, title) = (&listed.connection, &listed.kind_title);
    let method = arguments.method.to_ascii_uppercase();
    let request = NewRequest { method, path: arguments.path, headers, body: data };
    let mut sent = output.waiting(title, backend.send(&connection.id, request)).await?;
    output.waiting(title, print(output, &mut sent, arguments.include)).await?;
    if sent.status == 401 {
        output.waiting(title, backend.verify_refused_use(&connection.id)).await;
    }
    let answered = sent.host.as_deref().unwrap_or(title);
    exit(&sent, output.now, answered, connection)
}

/// The checked parts of the arguments.
struct Prepared {
    headers: Vec<(String, String)>,
    data: Option<Secret>,
}

/// Checks the arguments, and reads the body.
fn prepared(arguments: &Send) -> Result<Prepared, Error> {
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
fn pause(headers: &[(String, String)], now: Timestamp) -> Option<Timestamp> {
    let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    Some(now.after(host::pause_of(value, now)?.as_secs()))
}

/// Returns the result of the command for an answer.
fn exit(sent: &Sent, now: Timestamp, answered: &str, of: &Connection) -> Result<Exit, Error> {
    let Sent { status, headers, missing_scopes: missing, askable_scopes: askable, .. } = sent;
    let status = *status;
    let pause = pause(headers, now);
    if (200..300).contains(&status) {
        return Ok(Exit::Fine);
    }
    let name_of = |status: StatusCode| status.canonical_reason();
    let phrase =
        StatusCode::from_u16(status).ok().and_then(name_of).map_or_else(String::new, |name| format!(" {name}"));
    let error = Error::new(Exit::Unexpected, "http_status", format!("{answered} answered {status}{phrase}"));
    let own = quoted(&name(of));
    Err(match status {
        403 if !askable.is_empty() => {
            let command = reauthorize_command(&own, askable);
            error.remedy(format!("the connection lacks the scopes {}: `{command}` asks for them", missing.join(", ")))
        }
        403 if !missing.is_empty() => {
            let again = format!("`connections reauthorize {own}` with a credential that has them");
            error.remedy(format!("the connection lacks the scopes {}: {again}", missing.join(", ")))
        }
        401 | 403 => error.remedy(format!("`connections verify {own}` says whether the credential still works")),
        // A pause may also come with 503.
        _ => match pause {
            Some(until) => error.remedy(format!("{answered} asks to wait until {}", until.to_rfc3339())),
            None if status == 429 => error.remedy("the provider asks to wait; try again later"),
            None => error,
        },
    })
}

async fn print(output: &Output, sent: &mut Sent, include: bool) -> Result<(), Error> {
    if output.json {
        let mut bytes = Vec::new();
        while let Some(chunk) = sent.body.chunk().await? {
            if bytes.len() + chunk.len() > JSON_LIMIT {
                return Err(Error::new(Exit::Unexpected, "too_large", "the answer is too large for --json"));
            }
            bytes.extend(chunk);
        }
        let (encoding, body) = Encoding::encode(bytes);
        let header = |(name, value): &(String, String)| Header { name: name.clone(), value: value.clone() };
        return output.shape(&Answer {
            status: sent.status,
            headers: sent.headers.iter().map(header).collect(),
            encoding,
            body,
            missing_scopes: sent.missing_scopes.clone(),
            askable_scopes: sent.askable_scopes.clone(),
        });
    }
    if include {
        output.line(format!("HTTP {}", sent.status))?;
        for (name, value) in &sent.headers {
            output.line(format!("{name}: {value}"))?;
        }
        output.line("")?;
    }
    let mut last = None;
    while let Some(chunk) = sent.body.chunk().await? {
        output.bytes(&chunk)?;
        last = chunk.last().copied().or(last);
    }
    output.end_line(last)
}

/// Parses `Name: value`. The value may be a secret, so an error does not repeat it.
pub(super) fn parse_header(text: &str) -> Result<(String, String), Error> {
    let is_token = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    let (name, value) = text
        .split_once(':')
        .filter(|(name, value)| is_token(name) && !value.chars().any(char::is_control))
        .ok_or_else(|| Error::usage("-H takes 'Name: value'"))?;
    Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
}
