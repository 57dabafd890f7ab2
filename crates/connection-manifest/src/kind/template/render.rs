//! Templates with their variables filled in. A value never changes the shape of a request.
//!
//! | Position | What a value may be |
//! |---|---|
//! | host of an address | the labels of a host name |
//! | whole origin | an `https` address without user, query, fragment and dot segments |
//! | path | one segment, which is neither `.` nor `..`; it is percent-encoded. The same holds for the result of a function |
//! | query, form | any text; it is percent-encoded |
//! | header | any text without a control character |
//! | JSON | any text, as the value of a string |

use std::collections::BTreeMap;

use connection_contract::{Context, Secret, Value, encode};

use super::{Argument, Part, Scope, Template, Variable};
use crate::kind::model::JsonTemplate;

/// The values of a connection, by name.
#[derive(Debug, Default)]
pub(crate) struct Values {
    pub(crate) config: BTreeMap<String, String>,
    pub(crate) secrets: BTreeMap<String, Secret>,
}

impl Values {
    pub(crate) fn duplicate(&self) -> Self {
        let secrets = self.secrets.iter().map(|(name, secret)| (name.clone(), secret.duplicate()));
        Self { config: self.config.clone(), secrets: secrets.collect() }
    }
}

/// The source of what differs from call to call.
pub(crate) trait Ambient: Sync {
    /// Returns a random UUID (RFC 9562, section 5.4).
    fn uuid(&self) -> String;
    /// Returns the seconds since 1970-01-01.
    fn seconds(&self) -> i64;
}

impl Ambient for Context<'_> {
    fn uuid(&self) -> String {
        let mut bytes = self.random::<16>();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = encode::hex(&bytes);
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
    }

    fn seconds(&self) -> i64 {
        self.now().seconds()
    }
}

/// The values of all variables that a template may name.
#[derive(Clone, Copy)]
pub(crate) struct Env<'a> {
    pub(crate) values: &'a Values,
    pub(crate) token: Option<&'a str>,
    pub(crate) steps: Option<&'a BTreeMap<String, String>>,
    pub(crate) signed: Option<&'a str>,
    pub(crate) client_id: Option<&'a str>,
    /// The secret of the application and the refresh token, which only the request that revokes may use.
    pub(crate) client_secret: Option<&'a str>,
    pub(crate) refresh: Option<&'a str>,
    pub(crate) ambient: &'a dyn Ambient,
}

/// The reason why a template cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RenderError {
    /// The variable has no value.
    Missing(String),
    /// The value of the variable does not fit its position.
    Unsafe(String),
}

impl RenderError {
    /// Returns the name of the variable.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Missing(name) | Self::Unsafe(name) => name,
        }
    }
}

impl<'a> Env<'a> {
    pub(crate) fn new(values: &'a Values, ambient: &'a dyn Ambient) -> Self {
        Self {
            values,
            token: None,
            steps: None,
            signed: None,
            client_id: None,
            client_secret: None,
            refresh: None,
            ambient,
        }
    }

    /// Returns the value of a variable; an empty one counts as missing.
    pub(crate) fn get(&self, variable: &Variable) -> Option<&'a str> {
        let name = variable.name.as_str();
        let value = match variable.scope {
            Scope::Config => self.values.config.get(name).map(String::as_str),
            Scope::Secret => self.values.secrets.get(name).and_then(Secret::expose_str),
            Scope::Token if name == "access" => self.token,
            Scope::Token if name == "refresh" => self.refresh,
            Scope::Step => self.steps.and_then(|steps| steps.get(name)).map(String::as_str),
            Scope::Signed if name == "jwt" => self.signed,
            Scope::Client if name == "id" => self.client_id,
            Scope::Client if name == "secret" => self.client_secret,
            Scope::Client | Scope::Flow | Scope::Signed | Scope::Token => None,
        };
        value.filter(|value| !value.is_empty())
    }

    pub(super) fn needed(&self, variable: &Variable) -> Result<&'a str, RenderError> {
        self.get(variable).ok_or_else(|| RenderError::Missing(variable.name.clone()))
    }
}

impl Template {
    /// Returns `true` if every variable has a value.
    pub(crate) fn resolves(&self, env: &Env<'_>) -> bool {
        self.variables().all(|variable| env.get(variable).is_some())
    }

    /// Returns the text for a position where the caller encodes it: a query, a form or a JSON string.
    pub(crate) fn text(&self, env: &Env<'_>) -> Result<String, RenderError> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Variable(variable) => text.push_str(env.needed(variable)?),
                part => text.push_str(&computed(part, env)?),
            }
        }
        Ok(text)
    }

    /// Returns the value of a header.
    pub(crate) fn header(&self, env: &Env<'_>) -> Result<Secret, RenderError> {
        for part in &self.parts {
            if let Part::Variable(variable) = part
                && env.needed(variable)?.chars().any(char::is_control)
            {
                return Err(RenderError::Unsafe(variable.name.clone()));
            }
        }
        self.text(env).map(Secret::from)
    }
}

impl JsonTemplate {
    /// Returns the JSON value. A variable is always the text of a string, or a part of it.
    pub(crate) fn value(&self, env: &Env<'_>) -> Result<Value, RenderError> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Number(digits) => Value::Number(digits.clone()),
            Self::Text(template) => Value::Text(template.text(env)?),
            Self::List(items) => Value::List(items.iter().map(|item| item.value(env)).collect::<Result<_, _>>()?),
            Self::Map(members) => {
                let member = |(name, value): &(String, Self)| Ok((name.clone(), value.value(env)?));
                Value::Map(members.iter().map(member).collect::<Result<_, _>>()?)
            }
        })
    }
}

/// Returns the result of a function.
pub(super) fn computed(part: &Part, env: &Env<'_>) -> Result<String, RenderError> {
    Ok(match part {
        Part::Uuid => env.ambient.uuid(),
        Part::Now => env.ambient.seconds().to_string(),
        Part::Base64(arguments) => {
            let mut bytes = Vec::new();
            for argument in arguments {
                match argument {
                    Argument::Text(literal) => bytes.push(literal.as_bytes()),
                    Argument::Variable(variable) => bytes.push(env.needed(variable)?.as_bytes()),
                }
            }
            encode::base64(Secret::concat(&bytes).expose())
        }
        Part::Text(literal) => literal.clone(),
        Part::Variable(variable) => env.needed(variable)?.to_owned(),
    })
}
