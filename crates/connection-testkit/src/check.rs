//! Checks descriptors and answers with the checks of a real host.

use std::{collections::BTreeMap, net::IpAddr};

use connection_contract::{Answer, ConnectionDefinition, Descriptor, Field, Input, Origin, Secret, Text, host};
use connection_replay::{
    answer::{self, NOT_ENCRYPTED, Pattern},
    descriptor::{self, Checked, Facets},
};
use regex::Regex;

/// The maximum length of an answer in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// Returns the checked parts of a descriptor, or the problem for which a host does not register the kind.
pub(crate) fn descriptor<D: ConnectionDefinition>(definition: &D, descriptor: &Descriptor) -> Result<Checked, String> {
    let (profiles, sandbox) = (definition.profiles(), definition.sandbox());
    let facets =
        Facets { secrets: definition.secrets().is_some(), profiles: profiles.as_ref(), sandbox: sandbox.as_ref() };
    descriptor::check(descriptor, facets, |pattern| {
        let pattern = Regex::new(pattern).ok()?;
        Some(Pattern::new(move |text| pattern.is_match(text)))
    })
}

/// Returns the checked answers in the order of the prompt, or the first problem, which names the field and never shows
/// the answer.
pub(crate) fn answers(
    fields: &[Field],
    patterns: &BTreeMap<Text, Pattern>,
    raw: &[(String, Secret)],
) -> Result<Vec<(Text, Answer)>, String> {
    for (i, (name, value)) in raw.iter().enumerate() {
        let Some(field) = fields.iter().find(|field| *field.name == **name) else {
            return Err(format!("'{name}' is not a field of this prompt"));
        };
        if !field.many && raw.iter().take(i).any(|(other, _)| other == name) {
            return Err(format!("'{name}' is answered twice"));
        }
        if value.expose().len() > MAX_LENGTH {
            return Err(format!("'{name}' is too long"));
        }
    }
    let mut checked = Vec::new();
    for field in fields {
        let mut given: Vec<_> =
            raw.iter().filter(|(n, v)| **n == *field.name && !v.is_empty()).map(|(_, v)| v).collect();
        let default = field.default.as_ref().map(|default| Secret::from(&**default));
        if given.is_empty() {
            given.extend(default.as_ref());
        }
        if given.is_empty() && field.required {
            return Err(format!("'{}' is missing", field.name));
        }
        for value in given {
            let is_confirmed = |by: &Text| raw.iter().any(|(name, value)| *name == **by && value.expose() == b"true");
            let (value, query) = answer::split_query(field, value);
            let answer = parse(field, patterns.get(&field.name), &value, is_confirmed)
                .map_err(|problem| format!("'{}' {problem}", field.name))?;
            checked.push((field.name.clone(), answer));
            checked.extend(query.map(|(name, query)| (name, Answer::Secret(query))));
        }
    }
    Ok(checked)
}

fn parse(
    field: &Field,
    pattern: Option<&Pattern>,
    value: &Secret,
    is_confirmed: impl Fn(&Text) -> bool,
) -> Result<Answer, &'static str> {
    if field.input == Input::Directory {
        // A real host also canonicalizes the path and checks it with the platform.
        let text = value.expose_str().ok_or("is not UTF-8 text")?;
        return Ok(Answer::Directory(host::granted_directory(text)));
    }
    match (answer::parse(field, pattern, value), &field.plain_http) {
        (Err(NOT_ENCRYPTED), Some(by)) if is_confirmed(by) => {
            let read = if field.query.is_some() { host::exact_base_url } else { host::base_url };
            let base = value.expose_str().and_then(read);
            base.filter(|base| is_private_network(base.origin())).map(Answer::Url).ok_or(NOT_ENCRYPTED)
        }
        (answer, _) => answer,
    }
}

/// Returns `true` if the origin is a numeric address of a private network (RFC 1918, RFC 4193).
fn is_private_network(origin: &Origin) -> bool {
    let place = origin.as_str().strip_prefix("http://").unwrap_or_default();
    let number = match place.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => place.split(':').next(),
    };
    match number.and_then(|number| number.parse::<IpAddr>().ok()).map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.is_private(),
        Some(IpAddr::V6(address)) => address.is_unique_local(),
        None => false,
    }
}
