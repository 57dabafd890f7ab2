//! The JSON shape of `run --dry-run`.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use connection_core::SpawnOptions;
use serde::Serialize;

use super::super::tool::Variables;

/// The shape of `run --dry-run`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunBody {
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    secret_env: Vec<String>,
    without: Vec<String>,
    cwd: Option<String>,
    profile: Option<String>,
    left_out: Vec<String>,
}

impl RunBody {
    pub(crate) fn of(argv: &[OsString], variables: &Variables, left_out: &[String], options: &SpawnOptions) -> Self {
        let text = |text: &OsStr| text.to_string_lossy().into_owned();
        Self {
            argv: argv.iter().map(|word| text(word)).collect(),
            env: variables.env.iter().map(|(name, value)| (text(name), text(value))).collect(),
            secret_env: variables.secrets.iter().map(|name| text(name)).collect(),
            without: variables.without.iter().map(|name| text(name)).collect(),
            cwd: options.cwd.as_ref().map(|path| text(path.as_os_str())),
            profile: options.profile().map(|(id, _)| id.to_string()),
            left_out: left_out.to_vec(),
        }
    }
}
