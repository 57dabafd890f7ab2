//! The presets of a kind, and the exceptions that it states for the reading of its requests.

use connection_contract::{Descriptor, Seat};
use serde_json::Value;

use crate::{
    profile::Profile,
    rules::{InvalidRules, Rules},
};

/// Rules with a name, which come with a kind.
///
/// ```
/// use connection_contract::{AuthType, Descriptor, Kind};
/// use connection_rules::Preset;
///
/// let read = r#"{ "rule": [{ "name": "reads", "methods": ["GET", "HEAD"], "effect": "allow" }] }"#;
/// let kind = Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey).rule_preset("read", read);
/// let presets = Preset::of_kind(&kind)?;
/// let names: Vec<&str> = presets.iter().map(Preset::name).collect();
/// assert_eq!(names, ["read", "ask"]);
/// assert_eq!(presets[0].rules().words(), ["may send GET or HEAD", "nothing else"]);
/// # Ok::<(), connection_rules::InvalidPreset>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    name: String,
    rules: Rules,
}

impl Preset {
    /// Returns the presets of a kind in its own order, and then `ask`, which every kind has.
    ///
    /// # Errors
    ///
    /// [`InvalidPreset`] names the first preset whose rules cannot be read.
    pub fn of_kind(descriptor: &Descriptor) -> Result<Vec<Self>, InvalidPreset> {
        let own = descriptor.rules.iter().map(|preset| {
            let name = preset.name.to_string();
            match read(&preset.rules) {
                Ok(rules) => Ok(Self { name, rules }),
                Err(problem) => Err(InvalidPreset { name, problem }),
            }
        });
        own.chain([Ok(Self { name: "ask".to_owned(), rules: Rules::ask() })]).collect()
    }

    /// Returns the preset that has the same rules in every kind and this name: `ask` or `everything`.
    ///
    /// ```
    /// use connection_rules::Preset;
    ///
    /// assert!(Preset::common("everything").is_some_and(|preset| preset.rules().is_everything()));
    /// assert_eq!(Preset::common("read"), None);
    /// ```
    pub fn common(name: &str) -> Option<Self> {
        let rules = match name {
            "ask" => Rules::ask(),
            "everything" => Rules::everything(),
            _ => return None,
        };
        Some(Self { name: name.to_owned(), rules })
    }

    /// Returns the name, such as `read`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns the rules, and gives up the name.
    pub fn into_rules(self) -> Rules {
        self.rules
    }
}

fn read(text: &str) -> Result<Rules, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
    let rules = Rules::from_value(&value).map_err(|invalid: InvalidRules| invalid.to_string())?;
    // A person decides about each account whether its secret may be handed out.
    if rules.releases() { Err("release: must not be in a preset".to_owned()) } else { Ok(rules) }
}

/// A preset of a kind whose rules cannot be read, or which would release a secret.
///
/// ```
/// use connection_contract::{AuthType, Descriptor, Kind};
/// use connection_rules::Preset;
///
/// let kind = Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey);
/// let invalid = Preset::of_kind(&kind.rule_preset("read", r#"{ "rules": [] }"#)).unwrap_err();
/// assert_eq!(
///     invalid.to_string(),
///     "the preset \"read\": rules: has the unknown member \"rules\"; known are expires, budget, release, rule"
/// );
/// assert_eq!(invalid.name(), "read");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the preset \"{name}\": {problem}")]
pub struct InvalidPreset {
    name: String,
    problem: String,
}

impl InvalidPreset {
    /// Returns the name of the preset.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Profile {
    /// Returns the profile of a kind, with the exceptions that its descriptor states and the seats of all kinds of its
    /// provider.
    ///
    /// ```
    /// use connection_contract::{AuthType, Descriptor, Kind, Seat};
    /// use connection_rules::Profile;
    ///
    /// let kind = Descriptor::new(Kind::from_static("gitlab"), "GitLab", AuthType::PersonalAccessToken);
    /// assert_eq!(Profile::of_kind(&kind, []), Profile::strict());
    /// let token = Seat::header("private-token");
    /// let profile = Profile::of_kind(&kind.encoded_slash_is_data(), [token.clone()]);
    /// assert_eq!(profile, Profile::strict().encoded_slash_is_data().seat(token));
    /// ```
    pub fn of_kind(descriptor: &Descriptor, seats: impl IntoIterator<Item = Seat>) -> Self {
        Self {
            is_encoded_slash_data: descriptor.encoded_slash_is_data,
            is_empty_segment_data: descriptor.empty_segment_is_data,
            seats: seats.into_iter().collect(),
            ..Self::strict()
        }
    }
}
