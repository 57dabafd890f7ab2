//! The values that are computed once for a kind: its descriptor, its addresses, and the patterns of its fields.

use std::{collections::BTreeMap, sync::Arc};

use connection_contract::{AuthType, ConnectionDefinition, Descriptor, Field, Input, Kind, Text};
use connection_oauth2::{OAuth2, oauth2};

use super::{KEY_ID, SECRET_KEY, SESSION_TOKEN};
use crate::kind::{
    check::hosts,
    model::{
        AuthName, Ends, FieldFormat, FieldModel, FieldSource, HelpersModel, JsonTemplate, KeyEncoding, KindModel,
        Mechanism, RequestModel, RulesModel,
    },
    pattern::Pattern,
    template::{Scope, Template, Variable},
};

/// A host name, as an answer.
const HOST_NAME: &str = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*";
/// A UUID (RFC 9562, section 4).
const UUID: &str = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
/// An address that looks like one; only its provider knows whether it exists.
const EMAIL: &str = r"[^@\s]+@[^@\s]+\.[^@\s]+";

/// A kind, ready to be used.
pub(crate) struct Prepared {
    pub(crate) model: Arc<KindModel>,
    pub(crate) descriptor: Descriptor,
    pub(crate) oauth2: Option<OAuth2>,
    pub(crate) bases: Vec<Base>,
    /// The templates of `account.id` and `account.label` that are not pointers.
    pub(crate) id: Vec<Template>,
    pub(crate) label: Vec<Template>,
    patterns: BTreeMap<String, Pattern>,
}

/// An address to which the paths of calls are relative.
pub(crate) struct Base {
    pub(crate) template: Template,
    /// The text under which the descriptor declares it, if it has no variables.
    pub(crate) declared: Option<String>,
    /// The field whose answer it is below.
    pub(crate) granted: Option<String>,
}

impl Prepared {
    /// Prepares a model that was checked.
    ///
    /// A part that cannot be prepared is left out: the checks refuse a file with such a part.
    pub(crate) fn new(model: Arc<KindModel>) -> Self {
        let oauth2 = match model.mechanism {
            Some(Mechanism::Oauth2) => super::oauth2::config(&model).ok().map(oauth2),
            _ => None,
        };
        let templates = |texts: &crate::kind::model::Texts| -> Vec<Template> {
            texts
                .iter()
                .filter(|text| text.contains("${") || !text.starts_with('/'))
                .filter_map(|text| Template::parse(text).ok())
                .collect()
        };
        let (id, label) = model
            .account
            .as_ref()
            .map(|account| (templates(&account.id), templates(&account.label)))
            .unwrap_or_default();
        let patterns =
            model.fields.iter().filter_map(|field| Some((field.name.clone()?, Pattern::new(pattern(field)?)?)));
        let patterns = patterns.collect();
        let bases: Vec<Base> = model
            .request
            .iter()
            .flat_map(|request| request.base.iter())
            .filter_map(|text| base(&model, text))
            .collect();
        let descriptor = descriptor(&model, oauth2.as_ref(), &bases);
        Self { descriptor, oauth2, bases, id, label, patterns, model }
    }

    /// Returns `true` if a value is one that its field may have.
    pub(crate) fn accepts(&self, field: &FieldModel, value: &str) -> bool {
        let matches = field.name.as_deref().and_then(|name| self.patterns.get(name)).is_none_or(|p| p.matches(value));
        let chosen = field.choices.is_empty() || field.choices.iter().any(|choice| choice.value == value);
        let host = value.strip_prefix("https://").unwrap_or(value).trim_end_matches('/');
        let below = |suffix: &String| {
            host == suffix.trim_start_matches('.')
                || host.strip_suffix(suffix.as_str()).is_some_and(|rest| !rest.is_empty())
        };
        let bounded = field.host_suffixes.is_empty()
            || crate::kind::template::host_name(host).is_some() && field.host_suffixes.iter().any(below);
        matches && chosen && bounded
    }

    /// Returns the field with this name.
    pub(crate) fn field(&self, name: &str) -> Option<&FieldModel> {
        self.model.fields.iter().find(|field| field.name.as_deref() == Some(name))
    }
}

/// Returns the pattern of a field: its own, or that of its format.
pub(super) fn pattern(field: &FieldModel) -> Option<&str> {
    let own = field.pattern.as_deref().filter(|text| !text.is_empty());
    own.or(match field.format {
        FieldFormat::Email => Some(EMAIL),
        FieldFormat::Hostname => Some(HOST_NAME),
        FieldFormat::Uuid => Some(UUID),
        FieldFormat::Bool | FieldFormat::Number | FieldFormat::Text | FieldFormat::Url => None,
    })
}

