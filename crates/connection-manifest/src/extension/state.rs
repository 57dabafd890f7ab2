//! A manifest says what an extension needs, never what it has: no token, no status, no result (R-JINGLE-012).
//!
//! Whoever finds one of these names has a file that a program wrote back, and perhaps a secret in it; so the value is not
//! looked at.

use connection_contract::Value;

use crate::{
    error::Fault,
    json::{below, each_object},
};

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
    if let Value::Map(members) = document
        && let Some((name, rule)) = held(members, BESIDE)
    {
        return Err(Fault::at(below("", name), rule));
    }
    each_object("/connection", &document["connection"], |members| {
        held(members, SECRETS).or_else(|| held(members, STATE))
    })
}

/// The first member with one of these names, and what is wrong with it.
fn held<'m>(members: &'m [(String, Value)], names: &[&str]) -> Option<(&'m str, &'static str)> {
    let (name, plain) =
        members.iter().map(|(name, _)| (name, squeezed(name))).find(|(_, plain)| is_one(names, plain))?;
    let rule = match is_one(SECRETS, &plain) {
        true => "a manifest holds no secret, only names in auth.secretNames; remove it, and replace it at the provider",
        false => "a manifest holds no state of a run; remove it",
    };
    Some((name, rule))
}

fn is_one(names: &[&str], name: &str) -> bool {
    names.contains(&name)
}

fn squeezed(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}
