//! What an extension is set to, in the clear and apart from every secret.

use connection_contract::{Preference, PreferenceInput, Text, Value};

use super::{ExtensionHandle, Revisions, plain, revisions::Rows};
use crate::{
    Error,
    connection::json,
    requirement::{
        public,
        resolve::{DAMAGED, record},
    },
    store::rows::PreferenceRow,
};

/// What an extension, or one of its commands, is set to: a value for each preference that was declared.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preferences {
    /// By name, in the order of the declaration. Of a command, its own come behind those of the extension.
    pub values: Vec<(String, Value)>,
    /// The names that somebody has set; the others have their default.
    pub set: Vec<String>,
    /// The names of those that are required and have no value: nobody has set them to one, and none is declared.
    pub missing: Vec<String>,
    /// The names of those whose value the connection says itself, with that value: what is set here has no effect, and no
    /// program gets it.
    pub overridden: Vec<(String, Value)>,
    /// What this was read as of.
    pub revisions: Revisions,
}

impl Preferences {
    /// The value of that name.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// An object of them, by name.
    pub fn to_json(&self) -> serde_json::Value {
        plain::to_json(&Value::Map(self.values.clone()))
    }
}

impl ExtensionHandle {
    /// What it is set to; of a command, where one is named, with what the extension is: the command's goes first where both
    /// have a preference of one name. What nobody has set has its default.
    ///
    /// # Errors
    ///
    /// [`super::ExtensionError::Undeclared`], [`Error::Row`] for settings that were edited or put back past the program, and
    /// the store's.
    pub async fn preferences(&self, command: Option<&str>) -> Result<Preferences, Error> {
        self.command(command)?;
        self.sound(command).await?;
        let connection = self.meant().await?;
        let asked = (self.name(), self.requirement().provider.as_str(), command.unwrap_or_default());
        let mut reader = self.registry.shared.reader().await?;
        let rows = Rows::read(&mut reader, &self.registry.owner, asked, connection).await?;
        let damaged = || reader.damaged(DAMAGED);
        let own = rows.public.own().ok_or_else(damaged)?;
        let of_command = fields(&rows.of_command).ok_or_else(damaged)?;
        let declared = command.and_then(|command| self.declared.find_command(command));
        let of_command_declared = declared.map(|command| command.preferences.as_slice()).unwrap_or_default();
        let (mut values, mut set, mut missing) = (Vec::<(String, Value)>::new(), Vec::new(), Vec::new());
        for (declared, record) in [(self.declared.preferences.as_slice(), &own), (of_command_declared, &of_command)] {
            for preference in declared {
                let name = preference.name.to_string();
                let found = public::set_value(preference, record);
                values.retain(|(known, _)| *known != name);
                set.retain(|known| *known != name);
                missing.retain(|known| *known != name);
                set.extend(found.is_some().then(|| name.clone()));
                let value = found.unwrap_or_else(|| public::fallback(preference));
                // A checkbox always says something, and so does a dropdown with a choice.
                let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty());
                missing.extend((preference.required && is_blank).then(|| name.clone()));
                values.push((name, value));
            }
        }
        let of_connection = json::to_config(&rows.config);
        let public = &self.requirement().public_preference_names;
        let is_own = |name: &Text| !of_command_declared.iter().any(|preference| preference.name == *name);
        let overridden = self.declared.preferences.iter().map(|preference| &preference.name);
        let overridden = overridden.filter(|name| public.contains(name) && is_own(name));
        let overridden: Vec<_> =
            overridden.filter_map(|name| Some((name.to_string(), public::configured(&of_connection, name)?))).collect();
        missing.retain(|name| !overridden.iter().any(|(known, _)| known == name));
        Ok(Preferences { values, set, missing, overridden, revisions: rows.revisions() })
    }
}

/// What a row holds; nothing without one, and `None` for one that nobody of us has written.
pub(super) fn fields(row: &Option<PreferenceRow>) -> Option<Vec<(String, Value)>> {
    match row {
        Some(row) => record(&row.body),
        None => Some(Vec::new()),
    }
}

/// A value as it is stored.
///
/// # Errors
///
/// What is wrong with it, after the name of the preference.
pub(crate) fn check(preference: &Preference, value: &Value) -> Result<Value, &'static str> {
    let value = plain::normal(value)?;
    match (&preference.input, &value) {
        (PreferenceInput::Checkbox, Value::Bool(_)) => {}
        (PreferenceInput::Checkbox, _) => return Err("is either true or false"),
        (PreferenceInput::Dropdown(choices), Value::Text(text)) if choices.iter().any(|(choice, _)| choice == text) => {
        }
        (PreferenceInput::Dropdown(_), _) => return Err("is one of the choices that were declared"),
        // How it is asked does not say what programs store in it.
        _ => {}
    }
    Ok(value)
}
