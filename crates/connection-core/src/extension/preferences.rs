//! Reads the preferences of an extension, which are not secret and are stored apart from every secret.

use connection_contract::{BoxFuture, Preference, PreferenceInput, Text, Value};

use super::{ExtensionHandle, plain_json, revisions::Rows};
use crate::{
    Error, Revisions,
    extension::requirement::public::{self, DAMAGED, record},
    store::{json, rows::PreferenceRow},
};

/// The preferences of an extension or of one of its commands, with a value for each that was declared.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preferences {
    /// The values by name, in the order of the declaration. For a command, its own values follow those of the
    /// extension.
    pub values: Vec<(String, Value)>,
    /// The names of the preferences that were set. The others have their default.
    pub set: Vec<String>,
    /// The names of the required preferences that have no value, neither set nor declared as a default.
    pub missing: Vec<String>,
    /// The names of the preferences whose value the connection provides, with that value. A value that is set here has
    /// no effect and is given to no program.
    pub overridden: Vec<(String, Value)>,
    /// The revisions of these settings.
    pub revisions: Revisions,
}

impl Preferences {
    /// Returns the value with this name.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Returns the values as an object.
    pub fn to_json(&self) -> serde_json::Value {
        plain_json::to_json(&Value::Map(self.values.clone()))
    }
}

impl ExtensionHandle {
    /// Returns the preferences of the extension, or those of a command together with the extension's. If both declare a
    /// preference with the same name, the command's is returned. A preference that is not set has its default.
    ///
    /// # Errors
    ///
    /// [`crate::ExtensionError::Undeclared`], [`Error::Row`] for settings that were edited or restored outside of the
    /// program, and the store's errors.
    pub fn preferences<'a>(&'a self, command: Option<&'a str>) -> BoxFuture<'a, Result<Preferences, Error>> {
        Box::pin(async move {
            self.command(command)?;
            self.check_settings(command).await?;
            let connection = self.selected_connection().await?;
            let (owner, provider) = (&self.scope.owner, self.requirement().provider.as_str());
            let mut reader = self.scope.system.ground.reader().await?;
            let rows =
                Rows::read(&mut reader, owner, self.name(), provider, command.unwrap_or_default(), connection).await?;
            let damaged = || reader.damaged(DAMAGED);
            let own = rows.public.own().ok_or_else(damaged)?;
            let of_command = fields(&rows.of_command).ok_or_else(damaged)?;
            let declared = command.and_then(|command| self.declared.find_command(command));
            let of_command_declared = declared.map(|command| command.preferences.as_slice()).unwrap_or_default();
            let mut values = Vec::<(String, Value)>::new();
            let mut set = Vec::new();
            let mut missing = Vec::new();
            for (declared, record) in [(self.declared.preferences.as_slice(), &own), (of_command_declared, &of_command)]
            {
                for preference in declared {
                    let name = preference.name.to_string();
                    let found = public::set_value(preference, record);
                    values.retain(|(known, _)| *known != name);
                    set.retain(|known| *known != name);
                    missing.retain(|known| *known != name);
                    set.extend(found.is_some().then(|| name.clone()));
                    let value = found.unwrap_or_else(|| public::fallback(preference));
                    // A checkbox always has a value, and so has a dropdown with a choice.
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
            let overridden: Vec<_> = overridden
                .filter_map(|name| Some((name.to_string(), public::configured(&of_connection, name)?)))
                .collect();
            missing.retain(|name| !overridden.iter().any(|(known, _)| known == name));
            Ok(Preferences { values, set, missing, overridden, revisions: rows.revisions() })
        })
    }
}

/// Returns the fields of a row, which are empty without a row; `None` for a row that this program cannot have written.
pub(super) fn fields(row: &Option<PreferenceRow>) -> Option<Vec<(String, Value)>> {
    match row {
        Some(row) => record(&row.body),
        None => Some(Vec::new()),
    }
}

/// Checks a value and returns it in the form that is stored.
///
/// # Errors
///
/// The problem, as a clause that follows the name of the preference.
pub(crate) fn check(preference: &Preference, value: &Value) -> Result<Value, &'static str> {
    let value = plain_json::normalize(value)?;
    match (&preference.input, &value) {
        (PreferenceInput::Checkbox, Value::Bool(_)) => {}
        (PreferenceInput::Checkbox, _) => return Err("must be either true or false"),
        (PreferenceInput::Dropdown(choices), Value::Text(text)) if choices.iter().any(|(choice, _)| choice == text) => {
        }
        (PreferenceInput::Dropdown(_), _) => return Err("must be one of the declared choices"),
        // For the other inputs, the form of the input does not limit the values that programs store.
        _ => {}
    }
    Ok(value)
}
