//! The shapes of what a kind describes: its guide and its fields.

use connection_contract::{AuthType, Descriptor, Field, Guide, Input, Need, SetupMethod};
use connection_core::KindChange;
use serde::Serialize;
use utoipa::ToSchema;

use super::words;

/// A part of the guide: a sentence, or an address and its name.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Guide)]
#[non_exhaustive]
pub struct GuideBody {
    /// The sentence, or the name of the address.
    pub text: String,
    /// The address to open.
    pub open: Option<String>,
}

impl GuideBody {
    /// Returns the shape of a part; `None` for one that this version does not know.
    pub fn of(part: &Guide) -> Option<Self> {
        match part {
            Guide::Link(text, address) => Some(Self { text: text.to_string(), open: Some(address.to_string()) }),
            Guide::Text(text) => Some(Self { text: text.to_string(), open: None }),
            _ => None,
        }
    }
}

/// A field that a setup of the kind may ask for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = KindField)]
#[non_exhaustive]
pub struct KindFieldBody {
    /// The name of the field in answers.
    pub name: String,
    /// The label that a person reads.
    pub label: String,
    /// `text`, `secret`, `url`, `number`, `bool`, `choice` or `directory`.
    #[schema(value_type = words::Input)]
    pub input: &'static str,
    /// `true` if the field must be answered.
    pub required: bool,
    /// `true` if the field takes several values.
    pub many: bool,
    /// The question with which the field is offered to a person, if it is optional and not asked for at once.
    pub offer: Option<String>,
    /// The text that a person reads beside the field.
    pub help: Option<String>,
    /// The value that is used if the field is not answered.
    pub default: Option<String>,
    /// The values to choose from.
    pub choices: Vec<KindChoiceBody>,
    /// The way of finishing the setup that asks for the field; `null` for all ways.
    #[schema(value_type = Option<words::Way>)]
    pub way: Option<&'static str>,
    /// `true` if the host keeps the answer and asks only once for all connections of the kind.
    pub once: bool,
}

/// A value to choose.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = KindChoice)]
#[non_exhaustive]
pub struct KindChoiceBody {
    /// The value to answer with.
    pub value: String,
    /// The label that a person reads.
    pub label: String,
}

impl From<&Field> for KindFieldBody {
    fn from(field: &Field) -> Self {
        let choices = match &field.input {
            Input::Choice(choices) => choices
                .iter()
                .map(|(value, label)| KindChoiceBody { value: value.to_string(), label: label.to_string() })
                .collect(),
            _ => Vec::new(),
        };
        Self {
            name: field.name.to_string(),
            label: field.label.to_string(),
            input: input_word(&field.input),
            required: field.required,
            many: field.many,
            offer: field.offer.as_ref().map(ToString::to_string),
            help: field.help.as_ref().map(ToString::to_string),
            default: field.default.as_ref().map(ToString::to_string),
            choices,
            way: field.way.map(way_word),
            once: field.kept.is_some(),
        }
    }
}

/// Returns the word for the way of authentication.
pub fn auth_word(auth: AuthType) -> &'static str {
    match auth {
        AuthType::ApiKey => "apiKey",
        AuthType::Basic => "basic",
        AuthType::None => "none",
        AuthType::OAuth => "oauth",
        AuthType::PersonalAccessToken => "personalAccessToken",
        _ => "custom",
    }
}

/// Returns the word for an input.
pub fn input_word(input: &Input) -> &'static str {
    match input {
        Input::Bool => "bool",
        Input::Choice(_) => "choice",
        Input::Directory => "directory",
        Input::Number => "number",
        Input::Secret => "secret",
        Input::Url => "url",
        _ => "text",
    }
}

/// Returns the word for what a kind needs of its host.
pub fn need_word(need: Need) -> &'static str {
    match need {
        Need::Files => "files",
        Need::InboundHttp => "inboundHttp",
        _ => "tools",
    }
}

/// Returns the word for a way of finishing a setup.
pub fn way_word(way: SetupMethod) -> &'static str {
    match way {
        SetupMethod::Browser => "browser",
        SetupMethod::Device => "device",
        SetupMethod::Paste => "paste",
        _ => "other",
    }
}

/// Returns `true` if browsers end at a redirect address of this host, which must be registered at the provider.
pub fn is_called_back(descriptor: &Descriptor) -> bool {
    let ends_here = |way: &SetupMethod| matches!(way, SetupMethod::Browser | SetupMethod::Paste);
    descriptor.ways.iter().any(ends_here) || descriptor.needs.contains(&Need::InboundHttp)
}

/// Returns `true` if a person who connects an account may have to register the redirect address: without a field,
/// there is no application that the person could enter.
pub fn is_redirect_registered_by_person(descriptor: &Descriptor) -> bool {
    is_called_back(descriptor) && !descriptor.fields.is_empty()
}

/// A change of the terms of a kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KindChange)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KindChangeBody {
    /// The number of connections that were made under the old terms.
    pub connections: u64,
    /// `true` if the connections are not used until the change is accepted; `false` if only the revocation changed.
    pub stops_use: bool,
    /// The lines that the new terms lack.
    pub removed: Vec<String>,
    /// The lines that the old terms lack.
    pub added: Vec<String>,
}

impl From<&KindChange> for KindChangeBody {
    fn from(change: &KindChange) -> Self {
        let before = change.before.as_deref().unwrap_or_default();
        let now = change.now.as_deref().unwrap_or_default();
        let without = |one: &str, other: &str| {
            let stayed: Vec<&str> = other.lines().collect();
            one.lines().filter(|line| !stayed.contains(line)).map(str::to_owned).collect()
        };
        Self {
            connections: change.connections,
            stops_use: change.stops_use,
            removed: without(before, now),
            added: without(now, before),
        }
    }
}
