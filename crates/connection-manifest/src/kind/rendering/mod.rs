//! Every request of a kind, rendered with dummy values: the page that opens, the requests for a token, the lookups, the
//! verification and a sample call.
//!
//! The kind itself runs, against a host that answers what the file expects. So the text shows what is really sent, and a
//! change of a file is readable as a difference.

mod answers;
mod rehearsal;
mod samples;
mod world;

use std::{
    fmt::{self, Write as _},
    pin::pin,
    task::{Context as TaskContext, Poll, Waker},
};

use connection_contract::{ConnectionDefinition, HttpRequest, SetupFailure, encode};

pub use self::rehearsal::{Rehearsal, RehearsedCall, RehearsedInput};

use self::world::World;
use super::FileKind;

/// The requests of a kind, with dummy values, as text.
///
/// ```
/// use connection_manifest::KindFile;
///
/// let file = KindFile::parse("acme.toml", r#"
/// format = 1
/// id = "acme"
/// name = "Acme"
/// mechanism = "api_key"
/// [[fields]]
/// name = "apiKey"
/// label = "API key"
/// secret = true
/// [request]
/// base = "https://api.acme.com"
/// headers = { Authorization = "Bearer ${secret.apiKey}" }
/// "#)?;
/// let text = file.definition().rendering().unwrap().to_string();
/// assert_eq!(text, "call: GET https://api.acme.com/sample\n  authorization: Bearer apiKey-dummy\n");
/// # Ok::<(), connection_manifest::Problems>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendering(String);

impl fmt::Display for Rendering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FileKind {
    /// Renders every request of the kind with dummy values. No request is sent.
    ///
    /// # Errors
    ///
    /// The kind cannot be connected with answers that fit its file, so the file contradicts itself in a way that only
    /// shows when it is used.
    pub fn rendering(&self) -> Result<Rendering, SetupFailure> {
        let world = World::new(self, samples::of);
        let made = ready(world.setup(self))??;
        let mut text = world.text();
        if let Some(authorizer) = self.authorizer()
            && let Some(mut request) = world.sample(self, &made)
        {
            authorizer.authorize(&made.credential, &mut request, &world.context())?;
            write(&mut text, "call: ", &request);
        }
        Ok(Rendering(text))
    }
}

/// Runs an operation of a kind to its end. Every service of this host is ready at once.
fn ready<T>(operation: impl Future<Output = T>) -> Result<T, SetupFailure> {
    match pin!(operation).poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(result) => Ok(result),
        Poll::Pending => Err(SetupFailure::new("plugin_fault", "the kind waits for nothing")),
    }
}

/// Writes a request: its address, and one line for each parameter, header and member of its body.
fn write(text: &mut String, before: &str, request: &HttpRequest) {
    address(text, &format!("{before}{} ", request.method), request.url());
    for (name, value) in &request.headers {
        let value = String::from_utf8_lossy(value.expose()).into_owned();
        if name != "accept" && name != "content-type" {
            line(text, &format!("{name}: {value}"));
        }
    }
    let body = request.body.expose_str().unwrap_or_default();
    let is_form = request
        .headers
        .iter()
        .any(|(name, value)| name == "content-type" && value.expose().ends_with(b"form-urlencoded"));
    match is_form {
        true => encode::from_form(body).iter().for_each(|(name, value)| line(text, &format!("form {name} = {value}"))),
        false if body.is_empty() => {}
        false => line(text, &format!("json {body}")),
    }
}

/// Writes an address and its query.
fn address(text: &mut String, before: &str, url: &str) {
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    // Writing to a `String` cannot fail.
    _ = writeln!(text, "{before}{url}");
    for (name, value) in encode::from_form(query) {
        line(text, &format!("query {name} = {value}"));
    }
}

fn line(text: &mut String, line: &str) {
    _ = writeln!(text, "  {line}");
}
