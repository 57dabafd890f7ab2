//! The rules for profiles, checked against the existing rows without a store or a disk.

use std::{
    ffi::OsStr,
    path::{Component, Path, PathBuf},
};

use connection_contract::{DisplayText, Kind, ProfileSpec};

use crate::{ProfileError, ProfileId, store::rows::ProfileRow};

/// Label of the first profile.
pub(crate) const FIRST_LABEL: &str = "Default";
/// Longer paths do not fit into an index.
const MAX_DIRECTORY_LENGTH: usize = 1024;
const MAX_SLOT_LENGTH: usize = 200;

/// Returns a directory as it is stored. It does not have to exist: the tool creates it, or a probe reports it as
/// missing.
pub(crate) fn directory(spec: &ProfileSpec, path: &Path) -> Result<String, ProfileError> {
    let normal = absolute(path)?;
    match &spec.dir_name {
        Some(wanted) if Path::new(&normal).file_name() != Some(OsStr::new(&**wanted)) => {
            Err(ProfileError::DirectoryName { path: display_path(path), wanted: wanted.to_string() })
        }
        _ => Ok(normal),
    }
}

fn wrong(path: &Path, problem: &str) -> Result<String, ProfileError> {
    Err(ProfileError::Directory { path: display_path(path), problem: problem.to_owned() })
}

/// Returns a path for an error message, shortened and without control characters.
fn display_path(path: &Path) -> String {
    DisplayText::from(path.to_string_lossy().into_owned()).to_string()
}

/// Checks an absolute path and returns it in its normalized spelling.
pub(crate) fn absolute(path: &Path) -> Result<String, ProfileError> {
    let wrong = |problem: &str| wrong(path, problem);
    let Some(text) = path.to_str() else { return wrong("has a name that is not Unicode") };
    if text.chars().any(char::is_control) {
        return wrong("has a NUL or another control character in it");
    }
    if !path.is_absolute() {
        return wrong("is not an absolute path");
    }
    if text.len() > MAX_DIRECTORY_LENGTH {
        return wrong("has more than 1,024 bytes");
    }
    // If the part before `..` is a link, the path names another directory than its text suggests.
    if path.components().any(|part| part == Component::ParentDir) {
        return wrong("has a '..' part");
    }
    let normal: PathBuf = path.components().collect();
    if normal.file_name().is_none() {
        return wrong("is the root of the file system");
    }
    Ok(normal.to_string_lossy().into_owned())
}

/// Returns a label as it is stored, or `None` if it is empty.
pub(crate) fn label(label: &str) -> Option<String> {
    Some(label.trim().to_owned()).filter(|label| !label.is_empty())
}

/// Checks the name of a slot. The host chooses it, so only names that cannot be seen or stored are rejected.
pub(crate) fn slot(slot: &str) -> Result<(), ProfileError> {
    if slot.is_empty() {
        return Err(ProfileError::Slot("is empty"));
    }
    if slot.chars().count() > MAX_SLOT_LENGTH {
        return Err(ProfileError::Slot("has more than 200 characters"));
    }
    if DisplayText::from(slot.to_owned()).as_str() != slot {
        return Err(ProfileError::Slot("has control characters or invisible ones"));
    }
    Ok(())
}

pub(crate) fn find(kind: &Kind, rows: &[ProfileRow], id: ProfileId) -> Result<ProfileRow, ProfileError> {
    let found = rows.iter().find(|row| row.id == id).cloned();
    found.ok_or_else(|| ProfileError::NotFound { kind: kind.clone(), id })
}

/// Checks that no other profile has the same label or directory.
pub(crate) fn is_free(kind: &Kind, rows: &[ProfileRow], wanted: &ProfileRow) -> Result<(), ProfileError> {
    for other in rows.iter().filter(|other| other.id != wanted.id) {
        if other.label == wanted.label {
            return Err(ProfileError::LabelTaken { kind: kind.clone(), label: wanted.label.clone() });
        }
        if other.directory == wanted.directory {
            return Err(ProfileError::DirectoryTaken {
                kind: kind.clone(),
                label: other.label.clone(),
                path: wanted.directory.clone(),
            });
        }
    }
    Ok(())
}

/// Checks that the profile is neither the last one nor the default.
pub(crate) fn check_removable(kind: &Kind, rows: &[ProfileRow], row: &ProfileRow) -> Result<(), ProfileError> {
    let kind = kind.clone();
    let label = row.label.clone();
    match (rows.len(), row.is_default) {
        (..=1, _) => Err(ProfileError::Last { kind, label }),
        (_, true) => Err(ProfileError::Default { kind, label }),
        _ => Ok(()),
    }
}
