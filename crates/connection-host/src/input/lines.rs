//! Connections to import: one JSON object per line. An error names the line and the position, never the text.

use std::{
    collections::BTreeMap,
    io::{BufRead, Read as _},
};

use connection_contract::{Identity, Kind, Record, Secret, Timestamp, encode, host};
use connection_core::Import;
use serde::Deserialize;
use serde_json::Value;

use crate::{Error, Exit};

/// The maximum length of a line, which fits any credential and its metadata.
const MAX_LINE: u64 = 4 * 1024 * 1024;

/// A line that is not empty.
pub(crate) struct Line {
    pub(crate) number: u64,
    /// The given kind and label, if they could be read.
    pub(crate) kind: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) import: Result<Import, Error>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Item {
    kind: String,
    identity: Account,
    credential: Value,
    label: Option<String>,
    #[serde(default)]
    config: BTreeMap<String, String>,
    base_url: Option<String>,
    valid_until: Option<String>,
    renew_at: Option<String>,
    authorized_until: Option<String>,
    scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    id: String,
    label: Option<String>,
}

/// Reads the next line that is not empty; `None` at the end.
pub(crate) fn next(input: &mut impl BufRead, number: &mut u64) -> Result<Option<Line>, std::io::Error> {
    loop {
        let mut bytes = Vec::new();
        let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        *number += 1;
        let whole = bytes.last() == Some(&b'\n') || (read as u64) < MAX_LINE;
        let bytes = Secret::new(bytes);
        if !whole {
            skip_line(input)?;
            return Ok(Some(bad(*number, "is longer than 4 MiB".to_owned())));
        }
        if !bytes.expose().trim_ascii().is_empty() {
            return Ok(Some(parse(*number, &bytes)));
        }
    }
}

fn skip_line(input: &mut impl BufRead) -> Result<(), std::io::Error> {
    loop {
        let buffer = input.fill_buf()?;
        let (used, ends) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if ends {
            return Ok(());
        }
    }
}

fn parse(number: u64, bytes: &Secret) -> Line {
    // The errors of serde repeat the value.
    let item: Item = match serde_json::from_slice(bytes.expose()) {
        Ok(item) => item,
        Err(error) => {
            let what = if error.is_data() { "is not an item as documented" } else { "is not one JSON object" };
            return bad(number, format!("{what}: column {}", error.column()));
        }
    };
    Line { number, kind: Some(item.kind.clone()), label: item.label.clone(), import: import(number, item) }
}

fn import(number: u64, item: Item) -> Result<Import, Error> {
    let wrong = |what: &str| invalid(number, &format!("has a wrong '{what}'"));
    let Item { kind, identity, credential, label, config, base_url, valid_until, renew_at, authorized_until, scopes } =
        item;
    let kind = Kind::parse(&kind).ok_or_else(|| wrong("kind"))?;
    let name = identity.label.unwrap_or_else(|| identity.id.clone());
    let credential = secret(credential).ok_or_else(|| wrong("credential"))?;
    let mut import = Import::new(kind, credential, Identity::new(identity.id, name));
    if let Some(label) = label {
        import = import.label(label);
    }
    for (name, value) in config {
        import = import.config(name, value);
    }
    if let Some(base_url) = base_url {
        import = import.base_url(host::base_url(&base_url).ok_or_else(|| wrong("baseUrl"))?);
    }
    if let Some(time) = valid_until {
        import = import.valid_until(Timestamp::parse(&time).ok_or_else(|| wrong("validUntil"))?);
    }
    if let Some(time) = renew_at {
        import = import.renew_at(Timestamp::parse(&time).ok_or_else(|| wrong("renewAt"))?);
    }
    if let Some(time) = authorized_until {
        import = import.authorized_until(Timestamp::parse(&time).ok_or_else(|| wrong("authorizedUntil"))?);
    }
    Ok(match scopes {
        Some(scopes) => import.scopes(scopes),
        None => import,
    })
}

/// Returns the credential: text as it is, bytes in base64, or the fields of a record for plugins with several parts.
fn secret(value: Value) -> Option<Secret> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Object(mut members) => {
            if let (1, Some(Value::String(text))) = (members.len(), members.get("base64")) {
                return encode::from_base64(text).map(Secret::new);
            }
            let mut record = Record::new();
            for (name, value) in std::mem::take(&mut members) {
                let Value::String(text) = value else { return None };
                record = record.with(&name, text);
            }
            Some(record.encode())
        }
        _ => None,
    }
}

fn bad(number: u64, what: String) -> Line {
    Line { number, kind: None, label: None, import: Err(invalid(number, &what)) }
}

fn invalid(number: u64, what: &str) -> Error {
    Error::new(Exit::Usage, "invalid_input", format!("line {number} {what}"))
        .remedy("see the shape of a line in docs/spec/connection.md, Import")
}
