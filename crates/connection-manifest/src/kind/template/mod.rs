//! Text with variables, such as `https://${config.shop}.example.com`. The grammar is closed: there are no loops, no
//! nesting, and only three functions.
//!
//! A template is parsed once, when its file is read. The position of a variable decides which values it may have; see
//! [`render`](self::render).

mod address;
mod display;
mod grammar;
mod render;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de::Error, de::Visitor};

pub(crate) use self::{
    address::{Address, Authority, HostPiece, host_name},
    render::{Ambient, Env, RenderError, Values},
};

/// A text with variables, as it was parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Base64(Vec<Argument>),
    /// The current time, in seconds since 1970-01-01.
    Now,
    Text(String),
    /// A new random UUID each time the template is rendered.
    Uuid,
    Variable(Variable),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    Text(String),
    Variable(Variable),
}

/// A variable, such as `config.shop`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) scope: Scope,
    pub(crate) name: String,
}

/// The source of a variable's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// The application: its id and its secret.
    Client,
    /// A value that is no secret: an answer, or a value of a response.
    Config,
    /// The authorization that is in progress: its `state` and its redirect address.
    Flow,
    /// A secret that a person gave.
    Secret,
    /// The JWT that was signed for an exchange.
    Signed,
    /// A value of the response to an earlier step.
    Step,
    /// A token that the provider issued.
    Token,
}

impl Scope {
    const ALL: [Self; 7] =
        [Self::Client, Self::Config, Self::Flow, Self::Secret, Self::Signed, Self::Step, Self::Token];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Config => "config",
            Self::Flow => "flow",
            Self::Secret => "secret",
            Self::Signed => "signed",
            Self::Step => "step",
            Self::Token => "token",
        }
    }

    fn called(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// The sentence says what is wrong and what to write. It repeats nothing of the text.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        grammar::parse(text).map(|parts| Self { parts })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns the text, if there are no variables and no functions.
    pub(crate) fn fixed(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Returns `true` if the template has no function.
    pub(crate) fn is_text_and_variables(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_) | Part::Variable(_)))
    }

    /// Returns the text before the first variable.
    pub(crate) fn start(&self) -> &str {
        if let Some(Part::Text(text)) = self.parts.first() { text } else { "" }
    }

    /// Returns the text before the first variable or function, and the text after the last one.
    pub(crate) fn around(&self) -> (&str, &str) {
        match self.parts.as_slice() {
            [_] => (self.start(), ""),
            [.., Part::Text(end)] => (self.start(), end),
            _ => (self.start(), ""),
        }
    }

    /// Returns the user and the password of `Basic ${base64(USER, ":", PASSWORD)}`. The password begins after the first
    /// `:` of the arguments.
    pub(crate) fn basic_pair(&self) -> Option<(Self, Self)> {
        let [Part::Text(scheme), Part::Base64(arguments)] = self.parts.as_slice() else { return None };
        if !scheme.trim_end().eq_ignore_ascii_case("basic") {
            return None;
        }
        let is_colon = |argument: &Argument| matches!(argument, Argument::Text(text) if text.contains(':'));
        let at = arguments.iter().position(is_colon)?;
        let (user, password) = arguments.split_at(at);
        let of = |arguments: &[Argument]| Self { parts: vec![Part::Base64(arguments.to_vec())] };
        Some((of(user), of(password)))
    }

    /// Returns the texts between the variables, also those in arguments.
    pub(crate) fn literals(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| {
            let (one, arguments) = match part {
                Part::Text(text) => (Some(text.as_str()), [].as_slice()),
                Part::Base64(arguments) => (None, arguments.as_slice()),
                Part::Now | Part::Uuid | Part::Variable(_) => (None, [].as_slice()),
            };
            let inner = arguments.iter().filter_map(|argument| match argument {
                Argument::Text(text) => Some(text.as_str()),
                Argument::Variable(_) => None,
            });
            one.into_iter().chain(inner)
        })
    }

    /// Returns every variable, also those in arguments.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().flat_map(|part| {
            let (one, arguments) = match part {
                Part::Variable(variable) => (Some(variable), [].as_slice()),
                Part::Base64(arguments) => (None, arguments.as_slice()),
                Part::Now | Part::Text(_) | Part::Uuid => (None, [].as_slice()),
            };
            let inner = arguments.iter().filter_map(|argument| match argument {
                Argument::Variable(variable) => Some(variable),
                Argument::Text(_) => None,
            });
            one.into_iter().chain(inner)
        })
    }

    /// Returns the variable, if the template is nothing else.
    pub(crate) fn variable(&self) -> Option<&Variable> {
        match self.parts.as_slice() {
            [Part::Variable(variable)] => Some(variable),
            _ => None,
        }
    }

    /// Returns the template in the grammar of `connection-oauth2`, which has fewer functions.
    ///
    /// # Errors
    ///
    /// The template uses a function, or a literal `${`, that this part of a file does not have.
    pub(crate) fn for_oauth2(&self) -> Result<String, &'static str> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) if literal.contains("${") => {
                    return Err("a literal '${' is not possible here; leave out '$${'");
                }
                Part::Text(literal) => text.push_str(literal),
                Part::Uuid => text.push_str("${uuid()}"),
                Part::Variable(Variable { scope: Scope::Flow, name }) if name == "redirect" => {
                    text.push_str("${flow.redirectUri}");
                }
                Part::Variable(Variable { scope, name }) => {
                    text.push_str("${");
                    text.push_str(scope.name());
                    text.push('.');
                    text.push_str(name);
                    text.push('}');
                }
                Part::Base64(_) | Part::Now => {
                    return Err("this part of an OAuth request has no function but ${uuid()}; use a variable");
                }
            }
        }
        Ok(text)
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "description": "A text with variables, such as `${config.shop}`." })
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;
        impl Visitor<'_> for Seen {
            type Value = Template;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Template, E> {
                Template::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Seen)
    }
}
