//! What a file says for programs that use a connection: the table `[rules]` with presets that can be read, the meaning of
//! paths in `[request]`, and what programs need in `[door]`. Each says where its source is.

use connection_contract::{Descriptor, DoorVariable, RulePreset};
use connection_rules::Rules;

use super::{At, Checker, Finding};
use crate::kind::tree::Key;

/// Maximum number of presets of a file.
const MAX_PRESETS: usize = 32;
/// Maximum number of variables for programs.
const MAX_VARIABLES: usize = 32;

pub(super) fn check(checker: &mut Checker<'_>) {
    paths(checker);
    door(checker);
    let Some(rules) = &checker.model.rules else { return };
    let root = At::Root;
    let at = At::Name(&root, "rules");
    if rules.gets.is_some() && rules.source.is_none() {
        checker.report(
            At::Name(&at, "gets"),
            "nothing shows that no GET changes anything; add source = \"https://…\" with the provider's page",
        );
    }
    source(checker, At::Name(&at, "source"), rules.source.as_deref());
    let presets = rules.presets();
    if presets.len() > MAX_PRESETS {
        checker.report(at, "a file has at most 32 presets; remove some of them");
    }
    for (name, value) in &presets {
        let at = At::Name(&at, name);
        if !RulePreset::is_name(name) {
            checker.report(at, "the name of a preset has 1 to 64 of a-z, 0-9 and '-'; correct it");
        }
        if RulePreset::RESERVED.contains(&name.as_str()) {
            checker.report(at, "every kind has this preset with the same rules; give this one another name");
        }
        if let Err(invalid) = Rules::from_value(value) {
            let mut path = at.path();
            path.0.extend(keys(invalid.place()));
            let sentence = format!("this {}; correct it", invalid.problem());
            checker.findings.push(Finding { path, sentence, about_fields: false });
        }
    }
}

/// Checks that an exception to the reading of paths has a source, and that a source belongs to one.
fn paths(checker: &mut Checker<'_>) {
    let Some(request) = &checker.model.request else { return };
    let root = At::Root;
    let at = At::Name(&root, "request");
    let stated = [("encoded_slash", request.encoded_slash), ("empty_segments", request.empty_segments)];
    let first = stated.iter().find(|(_, meaning)| meaning.is_some());
    match (first, &request.path_source) {
        (Some((name, _)), None) => checker.report(
            At::Name(&at, name),
            "nothing shows how the provider reads such a path; add path_source = \"https://…\" with its page",
        ),
        (None, Some(_)) => checker.report(
            At::Name(&at, "path_source"),
            "this shows what `encoded_slash` or `empty_segments` says; add one of them, or remove it",
        ),
        _ => source(checker, At::Name(&at, "path_source"), request.path_source.as_deref()),
    }
}

/// Checks the form of the token that a program sends in place of the provider's secret, and the variables for programs.
fn door(checker: &mut Checker<'_>) {
    let Some(door) = &checker.model.door else { return };
    let root = At::Root;
    let at = At::Name(&root, "door");
    if !door.token.as_deref().is_none_or(Descriptor::is_door_token) {
        checker.report(
            At::Name(&at, "token"),
            "the form of a token has at most 128 visible ASCII characters, with {token} once; write token = \"xoxb-{token}\"",
        );
    }
    let variables = At::Name(&at, "variables");
    if door.variables.iter().count() > MAX_VARIABLES {
        checker.report(variables, "a file has at most 32 variables; remove some of them");
    }
    for (name, value) in door.variables.iter() {
        if !DoorVariable::new(name.to_owned(), value.clone()).is_valid() {
            checker.report(
                At::Name(&variables, name),
                "a variable has a name of capital letters, digits and '_', which is no search path, and a value of letters, \
                 digits and '.:/_-' with {door} or {token}; write ACME_BASE_URL = \"{door}/v1\"",
            );
        }
    }
    if door.token.is_none() && door.variables.is_empty() {
        checker.report(at, "this says nothing; add token, or a table `door.variables`");
    }
    if door.source.is_none() {
        checker.report(at, "nothing shows that a program reads this; add source = \"https://…\" with its page");
    }
    source(checker, At::Name(&at, "source"), door.source.as_deref());
}

pub(super) fn source(checker: &mut Checker<'_>, at: At<'_>, text: Option<&str>) {
    if text.is_some_and(|text| !text.starts_with("https://") || text.contains(char::is_whitespace)) {
        checker.report(at, "a source is a public page; write https://…, without a space");
    }
}

/// Returns the keys of a place such as `rule[2].path`.
fn keys(place: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    for part in place.split('.') {
        let (name, indexes) = part.split_once('[').unwrap_or((part, ""));
        keys.push(Key::Name(name.to_owned()));
        keys.extend(indexes.split(['[', ']']).filter_map(|index| index.parse().ok()).map(Key::Index));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::keys;
    use crate::kind::tree::Path;

    #[test]
    fn a_place_of_a_rule_becomes_a_path_into_the_file() {
        for place in ["expires", "rule[2].path", "rule[0].methods[1]", "rule[0].query.only.a[3]"] {
            assert_eq!(Path(keys(place)).to_string(), place);
        }
    }
}
