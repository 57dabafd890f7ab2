//! Backups of a database in a file, and the replacement of a database by one.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use connection_contract::encode;
use connection_seal::platform;

use super::{
    Reader, StoreError,
    rows::KeysetRow,
    sqlite::{self, Prepared, Replaced, Use, blocking, sibling_path},
};

/// The middle of the name of a copy that is not complete, before 16 hexadecimal digits.
const PARTIAL: &str = ".partial-";
/// The end of the name of the file that the process of such a copy has locked.
const LOCK: &str = ".lock";

/// A copy of a database that this program can use.
pub(crate) struct CheckedCopy {
    /// The number of its last migration.
    pub(crate) version: i64,
    pub(crate) keyset: KeysetRow,
    pub(crate) connections: u64,
}

impl From<sqlite::Checked> for CheckedCopy {
    fn from(sqlite::Checked { version, keyset, connections }: sqlite::Checked) -> Self {
        Self { version, keyset, connections }
    }
}

/// A copy of a backup that is prepared to take the place of a database.
pub(crate) struct StagedCopy {
    pub(crate) draft: PathBuf,
    pub(crate) checked: CheckedCopy,
    /// `true` if the database was moved to a server, or was being moved, when the backup was made.
    pub(crate) was_moved: bool,
}

/// Writes a backup to a file that does not exist, and returns when it is on the disk; `None` if the database is none of
/// this program. A crash leaves no file of that name, and perhaps one with `.partial-` in its name. Once `stopped` is
/// `true`, the copy ends with an error.
pub(crate) async fn back_up(
    database: &Path,
    to: &Path,
    stopped: &Arc<AtomicBool>,
) -> Result<Option<CheckedCopy>, StoreError> {
    let place = to.display().to_string();
    let mut unique = [0; 8];
    if aws_lc_rs::rand::fill(&mut unique).is_err() {
        return Err(StoreError::io(&io::ErrorKind::Unsupported.into(), place));
    }
    let partial = sibling_path(to, &format!("{PARTIAL}{}", encode::hex(&unique)));
    let (named, copy) = (to.to_owned(), partial.clone());
    let lock = blocking(place.clone(), move || {
        remove_abandoned(&named);
        lock_partial(&copy)
    });
    let lock = lock.await?;
    let written = async {
        sqlite::copy(database, &partial, Use::Database, Some(stopped)).await?;
        let Some(checked) = sqlite::check(&partial, &database.display().to_string()).await? else { return Ok(None) };
        if stopped.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        let (from, to) = (partial.clone(), to.to_owned());
        blocking(place, move || platform::move_file(&from, &to)).await?;
        Ok(Some(checked.into()))
    };
    let written = written.await;
    if !matches!(written, Ok(Some(_))) {
        remove_partial(&partial);
    }
    // A lock file that stays is removed by the next backup.
    fs::remove_file(sibling_path(&partial, LOCK)).unwrap_or_default();
    drop(lock);
    written
}

/// Creates and locks the file that shows that the process of a copy is running.
fn lock_partial(partial: &Path) -> io::Result<File> {
    let path = sibling_path(partial, LOCK);
    let lock = platform::open_private(&path)?;
    lock.try_lock()?;
    // Another backup may have removed it before it was locked.
    if platform::is_at(&lock, &path)? { Ok(lock) } else { Err(io::ErrorKind::WouldBlock.into()) }
}

/// Removes the copies that processes which are gone have left in the directory of a backup. The system has released
/// their locks. A copy that stays is never read.
fn remove_abandoned(to: &Path) {
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(partial) = name.to_str().and_then(|name| name.strip_suffix(LOCK)) else { continue };
        let is_unique = |unique: &str| unique.len() == 16 && unique.chars().all(|c| c.is_ascii_hexdigit());
        if !partial.rsplit_once(PARTIAL).is_some_and(|(_, unique)| is_unique(unique)) {
            continue;
        }
        let Ok(lock) = File::options().read(true).write(true).open(entry.path()) else { continue };
        if lock.try_lock().is_ok() {
            remove_partial(&directory.join(partial));
            fs::remove_file(entry.path()).unwrap_or_default();
        }
    }
}

