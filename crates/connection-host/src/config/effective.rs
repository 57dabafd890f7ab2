//! The configuration as it takes effect: the value of each key, and where it is from. No value is a secret.

use std::{collections::BTreeMap, path::PathBuf};

use connection_core::{StoreAddress, StoreSource};

use super::{KEYS, Key, KeyType, Settings, Source};

/// A key, with the value that takes effect.
#[derive(Clone, Debug)]
pub(crate) struct EffectiveValue {
    /// The full name of the key, where a kind's name replaces `KIND`.
    pub(crate) key: String,
    /// The value for people; `None` if the key has none, or if it is not shown.
    pub(crate) value: Option<String>,
    /// `true` for a value that is not shown, or only in part, because it may be a secret.
    pub(crate) is_secret: bool,
    pub(crate) origin: Origin,
}

/// Where a value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    /// The configuration file.
    File(String),
    /// A variable of the environment.
    Variable(String),
    /// An option of the command.
    Option(&'static str),
}

/// The values of the layers, by name. A later layer replaces the values of an earlier one.
#[derive(Debug, Default)]
pub(super) struct Given(BTreeMap<String, EffectiveValue>);

impl Given {
    /// Adds a value that a layer gives. It also replaces the other key of a pair such as `http.proxy` and
    /// `http.proxy_file`.
    pub(super) fn add(&mut self, key: &Key, name: &str, value: &toml::Value, source: &Source) {
        let base = name.strip_suffix("_file").unwrap_or(name);
        self.0.remove(base);
        self.0.remove(&format!("{base}_file"));
        let origin = match source.directory {
            Some(_) => Origin::File(source.name.clone()),
            None => Origin::Variable(source.name.clone()),
        };
        let (value, is_secret) = shown(key, name, value, source);
        self.insert(name, value, is_secret, origin);
    }

    /// Adds the values of the options.
    pub(super) fn add_option(&mut self, name: &str, value: String, option: &'static str) {
        self.0.remove(&format!("{name}_file"));
        let value = if name == "database_url" { without_credentials(&value) } else { value };
        self.insert(name, Some(value), false, Origin::Option(option));
    }

    fn insert(&mut self, name: &str, value: Option<String>, is_secret: bool, origin: Origin) {
        let key = name.to_owned();
        self.0.insert(key.clone(), EffectiveValue { key, value, is_secret, origin });
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name) || self.0.contains_key(&format!("{name}_file"))
    }
}

impl Settings {
    /// Returns the configuration file, if a user or the system has a place for one. It need not exist.
    pub(crate) fn configuration_file(&self) -> Option<&PathBuf> {
        self.config_file.as_ref()
    }

    /// Returns the keys in the order of their names, each with the value that takes effect. A key of kinds is listed for
    /// each kind that the configuration names.
    pub(crate) fn effective(&self) -> Vec<EffectiveValue> {
        let mut values = Vec::new();
        for key in KEYS {
            let given =
                self.given.0.values().filter(|value| Key::named(&value.key).is_some_and(|k| k.name == key.name));
            let before = values.len();
            values.extend(given.cloned());
            if values.len() == before && !key.name.contains("KIND") {
                let value = self.default_of(key);
                values.push(EffectiveValue {
                    key: key.name.to_owned(),
                    value,
                    is_secret: false,
                    origin: Origin::Default,
                });
            }
        }
        values
    }

    /// Returns what the program uses in place of a key that is not set; `None` if that is nothing.
    fn default_of(&self, key: &Key) -> Option<String> {
        match key.name {
            "data_dir" => Some(self.data_directory.display().to_string()),
            "database_url" if !self.given.has("database_url") => Some(self.database_file().display().to_string()),
            "http.private_addresses" => Some("named".to_owned()),
            "key.file" if !self.has_other_key_source() => Some(self.key_file().display().to_string()),
            "state_dir" => Some(self.default_state()),
            // The page of the keys names the other defaults in a sentence of this form.
            _ => {
                let (_, default) = key.help.split_once("Unless set, it is ")?;
                Some(default.split(". ").next().unwrap_or(default).trim_end_matches('.').replace('`', ""))
            }
        }
    }

    fn has_other_key_source(&self) -> bool {
        ["command", "passphrase_file", "source", "variable", "wrap"]
            .iter()
            .any(|key| self.given.has(&format!("key.{key}")))
    }

    /// Returns the state directory, which is beside the database if that is a file.
    fn default_state(&self) -> String {
        let file = match &self.database {
            None => Some(self.database_file()),
            Some(url) => StoreSource::from(url.clone()).file(),
        };
        match file {
            Some(file) => format!("{}.state", file.display()),
            None => self.state_directory().display().to_string(),
        }
    }
}

/// Returns the value for people, and `true` if it or a part of it is left out.
fn shown(key: &Key, name: &str, value: &toml::Value, source: &Source) -> (Option<String>, bool) {
    let text = value.as_str();
    match key.value {
        KeyType::Secret => (None, true),
        // The path of an address for events is often its secret.
        KeyType::Url => {
            let cut = if name.starts_with("database") { without_credentials } else { origin_of };
            let shown = text.map(cut);
            let is_cut = shown.as_deref() != text;
            (shown, is_cut)
        }
        // The arguments may hold a token.
        KeyType::Command => {
            let parts = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let program = parts.first().and_then(toml::Value::as_str).map(str::to_owned);
            match parts.len() {
                0 | 1 => (program, false),
                _ => (program.map(|program| format!("{program} …")), true),
            }
        }
        KeyType::Path => (text.map(|path| source.path(path).display().to_string()), false),
        KeyType::Origins => {
            let pairs = value.as_table().into_iter().flatten();
            let pairs =
                pairs.map(|(from, to)| format!("{} → {}", origin_of(from), origin_of(to.as_str().unwrap_or(""))));
            (Some(pairs.collect::<Vec<_>>().join(", ")), false)
        }
        _ => (Some(plain(value)), false),
    }
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        toml::Value::Table(values) => {
            values.iter().map(|(from, to)| format!("{from} → {}", plain(to))).collect::<Vec<_>>().join(", ")
        }
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(value) => value.to_string(),
        // No key is a time.
        toml::Value::Datetime(_) => String::new(),
    }
}

fn without_credentials(url: &str) -> String {
    StoreAddress::new(url).without_credentials()
}

/// Returns the scheme and the host of an address.
fn origin_of(url: &str) -> String {
    let url = without_credentials(url);
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.split('/').next().unwrap_or_default()),
        None => url.split('/').next().unwrap_or_default().to_owned(),
    }
}
