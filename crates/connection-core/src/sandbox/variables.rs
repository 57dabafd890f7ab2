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

use crate::{SandboxError, profiles};

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
pub(super) fn public(env: &[(Text, Text)]) -> Result<BTreeMap<String, String>, SandboxError> {
    let mut public = BTreeMap::new();
    for (name, value) in env {
        checked(OsStr::new(&**name), OsStr::new(&**value))?;
        public.insert(name.to_string(), value.to_string());
    }
    Ok(public)
}

/// Sets the variables that point the tool at the profile's directory in the container. The variables of the kind,
/// which take precedence, must not point elsewhere. A name that the engine itself reads is passed as an argument
/// with its value, since a path is not a secret.
pub(super) fn of_profile(
    profiles: &ProfileSpec,
    inside: &str,
    env: &mut BTreeMap<OsString, OsString>,
    public: &mut BTreeMap<String, String>,
) -> Result<(), SandboxError> {
    for (name, value) in profiles::variables(profiles, Path::new(inside)) {
        let text = checked(&name, &value)?;
        match public.get(&text) {
            Some(of_kind) if OsStr::new(of_kind) == value => {}
            Some(_) => {
                let problem = "the kind gives it another value there than the profile";
                return Err(SandboxError::Variable { name: text, problem });
            }
            None if is_of_the_host(&text) => drop(public.insert(text, value.to_string_lossy().into_owned())),
            None => drop(env.insert(name, value)),
        }
    }
    Ok(())
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
    let wrong = |problem| {
        let name = DisplayText::from(name.to_string_lossy().into_owned()).to_string();
        Err(SandboxError::Variable { name, problem })
    };
    let Some(text) = name.to_str() else { return wrong("its name is not Unicode") };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) || !text.chars().all(plain) {
        return wrong("its name is not one of letters, digits and underscores");
    }
    if value.as_encoded_bytes().contains(&0) {
        return wrong("its value has a zero byte");
    }
    Ok(text.to_owned())
}