/// Removes what may exist of a copy.
fn remove_partial(partial: &Path) {
    for suffix in ["", "-journal"] {
        fs::remove_file(sibling_path(partial, suffix)).unwrap_or_default();
    }
}

/// The replacement of a database in a file. While it exists, no process opens the database.
#[derive(Debug)]
pub(crate) struct Replacement {
    database: PathBuf,
    _lock: File,
}

/// A database that is about to be replaced, and that no other process has open.
pub(crate) struct ReplacedStore(Replaced);

impl ReplacedStore {
    pub(crate) fn reader(&mut self) -> &mut Reader {
        &mut self.0.reader
    }
}

impl Replacement {
    /// Waits until no process is opening the database.
    pub(crate) async fn begin(database: PathBuf) -> Result<Self, StoreError> {
        let file = database.clone();
        let lock = blocking(database.display().to_string(), move || {
            if let Some(parent) = file.parent() {
                platform::create_private_dir(parent)?;
            }
            sqlite::lock(&file)
        });
        Ok(Self { _lock: lock.await?, database })
    }

    /// Completes a replacement that was interrupted. Returns `false` if there is none, and the file that was replaced.
    pub(crate) async fn complete(&self) -> Result<Option<Option<PathBuf>>, StoreError> {
        let database = self.database.clone();
        let completed = self.blocking(move || Prepared::interrupted(&database)?.map(Prepared::put).transpose());
        completed.await
    }

    /// Copies a backup to the file that is returned, in which it is prepared. Returns `None` if the backup is no
    /// database of this program. The copy says nothing about a move of the database.
    pub(crate) async fn stage(&self, backup: &Path) -> Result<Option<StagedCopy>, StoreError> {
        let database = self.database.clone();
        self.blocking(move || sqlite::clear(&database)).await?;
        let draft = sqlite::draft(&self.database);
        sqlite::copy(backup, &draft, Use::Backup, None).await?;
        let place = backup.display().to_string();
        let Some(checked) = sqlite::check(&draft, &place).await? else { return Ok(None) };
        let was_moved = sqlite::forget_move(&draft, &place).await?;
        Ok(Some(StagedCopy { draft, checked: checked.into(), was_moved }))
    }

    /// Removes the copy that was prepared.
    pub(crate) async fn abandon(&self) {
        let database = self.database.clone();
        // A copy that stays is removed by the next replacement, and is never opened.
        self.blocking(move || sqlite::clear(&database)).await.unwrap_or_default();
    }

    /// Locks the database that is replaced, and reads it. Returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] if a process has the database open, and other errors if it cannot be read.
    pub(crate) async fn replaced(&self) -> Result<Option<ReplacedStore>, StoreError> {
        match self.database.exists() {
            true => Ok(Some(ReplacedStore(Replaced::open(&self.database).await?))),
            false => Ok(None),
        }
    }

    /// Puts the prepared copy in the place of the database. Returns the file that was replaced, if there is one; it and
    /// its log are left as they were. `stamp` is a part of its name.
    pub(crate) async fn put(
        self,
        stamp: String,
        replaced: Option<ReplacedStore>,
    ) -> Result<Option<PathBuf>, StoreError> {
        let held = match replaced {
            // An open file cannot be moved there.
            Some(ReplacedStore(replaced)) if cfg!(windows) => {
                replaced.close().await;
                None
            }
            replaced => replaced,
        };
        let database = self.database.clone();
        let put = self.blocking(move || {
            let draft = sqlite::draft(&database);
            let log = fs::metadata(sibling_path(&draft, "-wal"));
            if log.is_ok_and(|log| log.len() > 0) {
                return Err(io::Error::other("the prepared copy was not closed, so a part of it is in its log alone"));
            }
            for suffix in [".lock", "-shm", "-wal"] {
                match fs::remove_file(sibling_path(&draft, suffix)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            Prepared::of_draft(&database, &stamp)?.put()
        });
        let kept = put.await?;
        if let Some(ReplacedStore(replaced)) = held {
            replaced.close().await;
        }
        Ok(kept)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        blocking(self.database.display().to_string(), work).await
    }
}
