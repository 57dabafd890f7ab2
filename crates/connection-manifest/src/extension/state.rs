//! A manifest says what an extension needs, never what it has: no token, no status, no result (R-JINGLE-012).
//!
//! Whoever finds one of these names has a file that a program wrote back, and perhaps a secret in it; so the value is not
//! repeated. Below the connection it is not looked at either; elsewhere the names are other hosts' own, who describe inputs
//! by them, and a secret is text.

use connection_contract::Value;

use crate::{
    error::Fault,
    json::{below, each_object},
};

/// What is a secret by its name, without case and separators.
const SECRETS: &[&str] = &[
    "accesstoken",
    "apikey",
    "apisecret",
    "apitoken",
    "authtoken",
    "bearertoken",
    "clientsecret",
    "credential",
    "credentials",
    "idtoken",
    "passphrase",
    "password",
    "passwords",
    "personalaccesstoken",
    "privatekey",
    "refreshtoken",
    "secret",
    "secretkey",
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
    })?;
    each_object("", document, |members| {
        let is_secret = |(name, value): &&(String, Value)| is_one(SECRETS, &squeezed(name)) && is_said(value);
        members.iter().find(is_secret).map(|(name, _)| (name.as_str(), SECRET))
    })
}

/// Whether it says something, as a secret does: text, also in a list or below names. What describes an input has a type
/// instead, and is looked at by its own members.
fn is_said(value: &Value) -> bool {
    match value {
        Value::Text(text) => !text.trim().is_empty(),
        Value::List(items) => items.iter().any(is_said),
        Value::Map(members) => {
            let describes = members.iter().any(|(name, _)| matches!(name.as_str(), "type" | "$ref"));
            !describes && members.iter().any(|(_, value)| is_said(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

const SECRET: &str =
    "a manifest holds no secret, only names in auth.secretNames; remove it, and replace it at the provider";

/// The first member with one of these names, and what is wrong with it.
fn held<'m>(members: &'m [(String, Value)], names: &[&str]) -> Option<(&'m str, &'static str)> {
    let (name, plain) =
        members.iter().map(|(name, _)| (name, squeezed(name))).find(|(_, plain)| is_one(names, plain))?;
    let rule = match is_one(SECRETS, &plain) {
        true => SECRET,
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
