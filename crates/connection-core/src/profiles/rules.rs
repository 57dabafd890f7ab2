//! What a profile may be: rules over the rows that there are, without a store or a disk.

use std::{
    ffi::OsStr,
    path::{Component, Path, PathBuf},
};

use connection_contract::{DisplayText, Kind, ProfileSpec};

use super::ProfileError;
use crate::{ProfileId, store::rows::ProfileRow};

/// What the first profile is called.
pub(super) const FIRST_LABEL: &str = "Default";
/// Longer ones do not fit into an index.
const LONGEST_DIRECTORY: usize = 1024;
const LONGEST_SLOT: usize = 200;

/// A directory as it is stored. It need not be there: the tool makes it, or a probe tells that it is gone.
pub(super) fn directory(spec: &ProfileSpec, path: &Path) -> Result<String, ProfileError> {
    let normal = absolute(path)?;
    match &spec.dir_name {
        Some(wanted) if Path::new(&normal).file_name() != Some(OsStr::new(&**wanted)) => {
            Err(ProfileError::DirectoryName { path: shown(path), wanted: wanted.to_string() })
        }
        _ => Ok(normal),
    }
}

fn wrong(path: &Path, problem: &str) -> Result<String, ProfileError> {
    Err(ProfileError::Directory { path: shown(path), problem: problem.to_owned() })
}

/// As much of it as a person needs to know it again, and nothing that moves a terminal.
fn shown(path: &Path) -> String {
    DisplayText::from(path.to_string_lossy().into_owned()).to_string()
}

/// A path from the root on, in the one spelling of it.
pub(super) fn absolute(path: &Path) -> Result<String, ProfileError> {
    let wrong = |problem: &str| wrong(path, problem);
    let Some(text) = path.to_str() else { return wrong("has a name that is not Unicode") };
    if text.chars().any(char::is_control) {
        return wrong("has a NUL or another control character in it");
    }
    if !path.is_absolute() {
        return wrong("is not an absolute path");
    }
    if text.len() > LONGEST_DIRECTORY {
        return wrong("has more than 1,024 bytes");
    }
    // A link before it would make it another directory than the one that the text names.
    if path.components().any(|part| part == Component::ParentDir) {
        return wrong("has a '..' part");
    }
    let normal: PathBuf = path.components().collect();
    if normal.file_name().is_none() {
        return wrong("is the root of the file system");
    }
    Ok(normal.to_string_lossy().into_owned())
}

/// A label as it is stored.
pub(super) fn label(label: &str) -> Option<String> {
    Some(label.trim().to_owned()).filter(|label| !label.is_empty())
}

/// What is wrong with what a plugin says of its tool.
pub(crate) fn check(spec: Option<&ProfileSpec>) -> Result<(), String> {
    let Some(spec) = spec else { return Ok(()) };
    let names = std::iter::once(&spec.env_var).chain(spec.extra_env.iter().map(|(name, _)| name));
    for name in names {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(plain) {
            return Err(format!("the variable '{name}' of its profiles has no name that one can have"));
        }
    }
    match &spec.dir_name {
        Some(name) if Path::new(&**name).file_name() != Some(OsStr::new(&**name)) => {
            Err(format!("the name '{name}' of its profiles' directory is not one name"))
        }
        _ => Ok(()),
    }
}

/// The name of a slot: the host's own, so only what nobody could see or store is refused.
pub(super) fn slot(slot: &str) -> Result<(), ProfileError> {
    if slot.is_empty() {
        return Err(ProfileError::Slot("is empty"));
    }
    if slot.chars().count() > LONGEST_SLOT {
        return Err(ProfileError::Slot("has more than 200 characters"));
    }
    if DisplayText::from(slot.to_owned()).as_str() != slot {
        return Err(ProfileError::Slot("has control characters or invisible ones"));
    }
    Ok(())
}

/// The profile with this id.
pub(super) fn find(kind: &Kind, rows: &[ProfileRow], id: ProfileId) -> Result<ProfileRow, ProfileError> {
    let found = rows.iter().find(|row| row.id == id).cloned();
    found.ok_or_else(|| ProfileError::NotFound { kind: kind.clone(), id })
}

/// Whether no other profile has its label or directory.
pub(super) fn is_free(kind: &Kind, rows: &[ProfileRow], wanted: &ProfileRow) -> Result<(), ProfileError> {
    for other in rows.iter().filter(|other| other.id != wanted.id) {
        if other.label == wanted.label {
            return Err(ProfileError::LabelTaken { kind: kind.clone(), label: wanted.label.clone() });
        }
        if other.directory == wanted.directory {
            let (label, path) = (other.label.clone(), wanted.directory.clone());
            return Err(ProfileError::DirectoryTaken { kind: kind.clone(), label, path });
        }
    }
    Ok(())
}

/// Whether it may go, as far as the rows say.
pub(super) fn may_go(kind: &Kind, rows: &[ProfileRow], row: &ProfileRow) -> Result<(), ProfileError> {
    let (kind, label) = (kind.clone(), row.label.clone());
    match (rows.len(), row.is_default) {
        (..=1, _) => Err(ProfileError::Last { kind, label }),
        (_, true) => Err(ProfileError::Default { kind, label }),
        _ => Ok(()),
    }
}
