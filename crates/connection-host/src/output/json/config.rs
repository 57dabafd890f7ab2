//! The shape of `config`.

use serde::Serialize;

use crate::config::{EffectiveValue, Origin, Settings};

#[derive(Debug, Serialize)]
pub(crate) struct ConfigBody {
    /// The configuration file, if it exists.
    file: Option<String>,
    values: Vec<ConfigValueBody>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigValueBody {
    key: String,
    value: Option<String>,
    is_secret: bool,
    from: &'static str,
    place: Option<String>,
}

impl From<&Settings> for ConfigBody {
    fn from(settings: &Settings) -> Self {
        let file = settings.configuration_file().filter(|file| file.exists()).map(|file| file.display().to_string());
        Self { file, values: settings.effective().into_iter().map(ConfigValueBody::from).collect() }
    }
}

impl From<EffectiveValue> for ConfigValueBody {
    fn from(EffectiveValue { key, value, is_secret, origin }: EffectiveValue) -> Self {
        let (from, place) = match origin {
            Origin::Default => ("default", None),
            Origin::File(file) => ("file", Some(file)),
            Origin::Option(option) => ("option", Some(option.to_owned())),
            Origin::Variable(variable) => ("environment", Some(variable)),
        };
        Self { key, value, is_secret, from, place }
    }
}
