//! Presets of rules, which a kind offers for the grants of its connections.

use crate::Text;

/// A preset: rules with a name, which a person gives to a program that uses a connection of the kind.
///
/// The contract carries the rules as text; a host reads them with the crate `connection-rules`, which documents their
/// form. Every kind has the preset `ask` in addition: `GET` and `HEAD` ask a person, and all else is denied.
///
/// ```
/// use connection_contract::{AuthType, Descriptor, Kind, RulePreset};
///
/// const READ: &str = r#"{ "rule": [{ "name": "reads", "methods": ["GET", "HEAD"], "effect": "allow" }] }"#;
///
/// let kind = Kind::from_static("acme");
/// let descriptor = Descriptor::new(kind, "Acme", AuthType::ApiKey).rule_preset("read", READ);
/// assert_eq!(descriptor.rules, [RulePreset::new("read", READ)]);
/// assert!(RulePreset::is_name("read-issues") && !RulePreset::is_name("Read issues"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RulePreset {
    /// Name of the preset: 1 to 64 of `a-z`, `0-9` and `-`. No kind gives its own rules to the names in
    /// [`RESERVED`](Self::RESERVED).
    pub name: Text,
    /// The rules, as JSON text with the members `expires`, `budget` and `rule`.
    pub rules: Text,
}

impl RulePreset {
    /// The names that stand for the same rules in every kind.
    pub const RESERVED: [&'static str; 2] = ["ask", "everything"];

    /// Creates a preset from its name and its rules as JSON text.
    pub fn new(name: impl Into<Text>, rules: impl Into<Text>) -> Self {
        Self { name: name.into(), rules: rules.into() }
    }

    /// Returns `true` for a text that can be the name of a preset.
    pub fn is_name(text: &str) -> bool {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=64).contains(&text.len()) && text.bytes().all(is_letter)
    }
}
