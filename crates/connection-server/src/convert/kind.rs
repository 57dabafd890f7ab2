//! Kinds: what each describes, and how its terms changed.

use connection_api as api;
use connection_contract::{AuthType, Descriptor, DisplayText, Field, Guide, Input, Need, SetupMethod, Text};
use connection_core::{KindChange, KindInfo};

/// Converts the names of a kind, and its way of authentication.
pub fn kind_summary(descriptor: &Descriptor) -> api::KindSummary {
    api::KindSummary {
        kind: descriptor.kind.to_string(),
        provider: descriptor.provider.to_string(),
        title: descriptor.display_name.to_string(),
        auth: auth(descriptor.auth),
    }
}

/// Converts what a person needs to know about a kind, with what its connections can, and with the redirect address if
/// browsers return to this host.
pub fn kind_description(
    descriptor: &Descriptor,
    capabilities: Vec<api::Capability>,
    redirect_uri: Option<String>,
) -> api::KindDescription {
    api::KindDescription {
        extension: descriptor.extension.as_ref().map(ToString::to_string),
        guide: descriptor.guide.iter().filter_map(guide).collect(),
        fields: descriptor.fields.iter().map(kind_field).collect(),
        capabilities,
        ways: descriptor.ways.iter().copied().map(way).collect(),
        redirect_uri,
    }
}

/// Converts a kind, with the number of the owner's connections of it.
pub fn listed_kind(info: &KindInfo, connections: u64) -> api::ListedKind {
    let descriptor = &info.descriptor;
    api::ListedKind {
        summary: kind_summary(descriptor),
        own: descriptor.extension.is_some(),
        profiles: info.capabilities.profiles,
        connections,
    }
}

/// Returns what connections of a kind can.
pub fn capabilities(info: &KindInfo) -> Vec<api::Capability> {
    let can = &info.capabilities;
    let present = [
        (api::Capability::Send, can.send),
        (api::Capability::Secrets, can.secrets),
        (api::Capability::Refresh, can.refresh.is_some()),
        (api::Capability::Webhooks, can.webhooks),
        (api::Capability::Usage, can.usage),
        (api::Capability::Profiles, can.profiles),
        (api::Capability::Sandbox, can.sandbox),
        (api::Capability::Files, info.descriptor.needs.contains(&Need::Files)),
    ];
    present.into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect()
}

/// Converts a part of a guide; `None` for one that this version does not know.
pub fn guide(part: &Guide) -> Option<api::Guide> {
    match part {
        Guide::Link(text, address) => Some(api::Guide { text: text.to_string(), open: Some(address.to_string()) }),
        Guide::Text(text) => Some(api::Guide { text: text.to_string(), open: None }),
        _ => None,
    }
}

/// Converts a field of a kind.
pub fn kind_field(field: &Field) -> api::KindField {
    api::KindField {
        name: field.name.to_string(),
        label: field.label.to_string(),
        input: input(&field.input),
        required: field.required,
        many: field.many,
        offer: field.offer.as_ref().map(ToString::to_string),
        help: field.help.as_ref().map(ToString::to_string),
        default: field.default.as_ref().map(ToString::to_string),
        choices: choices(&field.input),
        way: field.way.map(way),
        once: field.kept.is_some(),
    }
}

/// Returns the values to choose; none for an input without choices.
pub(super) fn choices(input: &Input) -> Vec<api::FieldChoice> {
    match input {
        Input::Choice(choices) => choices.iter().map(choice).collect(),
        _ => Vec::new(),
    }
}

/// Converts a value to choose, with its label.
pub(super) fn choice(of: &(Text, DisplayText)) -> api::FieldChoice {
    let (value, label) = of;
    api::FieldChoice { value: value.to_string(), label: label.to_string() }
}

/// Converts the way of authentication.
pub fn auth(auth: AuthType) -> api::AuthType {
    match auth {
        AuthType::ApiKey => api::AuthType::ApiKey,
        AuthType::Basic => api::AuthType::Basic,
        AuthType::None => api::AuthType::None,
        AuthType::OAuth => api::AuthType::OAuth,
        AuthType::PersonalAccessToken => api::AuthType::PersonalAccessToken,
        _ => api::AuthType::Custom,
    }
}

/// Converts an input.
pub fn input(input: &Input) -> api::Input {
    match input {
        Input::Bool => api::Input::Bool,
        Input::Choice(_) => api::Input::Choice,
        Input::Directory => api::Input::Directory,
        Input::Number => api::Input::Number,
        Input::Secret => api::Input::Secret,
        Input::Url => api::Input::Url,
        _ => api::Input::Text,
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

/// Converts a way of finishing a setup.
pub fn way(way: SetupMethod) -> api::Way {
    match way {
        SetupMethod::Browser => api::Way::Browser,
        SetupMethod::Device => api::Way::Device,
        SetupMethod::Paste => api::Way::Paste,
        _ => api::Way::Other,
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

/// Converts a change of the terms of a kind.
pub fn kind_change(change: &KindChange) -> api::KindChange {
    let before = change.before.as_deref().unwrap_or_default();
    let now = change.now.as_deref().unwrap_or_default();
    let without = |one: &str, other: &str| {
        let stayed: Vec<&str> = other.lines().collect();
        one.lines().filter(|line| !stayed.contains(line)).map(str::to_owned).collect()
    };
    api::KindChange {
        connections: change.connections,
        stops_use: change.stops_use,
        removed: without(before, now),
        added: without(now, before),
    }
}
