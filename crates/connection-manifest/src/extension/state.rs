//! A manifest says what an extension needs, never what it has: no token, no status, no result (R-JINGLE-012).
//!
//! Whoever finds one of these names has a file that a program wrote back, and perhaps a secret in it; so the value is not
//! looked at.

use connection_contract::Value;

use crate::{error::Fault, json::below};

/// What is a secret by its name, without case and separators.
const SECRETS: &[&str] = &[
    "accesstoken",
    "apikey",
    "bearertoken",
    "clientsecret",
    "credential",
    "credentials",
    "idtoken",
    "password",
    "passwords",
    "personalaccesstoken",
    "privatekey",
    "refreshtoken",
    "secret",
    "secrets",
    "token",
    "tokens",
];

/// What tells of a run by its name, without case and separators.
const STATE: &[&str] = &[
    "connected",
    "connectionstatus",
    "error",
    "executionresult",
    "expiresat",
    "lasterror",
    "lastresult",
    "liveness",
    "missingsecretnames",
    "publicconfig",
    "resolvedconnection",
    "result",
    "status",
];

/// What is refused beside the connection, where other words are other hosts' own.
const BESIDE: &[&str] = &[
    "accesstoken",
    "clientsecret",
    "connectionstatus",
    "executionresult",
    "idtoken",
    "lastresult",
    "refreshtoken",
    "resolvedconnection",
];

pub(super) fn refuse(document: &Value) -> Result<(), Fault> {
    let Value::Map(members) = document else { return Ok(()) };
    for (name, _) in members {
        let plain = squeezed(name);
        if BESIDE.contains(&plain.as_str()) {
            return Err(refused(&below("", name), SECRETS.contains(&plain.as_str())));
        }
    }
    refuse_below("/connection", &document["connection"])
}

fn refuse_below(at: &str, value: &Value) -> Result<(), Fault> {
    match value {
        Value::Map(members) => members.iter().try_for_each(|(name, value)| {
            let (at, plain) = (below(at, name), squeezed(name));
            let is = |names: &[&str]| names.contains(&plain.as_str());
            if is(SECRETS) || is(STATE) {
                return Err(refused(&at, is(SECRETS)));
            }
            refuse_below(&at, value)
        }),
        Value::List(items) => {
            items.iter().enumerate().try_for_each(|(index, item)| refuse_below(&below(at, &index.to_string()), item))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => Ok(()),
    }
}

fn refused(at: &str, is_secret: bool) -> Fault {
    let rule = match is_secret {
        true => "a manifest holds no secret, only names in auth.secretNames; remove it, and replace it at the provider",
        false => "a manifest holds no state of a run; remove it",
    };
    Fault::at(at, rule)
}

fn squeezed(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}