fn base(model: &KindModel, text: &str) -> Option<Base> {
    let template = Template::parse(text).ok()?;
    let declared = template.fixed().map(|text| text.trim_end_matches('/').to_owned());
    let granted = hosts(model, &template).ok().and_then(|hosts| hosts.granted);
    Some(Base { template, declared, granted })
}

/// Returns `true` for a secret that the provider made, so that it has no character that only surrounds a copied text.
///
/// A secret that each call has is one, unless the file says otherwise, and so are the keys with which calls to AWS are
/// signed. A secret that logs in, or is the password of HTTP Basic, may have been chosen by a person.
pub(super) fn is_key(model: &KindModel, field: &FieldModel) -> bool {
    let is_it = |template: &Template| {
        let mut variables = template.variables();
        template.basic_pair().is_none()
            && variables.any(|it| it.scope == Scope::Secret && Some(it.name.as_str()) == field.name.as_deref())
    };
    let is_in = |json: &JsonTemplate| {
        let mut is_found = false;
        json.each(&mut |template| is_found |= is_it(template));
        is_found
    };
    // A cookie has its name before the value, as a line of variables has, from which only the value is taken.
    let is_cookie = |name: &str| name.eq_ignore_ascii_case("cookie");
    let is_sent = |request: &RequestModel| {
        request.headers.iter().any(|(name, template)| !is_cookie(name) && is_it(template))
            || request.query.iter().any(|(_, template)| is_it(template))
            || request.json.iter().any(|(_, json)| is_in(json))
            || request.path.as_ref().is_some_and(is_it)
    };
    let signs = || {
        let name = field.name.as_deref();
        model.sigv4.is_some() && [KEY_ID, SECRET_KEY, SESSION_TOKEN].into_iter().any(|key| name == Some(key))
    };
    field.secret && field.key.unwrap_or_else(|| model.request.as_ref().is_some_and(is_sent) || signs())
}

/// Returns `true` for a secret that is the private key in PEM with which JWTs are signed.
fn is_private_key(model: &KindModel, field: &FieldModel) -> bool {
    let mut jwts = model.jwt.iter().chain(model.exchange.iter().flat_map(|exchange| &exchange.jwt));
    let is_it =
        |variable: &Variable| variable.scope == Scope::Secret && Some(variable.name.as_str()) == field.name.as_deref();
    field.secret && jwts.any(|jwt| jwt.key_encoding == KeyEncoding::Pem && jwt.key.variable().is_some_and(is_it))
}

/// Returns the field of the contract for a field of a file.
pub(super) fn field(model: &KindModel, field: &FieldModel) -> Option<Field> {
    let name = field.name.clone()?;
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let choices = || field.choices.iter().map(|choice| (choice.value.clone().into(), choice.label.clone().into()));
    let input = match field.format {
        _ if field.secret => Input::Secret,
        _ if !field.choices.is_empty() => Input::Choice(choices().collect()),
        FieldFormat::Bool => Input::Bool,
        FieldFormat::Number => Input::Number,
        FieldFormat::Url => Input::Url,
        FieldFormat::Email | FieldFormat::Hostname | FieldFormat::Text | FieldFormat::Uuid => Input::Text,
    };
    let is_text = matches!(input, Input::Secret | Input::Text);
    let label = text(&field.label).unwrap_or_else(|| name.clone());
    let mut made = Field::new(name, label, input);
    made.required = field.required.unwrap_or(true);
    made.is_key = is_key(model, field);
    made.is_private_key = is_private_key(model, field);
    made.help = text(&field.help).map(Into::into);
    made.placeholder = text(&field.placeholder).map(Into::into);
    made.default = text(&field.default).map(Into::into);
    // Parts of an answer are removed before its pattern is checked, so the host must not check it.
    let is_trimmed = !field.remove_prefix.is_empty() || !field.remove_suffix.is_empty();
    made.pattern = pattern(field).filter(|_| is_text && !is_trimmed).map(|text| text.to_owned().into());
    Some(made)
}

