//! The check that a manifest holds no state: no token, no status, no result.
//!
//! A file with one of these names was probably written back by a program and may contain a secret, so the value is
//! never repeated. Below the connection, and for a few names at the top level, the name alone decides. Elsewhere
//! other hosts use these names to describe inputs, so there a name of a secret is refused only if its value contains
//! text.

use connection_contract::Value;

use super::connection::API;
use crate::{
    error::Fault,
    json::{below, each_object},
};

/// Names of secrets, without case and separators.
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

/// Names of run state, without case and separators.
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

/// Names that are refused at the top level, where other hosts use the remaining ones.
const STATE_MEMBERS: &[&str] = &[
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
    let document = &without_requests(document);
    if let Value::Map(members) = document
        && let Some((name, rule)) = forbidden_member(members, STATE_MEMBERS)
    {
        return Err(Fault::at(below("", name), rule));
    }
    each_object("/connection", &document["connection"], |members| {
        forbidden_member(members, SECRETS).or_else(|| forbidden_member(members, STATE))
    })?;
    each_object("", document, |members| {
        let is_secret = |(name, value): &&(String, Value)| is_one(SECRETS, &squeezed(name)) && is_said(value);
        members.iter().find(is_secret).map(|(name, _)| (name.as_str(), SECRET))
    })
}

/// Returns the document without the texts of requests that name a secret, such as `${secret.apiKey}`, instead of holding
/// one. A request may carry the secret under any name.
fn without_requests(document: &Value) -> Value {
    let mut document = document.clone();
    if let Value::Map(members) = &mut document
        && let Some((_, Value::Map(members))) = members.iter_mut().find(|(name, _)| name == "connection")
    {
        for (name, value) in members {
            if API.contains(&name.as_str()) {
                remove_templates(value);
            }
        }
    }
    document
}

fn remove_templates(value: &mut Value) {
    match value {
        Value::List(items) => items.iter_mut().for_each(remove_templates),
        Value::Map(members) => {
            members.retain(|(_, value)| !value.as_str().is_some_and(|text| text.contains("${secret.")));
            members.iter_mut().for_each(|(_, value)| remove_templates(value));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Damaged(_) => {}
    }
}

/// Returns `true` if a value can hold a secret: text that is not blank, also inside lists and objects.
///
/// An object that describes an input has a type instead, and its own members are checked separately.
fn is_said(value: &Value) -> bool {
    match value {
        Value::Text(text) | Value::Damaged(text) => !text.trim().is_empty(),
        Value::List(items) => items.iter().any(is_said),
        Value::Map(members) => {
            let describes = members.iter().any(|(name, _)| matches!(name.as_str(), "type" | "$ref"));
            !describes && members.iter().any(|(_, value)| is_said(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

const SECRET: &str = "a manifest must not contain a secret, only names in auth.secretNames; remove the secret, and \
                      replace it at the provider";

/// Returns the first member with one of these names, and the rule that it breaks.
fn forbidden_member<'m>(members: &'m [(String, Value)], names: &[&str]) -> Option<(&'m str, &'static str)> {
    let (name, plain) =
        members.iter().map(|(name, _)| (name, squeezed(name))).find(|(_, plain)| is_one(names, plain))?;
    let rule = match is_one(SECRETS, &plain) {
        true => SECRET,
        false => "a manifest must not contain the state of a run; remove it",
    };
    Some((name, rule))
}

fn is_one(names: &[&str], name: &str) -> bool {
    names.contains(&name)
}

fn squeezed(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}
