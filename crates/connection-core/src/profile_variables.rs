//! The variables and arguments that point a tool at the directory of a profile.
//!
//! [`Profiles::apply_profile`](crate::Profiles::apply_profile) sets them for a tool on this machine. A program that
//! starts a tool elsewhere, such as in a container, sets them with the directory's path at that place.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use connection_contract::{EnvValue, ProfileSpec};

/// Returns the names of the variables that a profile sets or removes.
pub fn names(spec: &ProfileSpec) -> impl Iterator<Item = OsString> {
    std::iter::once(&spec.env_var)
        .chain(spec.extra_env.iter().map(|(name, _)| name))
        .map(|name| OsString::from(&**name))
}

/// Returns the arguments that accompany the variables of a profile.
pub fn arguments(spec: &ProfileSpec) -> Vec<OsString> {
    spec.extra_args.iter().map(|arg| OsString::from(&**arg)).collect()
}

/// Returns the variables that point a tool at a directory.
pub fn variables(spec: &ProfileSpec, directory: &Path) -> Vec<(OsString, OsString)> {
    let first = (OsString::from(&*spec.env_var), directory.as_os_str().to_owned());
    let more = spec.extra_env.iter().filter_map(|(name, value)| {
        let value = match value {
            EnvValue::Directory => directory.as_os_str(),
            EnvValue::Parent => directory.parent().map(Path::as_os_str)?,
            EnvValue::Text(text) => OsStr::new(&**text),
            _ => return None,
        };
        Some((OsString::from(&**name), value.to_owned()))
    });
    std::iter::once(first).chain(more).collect()
}
