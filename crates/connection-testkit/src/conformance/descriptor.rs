//! Descriptors: the same each time, and accepted by a host.

use std::{collections::HashSet, fmt::Debug};

use connection_contract::{ConnectionDefinition, Descriptor, Field, Guide, Input, Kind, SecretName, host};
use connection_replay::limits;

use super::Suite;
use crate::fault::fail;

impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    /// Checks that the descriptor is the same each time, is valid, and fits the facets of the kind.
    #[track_caller]
    pub(super) fn described(&self) {
        let definition = (self.make)();
        let descriptor = definition.descriptor();
        if format!("{descriptor:?}") != format!("{:?}", definition.descriptor()) {
            fail("the descriptor differs each time");
        }
        if let Err(problem) = limits::descriptor(&descriptor) {
            fail(&format!("a host does not accept the descriptor: {problem}"));
        }
        if let Some(problem) = impossible(&descriptor) {
            fail(&format!("the descriptor {problem}"));
        }
        if !descriptor.origins.is_empty() && definition.authorizer().is_none() {
            fail("the descriptor declares addresses, and without an `authorizer` no request gets the credential");
        }
        if definition.secrets().is_some() == descriptor.secret_names.is_empty() {
            fail("the descriptor's secret names and the facet `secrets` do not go together");
        }
    }
}

fn impossible(descriptor: &Descriptor) -> Option<String> {
    let mut names = HashSet::new();
    if descriptor.display_name.as_str().is_empty() {
        return Some("has no name for people".to_owned());
    }
    let is_reserved = descriptor.extension.is_some() || descriptor.kind.extension().is_some();
    let named = descriptor.extension.as_ref().and_then(|own| Kind::of_extension(own, &descriptor.provider));
    if is_reserved && named.as_ref() != Some(&descriptor.kind) {
        return Some("is for one extension, and its kind is not named 'EXTENSION/PROVIDER'".to_owned());
    }
    for field in &descriptor.fields {
        let name = &field.name;
        if !is_name(name) {
            return Some(format!(
                "has a field '{name}', which is not a valid name: 1 to 64 of A-Z a-z 0-9 _ - ., beginning with a letter"
            ));
        }
        if !names.insert(name.clone()) {
            return Some(format!("has the field '{name}' twice"));
        }
        if field.label.as_str().is_empty() {
            return Some(format!("has no label for the field '{name}'"));
        }
        if field.input == Input::Secret && field.default.is_some() {
            return Some(format!("has a default for the secret '{name}'"));
        }
        if let Some(by) = &field.plain_http {
            let confirms = |other: &Field| other.name == *by && other.input == Input::Bool;
            if field.input != Input::Url || !descriptor.fields.iter().any(confirms) {
                return Some(format!(
                    "has plain http for '{name}', but '{by}' is not a yes-or-no field that confirms it"
                ));
            }
        }
        let fits = match (&field.input, field.default.as_deref()) {
            (Input::Choice(choices), _) if choices.is_empty() => false,
            (_, None) => true,
            (Input::Choice(choices), Some(default)) => choices.iter().any(|(value, _)| value == default),
            (Input::Url, Some(default)) => host::base_url(default).is_some(),
            (Input::Bool, Some(default)) => default.parse::<bool>().is_ok(),
            (Input::Number, Some(default)) => default.parse::<i64>().is_ok(),
            _ => true,
        };
        if !fits {
            return Some(format!("has a default or choices for '{name}' that the host would refuse"));
        }
    }
    let mut secrets = HashSet::new();
    for name in &descriptor.secret_names {
        if !is_name(name) || !secrets.insert(name.clone()) {
            return Some(format!("has a secret name '{name}' that is not a valid name or occurs twice"));
        }
    }
    for part in &descriptor.guide {
        if let Guide::Link(_, url) = part
            && !url.starts_with("https://")
        {
            return Some("has a link for people that is not https".to_owned());
        }
    }
    None
}

fn is_name(name: &str) -> bool {
    SecretName::parse(name.to_owned()).is_some()
}
