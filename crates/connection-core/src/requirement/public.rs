//! The public half of a connection, as an extension declared it: names that it listed, and values that anybody may see.

use connection_contract::{ExtensionDeclaration, Preference, Value};

/// What one extension is set to, by name.
pub(crate) type Record = [(String, Value)];

/// The values of the declared names, in their order. The owner of a value wins: what belongs to the connection goes before
/// what the provider's own extension is set to, and that before what this one is set to or has by default. A name without
/// any value is left out, and a secret's name is never there.
pub(crate) fn config(
    declaration: &ExtensionDeclaration,
    of_connection: &[(String, String)],
    of_provider: &Record,
    own: &Record,
) -> Value {
    let requirement = &declaration.requirement;
    let is_secret = |name: &str| requirement.auth.secret_names.iter().any(|secret| secret.as_str() == name);
    let names = requirement.public_preference_names.iter().filter(|name| !is_secret(name));
    let value = |name: &str| {
        let of_connection = || configured(of_connection, name);
        let of_provider = || find(of_provider, name);
        let own = || find(own, name);
        let fallback = || declaration.preferences.iter().find(|known| known.name == name).map(Preference::fallback);
        of_connection().or_else(of_provider).or_else(own).or_else(fallback)
    };
    Value::Map(names.filter_map(|name| Some((name.to_string(), value(name)?))).collect())
}

pub(crate) fn find(record: &Record, name: &str) -> Option<Value> {
    record.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

/// A field with several values is a list of them.
fn configured(config: &[(String, String)], name: &str) -> Option<Value> {
    let mut values = config.iter().filter(|(known, _)| known == name).map(|(_, value)| Value::from(value.as_str()));
    let first = values.next()?;
    let rest: Vec<_> = values.collect();
    if rest.is_empty() {
        return Some(first);
    }
    Some(Value::List(std::iter::once(first).chain(rest).collect()))
}
