//! `send C METHOD PATH`: sends a request and prints the provider's response unchanged.

use axum::http::StatusCode;
use connection_api::{Answer, Connection, Encoding, Header, Liveness};
use connection_contract::{AnswerClass, Challenge, HttpResponse, Secret, Timestamp};

use crate::{
    Error, Exit,
    args::Send,
    backend::{Backend, NewRequest, Sent},
    input::{Standard, at_value},
    output::{Output, is_application_refused, name, quoted, reason_line, reauthorize_command},
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
    // Either answer contradicts what was measured.
    let is_not_live = matches!(connection.liveness, Liveness::Failing | Liveness::Offline);
    let is_contradicted = is_not_live && matches!(sent.status, 200..=299 | 304);
    let found = match is_refused(&sent) || is_contradicted {
        true => output.waiting(title, backend.verify_refused_use(&connection.id)).await,
        false => None,
    };
    let answered = sent.host.as_deref().unwrap_or(title);
    exit(&sent, output.now, answered, connection, found.as_ref())
}

/// Returns `true` for an answer that does not accept the credential.
fn is_refused(sent: &Sent) -> bool {
    match sent.status {
        401 => true,
        400 | 403 => Challenge::of(&sent.headers).is_invalid_token,
        _ => false,
    }
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

/// Returns what a person can do about an answer that asks to wait.
fn wait(answered: &str, answer: &HttpResponse, now: Timestamp) -> Option<String> {
    match answer.pause() {
        Some(pause) => Some(format!("{answered} asks to wait until {}", now.after(pause.as_secs()).to_rfc3339())),
        None if answer.class() == AnswerClass::Limit => Some("the provider asks to wait; try again later".to_owned()),
        None => None,
    }
}

/// Adds to the error of an answer that refuses the credential of the connection with this quoted name what is known about
/// the credential, and what a person can do. `found` is the connection after the verification that followed the answer, if
/// there was one.
fn after_refusal(error: Error, own: &str, found: Option<&Connection>, now: Timestamp) -> Error {
    let (finding, remedy) = match found.map(|found| (found, found.liveness, reason_line(found, now))) {
        Some((_, Liveness::Live, _)) => {
            ("the credential works, so the provider refuses this request alone".to_owned(), None)
        }
        Some((found, Liveness::Failing, (why, command))) => {
            // The reason of a refused application says where the application is mended, and is not a part of the line.
            let reason = found.reason.as_ref().filter(|_| is_application_refused(found));
            let place = reason.and_then(|reason| reason.remedy.clone());
            let remedy = command.map(|command| format!("run `{command}`")).or(place);
            (format!("the connection is failing: {why}"), remedy)
        }
        _ => return error.remedy(format!("`connections verify {own}` says whether the credential still works")),
    };
    let message = format!("{}; a verification found that {finding}", error.message);
    Error { message, remedy, ..error }
}

/// Returns the result of the command for an answer. `found` is the connection after the verification that followed it.
fn exit(
    sent: &Sent,
    now: Timestamp,
    answered: &str,
    of: &Connection,
    found: Option<&Connection>,
) -> Result<Exit, Error> {
    let Sent { status, headers, missing_scopes: missing, askable_scopes: askable, .. } = sent;
    let status = *status;
    if (200..300).contains(&status) {
        return Ok(Exit::Fine);
    }
    let name_of = |status: StatusCode| status.canonical_reason();
    let phrase =
        StatusCode::from_u16(status).ok().and_then(name_of).map_or_else(String::new, |name| format!(" {name}"));
    let error = Error::new(Exit::Unexpected, "http_status", format!("{answered} answered {status}{phrase}"));
    let own = quoted(&name(of));
    // The body was printed while it arrived.
    let head = HttpResponse::new(status, headers.clone(), Secret::default(), now);
    Err(match status {
        403 if !askable.is_empty() => {
            let command = reauthorize_command(&own, askable);
            error.remedy(format!("the connection lacks the scopes {}: `{command}` asks for them", missing.join(", ")))
        }
        403 if !missing.is_empty() => {
            let again = format!("`connections reauthorize {own}` with a credential that has them");
            error.remedy(format!("the connection lacks the scopes {}: {again}", missing.join(", ")))
        }
        _ if is_refused(sent) || status == 403 && head.class() != AnswerClass::Limit => {
            after_refusal(error, &own, found, now)
        }
        _ => match wait(answered, &head, now) {
            Some(wait) => error.remedy(wait),
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
