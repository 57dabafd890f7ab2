//! The variables of a container, and how they are passed.
//!
//! A secret is in no argument: the engine passes it on from its own environment. The variables that the engine
//! itself reads there must keep their values.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::Path,
};

use connection_contract::{DisplayText, ProfileSpec, Text};
use connection_core::{profile_variables, sandbox_rules};

use super::SandboxError;

/// Variables that concern only the host: a path of the host means nothing in a container.
const HOST_VARIABLES: &[&str] = &[
    "ALL_PROXY",
    "FTP_PROXY",
    "GODEBUG",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LOGNAME",
    "NO_PROXY",
    "OLDPWD",
    "PATH",
    "PWD",
    "REGISTRY_AUTH_FILE",
    "SHELL",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USER",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];
const ENGINE_VARIABLES: &[&str] = &[
    "BUILDAH_",
    "BUILDKIT_",
    "CONTAINER",
    "DBUS_",
    "DOCKER_",
    "LD_",
    "NOTIFY_SOCKET",
    "PODMAN_",
    "STORAGE_",
    "XDG_",
    "_",
];

/// Returns the variables that the kind sets, which are not secret.
pub(super) fn public(env: &[(Text, Text)]) -> BTreeMap<String, String> {
    env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// Sets the variables that point the tool at the profile's directory in the container. A name that the engine itself
/// reads is passed as an argument with its value, since a path is not a secret.
///
/// A variable that the kind sets has the same value there: the registry has checked that.
pub(super) fn of_profile(
    profiles: &ProfileSpec,
    inside: &str,
    env: &mut BTreeMap<OsString, OsString>,
    public: &mut BTreeMap<String, String>,
) {
    for (name, value) in profile_variables::variables(profiles, Path::new(inside)) {
        let text = name.to_string_lossy();
        if public.contains_key(&*text) {
            continue;
        }
        if is_of_the_host(&text) {
            public.insert(text.into_owned(), value.to_string_lossy().into_owned());
        } else {
            env.insert(name, value);
        }
    }
}

fn is_of_the_host(name: &str) -> bool {
    HOST_VARIABLES.contains(&name) || ENGINE_VARIABLES.iter().any(|prefix| name.starts_with(prefix))
}

/// Returns the variables of the start that the kind does not set.
pub(super) fn passed_variables(
    env: BTreeMap<OsString, OsString>,
    public: &BTreeMap<String, String>,
    left_out: &mut Vec<String>,
) -> Result<BTreeMap<String, OsString>, SandboxError> {
    let mut handed_on = BTreeMap::new();
    for (name, value) in env {
        let name = checked(&name, &value)?;
        if public.contains_key(&name) {
            left_out.push(format!("{name}: the kind sets its own value for it"));
        } else if is_of_the_host(&name) {
            left_out.push(format!("{name}: it belongs to the host"));
        } else {
            handed_on.insert(name, value);
        }
    }
    Ok(handed_on)
}

fn checked(name: &OsStr, value: &OsStr) -> Result<String, SandboxError> {
    let text = name.to_string_lossy();
    match sandbox_rules::check_variable(name, value) {
        Ok(()) => Ok(text.into_owned()),
        Err(problem) => {
            let name = DisplayText::from(text.into_owned()).to_string();
            Err(SandboxError::Variable { name, problem })
        }
    }
}
