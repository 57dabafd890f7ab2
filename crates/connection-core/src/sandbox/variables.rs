//! Which variables a container is given, and how: a secret is in no argument, so the engine hands it on from its own
//! environment; and what the engine itself reads there must stay what it was.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

use connection_contract::{DisplayText, Text};

use super::SandboxError;

/// The engine's own, or of the host alone: a path of the host means nothing in a container.
const OF_THE_HOST: &[&str] = &[
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
const OF_THE_ENGINE: &[&str] = &[
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

/// The kind's own, which are no secrets.
pub(super) fn public(env: &[(Text, Text)]) -> Result<BTreeMap<String, String>, SandboxError> {
    let mut public = BTreeMap::new();
    for (name, value) in env {
        checked(OsStr::new(&**name), OsStr::new(&**value))?;
        public.insert(name.to_string(), value.to_string());
    }
    Ok(public)
}

/// Those of the start that the kind does not set.
pub(super) fn handed_on(
    env: BTreeMap<OsString, OsString>,
    public: &BTreeMap<String, String>,
    left_out: &mut Vec<String>,
) -> Result<BTreeMap<String, OsString>, SandboxError> {
    let mut handed_on = BTreeMap::new();
    for (name, value) in env {
        let name = checked(&name, &value)?;
        if public.contains_key(&name) {
            continue;
        }
        if OF_THE_HOST.contains(&name.as_str()) || OF_THE_ENGINE.iter().any(|prefix| name.starts_with(prefix)) {
            left_out.push(format!("{name}: it is the host's own"));
            continue;
        }
        handed_on.insert(name, value);
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
