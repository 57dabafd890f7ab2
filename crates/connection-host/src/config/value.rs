//! One value of the configuration, and the settings that it changes.

use std::{path::PathBuf, str::FromStr, time::Duration};

use connection_rules::read_span;

use super::{Key, Settings, Source, kinds::KindSettings, paths::used_path, secret::SecretSetting};
use crate::Error;

/// The settings while the layers are read, in rising order of precedence.
pub(super) struct Loading<'a> {
    pub(super) settings: &'a mut Settings,
    pub(super) secrets: &'a mut Secrets,
}

/// The secrets of the layers, which are resolved after all layers have been read.
#[derive(Default)]
pub(super) struct Secrets {
    pub(super) database: SecretSetting,
    pub(super) direct: SecretSetting,
    pub(super) proxy: SecretSetting,
}

/// A value of a layer.
pub(super) struct Value<'a> {
    pub(super) key: &'static Key,
    /// The full name of the key, with a kind's name in place of `KIND`.
    pub(super) name: &'a str,
    pub(super) toml: toml::Value,
    pub(super) source: &'a Source,
}

impl Value<'_> {
    /// Returns the place of the value for people: `kinds.acme.client_secret in /etc/acme.toml`, or the variable.
    pub(super) fn place(&self) -> String {
        match self.source.directory {
            Some(_) => format!("{} in {}", self.name, self.source.name),
            None => self.source.name.clone(),
        }
    }
}

impl Loading<'_> {
    /// Returns the application of the kind that a key names.
    pub(super) fn application(&mut self, value: &Value<'_>) -> &mut KindSettings {
        let kind = value.name.split('.').nth(1).unwrap_or_default();
        self.settings.kinds.entry(kind.to_owned()).or_default()
    }
}

impl Value<'_> {
    /// Returns what was parsed, or the error that says what the key takes. It never repeats the value.
    pub(super) fn valid<T>(&self, parsed: Option<T>) -> Result<T, Error> {
        parsed.ok_or_else(|| {
            let expected = self.key.value.expected();
            Error::configuration(format!("{}: '{}' must be {expected}", self.source.name, self.name))
        })
    }

    /// Returns a text that is not empty.
    pub(super) fn text(&self) -> Result<String, Error> {
        self.valid(self.toml.as_str().map(str::to_owned).filter(|text| !text.is_empty()))
    }

    pub(super) fn path(&self) -> Result<PathBuf, Error> {
        let text = self.text()?;
        used_path(&self.place(), &text, |text| self.source.path(text))
    }

    pub(super) fn parsed<T: FromStr>(&self) -> Result<T, Error> {
        let text = self.text()?;
        self.valid(text.parse().ok())
    }

    /// Returns the value of one of these words.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Error> {
        let text = self.text()?;
        self.valid(words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value))
    }

    /// Returns a whole number within these bounds.
    pub(super) fn number<T: TryFrom<u64>>(&self, least: u64, most: u64) -> Result<T, Error> {
        let number = self.toml.as_integer().and_then(|number| u64::try_from(number).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        self.valid(number.and_then(|number| T::try_from(number).ok()))
    }

    pub(super) fn count<T: TryFrom<u64>>(&self) -> Result<T, Error> {
        self.number(1, 1 << 22)
    }

    /// Returns a number of bytes.
    pub(super) fn mebibytes(&self) -> Result<u64, Error> {
        Ok(self.number::<u64>(16, 1 << 24)? << 20)
    }

    /// Parses a duration with its unit, such as `90 days` or `12h`.
    pub(super) fn period(&self) -> Result<Duration, Error> {
        let text = self.text()?;
        let units = [(" days", "d"), (" day", "d"), (" hours", "h"), (" hour", "h")];
        let unit = units.iter().find_map(|(word, unit)| Some(format!("{}{unit}", text.strip_suffix(word)?)));
        self.valid(read_span(unit.as_deref().unwrap_or(&text)))
    }

    pub(super) fn seconds(&self, least: u64, most: u64) -> Result<Duration, Error> {
        self.number(least, most).map(Duration::from_secs)
    }

    /// Returns a program and its arguments.
    pub(super) fn command(&self) -> Result<Vec<String>, Error> {
        let parts: Vec<String> = self.list(|part, _| Some(part.to_owned()))?;
        self.valid(Some(parts).filter(|parts| parts.first().is_some_and(|program| !program.is_empty())))
    }

    /// Returns the texts of a list, each as `parse` reads it.
    pub(super) fn list<T>(&self, parse: impl Fn(&str, &Source) -> Option<T>) -> Result<Vec<T>, Error> {
        let parse = |text: &toml::Value| parse(text.as_str()?, self.source);
        self.valid(self.toml.as_array().and_then(|list| list.iter().map(parse).collect()))
    }

    /// Returns the pairs of a table of texts, each as `parse` reads it.
    pub(super) fn table<T>(&self, parse: impl Fn(&str, &str, &Source) -> Option<T>) -> Result<Vec<T>, Error> {
        let parse = |(from, to): (&String, &toml::Value)| parse(from, to.as_str()?, self.source);
        self.valid(self.toml.as_table().and_then(|table| table.iter().map(parse).collect()))
    }

    /// Returns the kind at the end of the key's name.
    pub(super) fn kind(&self) -> String {
        self.name.rsplit('.').next().unwrap_or_default().to_owned()
    }
}