fn descriptor(model: &KindModel, oauth2: Option<&OAuth2>, bases: &[Base]) -> Descriptor {
    let kind = |text: &Option<String>| text.as_deref().and_then(Kind::parse);
    let own = kind(&model.id).unwrap_or(Kind::from_static("unnamed"));
    let name = model.name.clone().unwrap_or_default();
    let auth = match (model.auth, model.mechanism) {
        (Some(AuthName::ApiKey), _) | (None, Some(Mechanism::ApiKey)) => AuthType::ApiKey,
        (Some(AuthName::Basic), _) | (None, Some(Mechanism::Basic)) => AuthType::Basic,
        (Some(AuthName::None), _) | (None, Some(Mechanism::None)) => AuthType::None,
        (Some(AuthName::Oauth), _) | (None, Some(Mechanism::Oauth2)) => AuthType::OAuth,
        (Some(AuthName::PersonalAccessToken), _) => AuthType::PersonalAccessToken,
        (Some(AuthName::Custom), _) | (None, _) => AuthType::Custom,
    };
    let mut made = match oauth2 {
        Some(oauth2) => oauth2.descriptor(),
        None => Descriptor::new(own.clone(), name.clone(), auth),
    };
    made.auth = auth;
    made.provider = kind(&model.provider).unwrap_or(own);
    let inner = std::mem::take(&mut made.origins);
    for base in bases {
        match &base.declared {
            Some(text) => push(&mut made.origins, text.clone().into()),
            None => made
                .origins
                .extend(hosts(model, &base.template).unwrap_or_default().origins.into_iter().map(Text::from)),
        }
    }
    for origin in inner.into_iter().chain(origins(model)) {
        push(&mut made.origins, origin);
    }
    if oauth2.is_none() {
        let prompted = model.fields.iter().filter(|field| field.source == FieldSource::User);
        made.fields = prompted.filter_map(|asked| field(model, asked)).collect();
    }
    if model.mechanism == Some(Mechanism::TokenExchange) {
        made = made.secret_name("accessToken");
    }
    for secret in model.fields.iter().filter(|field| field.secret) {
        for name in secret.name.iter().chain(&secret.aliases) {
            if !made.secret_names.iter().any(|known| known == name) {
                made = made.secret_name(name.clone());
            }
        }
    }
    for text in &model.guide {
        made = made.guide(text.clone());
    }
    for link in &model.links {
        let url = link.url.clone().unwrap_or_default();
        made = made.guide_link(link.text.clone().unwrap_or_else(|| url.clone()), url);
    }
    if model.removal.as_ref().is_some_and(|removal| removal.ends == Ends::Grant) {
        made = made.revocation_ends_grant();
    }
    if model.rules.as_ref().is_some_and(|rules| rules.gets.is_some()) {
        made = made.gets_only_read();
    }
    made.account_is_email = model.account.as_ref().is_some_and(|account| account.email);
    for (name, rules) in model.rules.iter().flat_map(RulesModel::presets) {
        made = made.rule_preset(name, rules.to_string());
    }
    if let Some(door) = &model.door {
        made.door_token = door.token.clone().map(Into::into);
        for (name, value) in door.variables.iter() {
            made = made.door_variable(name.to_owned(), value.clone());
        }
    }
    for (protocol, table) in model.helpers.iter().flat_map(HelpersModel::tables) {
        made = made.helper(table.helper(protocol));
    }
    if let Some(request) = &model.request {
        made.encoded_slash_is_data = request.encoded_slash.is_some();
        made.empty_segment_is_data = request.empty_segments.is_some();
    }
    made.terms(super::terms::terms(model)).revocation_fact("revoke.").revocation_fact("oauth2.revocation = ")
}

/// Returns the origins of all addresses beside the base.
fn origins(model: &KindModel) -> Vec<Text> {
    let mut all: Vec<Text> = Vec::new();
    let calls = model.verify.iter().map(|call| &call.path).chain(model.revoke.iter().map(|call| &call.path));
    let lookups = model.lookups.iter().map(|lookup| &lookup.path);
    let steps = model.exchange.iter().flat_map(|exchange| exchange.steps.iter().map(|step| &step.url));
    for template in calls.chain(lookups).chain(steps).filter(|template| template.has_host()) {
        all.extend(hosts(model, template).unwrap_or_default().origins.into_iter().map(Text::from));
    }
    all.extend(model.request.iter().flat_map(|request| request.origins.iter().cloned().map(Text::from)));
    all
}

fn push(origins: &mut Vec<Text>, origin: Text) {
    let same = |known: &Text| *known == origin || known.starts_with(&format!("{origin}/"));
    if !origins.iter().any(same) {
        origins.push(origin);
    }
}
