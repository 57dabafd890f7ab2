//! Replaces a database file by a copy, so that a crash at any moment leaves a state that is recognized.
//!
//! ```text
//! NAME.restore-draft        a copy that is being prepared, and is never opened as the database
//! NAME.restore-draft-source a copy of a backup with its log, from which the draft is made
//! NAME.restoring-STAMP      the prepared copy: the replacement has begun
//! NAME.replaced-STAMP       the replaced file; its log and index have the same name with `-wal` and `-shm`
//! ```
//!
//! The replaced file is moved first, then its log and its index, and then the prepared copy takes the name. While the
//! prepared copy exists and the database does not, nothing is opened: the restore is completed first. A prepared copy
//! beside a database belongs to a restore that had not replaced anything.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use connection_seal::platform;

use super::own_pool::sibling_path;

const DRAFT: &str = ".restore-draft";
/// The end of the name of a copy of the backup itself, beside the draft.
pub(super) const SOURCE: &str = "-source";
const READY: &str = ".restoring-";
const KEPT: &str = ".replaced-";
/// The file of a database, its log and its index.
const FILES: [&str; 3] = ["", "-wal", "-shm"];
/// The ends of the names beside a database under which this program and SQLite keep other things.
const BESIDE: [&str; 5] = ["-wal", "-shm", "-journal", ".lock", ".state"];

/// A copy that is to take the place of a database.
#[derive(Debug)]
pub(in super::super) struct Prepared {
    database: PathBuf,
    copy: PathBuf,
    stamp: String,
}

impl Prepared {
    /// Returns the copy of a restore that was interrupted while it replaced the database.
    pub(in super::super) fn interrupted(database: &Path) -> io::Result<Option<Self>> {
        if database.try_exists()? {
            return Ok(None);
        }
        Ok(all(database)?.into_iter().next())
    }

    /// Makes the draft the prepared copy. Its name and that of what it replaces begin with `stamp`.
    pub(in super::super) fn of_draft(database: &Path, stamp: &str) -> io::Result<Self> {
        let mut stamp = stamp.to_owned();
        // A database that was replaced in the same second stays.
        while sibling_path(database, &format!("{KEPT}{stamp}")).try_exists()? {
            stamp.push('x');
        }
        let copy = sibling_path(database, &format!("{READY}{stamp}"));
        platform::move_file(&draft(database), &copy)?;
        Ok(Self { database: database.to_owned(), copy, stamp })
    }

    /// Moves the database aside and puts the copy in its place. Returns the file that was replaced, if there is one.
    pub(in super::super) fn put(self) -> io::Result<Option<PathBuf>> {
        let kept = sibling_path(&self.database, &format!("{KEPT}{}", self.stamp));
        for suffix in FILES {
            let file = sibling_path(&self.database, suffix);
            if file.try_exists()? {
                platform::move_file(&file, &sibling_path(&kept, suffix))?;
            }
        }
        platform::move_file(&self.copy, &self.database)?;
        Ok(kept.try_exists()?.then_some(kept))
    }
}

/// Returns the file in which a copy is prepared.
pub(in super::super) fn draft(database: &Path) -> PathBuf {
    sibling_path(database, DRAFT)
}

/// Removes a prepared copy beside a database, which becomes outdated as soon as the database is used. The caller holds the
/// lock file, so no restore is in progress.
pub(super) fn forget_unused(database: &Path) -> io::Result<()> {
    if all(database)?.is_empty() { Ok(()) } else { clear(database) }
}

/// Removes what earlier restores left behind that had not replaced anything.
pub(in super::super) fn clear(database: &Path) -> io::Result<()> {
    let copies = all(database)?.into_iter().map(|prepared| prepared.copy);
    let draft = draft(database);
    for copy in copies.chain([sibling_path(&draft, SOURCE), draft]) {
        for suffix in ["", "-wal", "-shm", "-journal", ".lock"] {
            match fs::remove_file(sibling_path(&copy, suffix)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Returns `true` for the name of a log, an index, a journal or a lock of a database, of its state directory, or of a
/// file of its restores. A file there would be deleted, or be taken for a part of the database. Links are followed.
pub(crate) fn is_name_of_database(path: &Path, database: &Path) -> bool {
    let name_of = |path: &Path| Some(path.file_name()?.to_string_lossy().to_lowercase());
    let directory_of = |path: &Path| parent(path).canonicalize().ok();
    let (Some(name), Some(directory)) = (name_of(path), directory_of(path)) else { return false };
    [Some(database.to_owned()), database.canonicalize().ok()].into_iter().flatten().any(|database| {
        let end = name_of(&database).and_then(|database| name.strip_prefix(&*database).map(str::to_owned));
        directory_of(&database).as_ref() == Some(&directory)
            && end.is_some_and(|end| {
                BESIDE.contains(&&*end) || [DRAFT, READY, KEPT].iter().any(|beginning| end.starts_with(beginning))
            })
    })
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the prepared copies beside a database.
fn all(database: &Path) -> io::Result<Vec<Prepared>> {
    let parent = parent(database);
    let prefix = format!("{}{READY}", database.file_name().unwrap_or_default().to_string_lossy());
    let entries = match fs::read_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        // The stamp has digits and letters alone, so the files beside a copy are no copies.
        let stamp = name.to_str().and_then(|name| name.strip_prefix(&prefix));
        if let Some(stamp) = stamp.filter(|stamp| stamp.chars().all(|c| c.is_ascii_alphanumeric())) {
            let copy = parent.join(&name);
            found.push(Prepared { database: database.to_owned(), copy, stamp: stamp.to_owned() });
        }
    }
    Ok(found)
}
