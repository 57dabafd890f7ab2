//! The state directory of a node: its running processes, and the answers that could not be written elsewhere.
//!
//! ```text
//! node                          the node's id, made once
//! lock                          held for a moment by a process that opens the directory
//! process-STORE-PROCESS.lock    held by a process or a courier for as long as it lives; the kernel frees it. It has the
//!                               number of the process
//! answers-STORE-PROCESS.places  room for the sealed answers of a process, see `places`
//! answer-STORE-KEY.rescue       a sealed answer for which there was no place
//! ```
//!
//! A free lock file proves that its process has ended and sends nothing. A missing lock file proves nothing. Two nodes
//! must not share one directory.
//!
//! The slots of a process that has ended are read until each answer in them is recorded. Then the next process that
//! opens the directory takes over the file, so that it has slots even if the disk is full. Surplus files are removed, and
//! those of couriers, which have one slot. A lock file stays as long as the slots of its process.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::rand;
use connection_contract::encode;

use super::{
    ExchangeKey, HeldHere,
    answer_slots::{self, AnswerSlot, AnswerSlots, Content, of_unreadable},
};
use connection_seal::platform::{self, Unreadable};

const NODE_LEN: usize = 16;
const MAX_NODE: u64 = 64;
/// Maximum length of an answer in a file, in bytes. No sealed answer is longer.
const MAX_RESCUE: u64 = 20 << 20;
const RESCUE: &str = ".rescue";
const LOCK: &str = ".lock";
const SLOTS: &str = ".places";
/// The beginning of the names of couriers among those of processes.
pub(super) const COURIER: &str = "courier-";

/// The state directory of this node, with the lock of this process.
#[derive(Debug)]
pub(crate) struct StateDirectory {
    path: PathBuf,
    node: String,
    /// The tag of the store, because several stores may share one directory.
    store: String,
    /// The slots of this process, or the reason why there are none.
    places: Result<AnswerSlots, String>,
    _alive: File,
}

/// The location of an answer in the directory.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A file that holds this answer alone.
    File(ExchangeKey),
    /// A slot of some process.
    Slot(AnswerSlot),
}

/// Those who are running on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Users {
    None,
    /// Couriers that outlived their callers, and no process.
    Couriers,
    Processes,
}

#[derive(Debug)]
pub(super) enum StoredAnswer {
    Whole(Vec<u8>),
    /// The content exists but cannot be trusted, for this reason.
    Damaged(String),
}

/// A state directory that was opened and not tidied yet.
#[derive(Debug)]
pub(crate) struct Opened {
    directory: StateDirectory,
    /// The processes that had ended when the directory was opened. They record nothing any longer.
    gone: Vec<String>,
}

impl Opened {
    /// Removes the lock files of processes that have ended, except those `named` by an exchange.
    ///
    /// The names must be read after [`open`](StateDirectory::open). Otherwise they could lack a process that recorded
    /// an exchange and died in between. The directory is not locked meanwhile, because the store may answer late; other
    /// processes may remove the same files.
    ///
    /// Blocks: call it on a thread that may block.
    pub(crate) fn tidy(self, named: &[String]) -> io::Result<StateDirectory> {
        for process in self.gone.iter().filter(|gone| !named.contains(gone)) {
            // The lock file of a process with slots must stay, because it proves that the process has ended.
            if !self.directory.places_of(process).try_exists()? {
                remove(&self.directory.lock_of(process))?;
            }
        }
        Ok(self.directory)
    }
}

impl StateDirectory {
    /// Opens the directory, and creates what does not exist yet. Afterwards, it is to be [tidied](Opened::tidy).
    ///
    /// Blocks: call it on a thread that may block.
    pub(crate) fn open(path: PathBuf, store: String, process: &str) -> io::Result<Opened> {
        platform::create_private_dir(&path)?;
        let _alone = platform::lock_file(&path.join("lock"))?;
        let node = match read_node(&path)? {
            Some(node) => node,
            None => {
                let mut id = [0; NODE_LEN];
                rand::fill(&mut id).map_err(|_| io::Error::from(io::ErrorKind::Unsupported))?;
                platform::write_new_private(&path.join("node"), encode::hex(&id).as_bytes())?;
                read_node(&path)?.ok_or(io::ErrorKind::NotFound)?
            }
        };
        let prefix = format!("process-{store}-");
        let mut gone = Vec::new();
        let mut running = 0;
        let names = names(&path)?;
        for name in &names {
            let Some(other) = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(LOCK)) else { continue };
            match is_free(&path.join(name))? {
                true => gone.push(other.to_owned()),
                false => running += 1,
            }
        }
        let alive = platform::lock_file(&path.join(format!("{prefix}{process}{LOCK}")))?;
        // The number is for messages, so a full disk does not matter.
        (&alive).write_all(std::process::id().to_string().as_bytes()).unwrap_or_default();
        let places = Err("the places were not created yet".to_owned());
        let mut directory = Self { path, node, store, places, _alive: alive };
        directory.remove_drafts(&names, running == 0)?;
        directory.places = directory.take_slots(process, &gone).map_err(|error| error.to_string());
        Ok(Opened { directory, gone })
    }

    /// Removes the drafts among `names` that a kill has left, while the directory is locked. `is_alone` says that no other
    /// process of the store is running.
    fn remove_drafts(&self, names: &[String], is_alone: bool) -> io::Result<()> {
        for name in names {
            let Some((file, _)) = name.split_once(".new-") else { continue };
            let slots = file.strip_prefix(&format!("answers-{}-", self.store));
            let is_left = match slots.and_then(|rest| rest.strip_suffix(SLOTS)) {
                // The lock of a process or a courier is held before its slots are made.
                Some(process) => !is_held(&self.lock_of(process))?,
                None if file.starts_with(&format!("answer-{}-", self.store)) => is_alone,
                // The node's id is made while the directory is locked.
                None => file == "node",
            };
            if is_left {
                remove(&self.path.join(name))?;
            }
        }
        Ok(())
    }

    /// Takes over the empty slots of a process that has ended, or creates new ones. Other empty files of ended
    /// processes are removed.
    fn take_slots(&self, process: &str, gone: &[String]) -> io::Result<AnswerSlots> {
        let own = self.places_of(process);
        let mut taken = None;
        for process in gone {
            let path = self.places_of(process);
            match path.try_exists()? && answer_slots::read_slots(&path).is_ok_and(|found| found.is_empty()) {
                true if taken.is_none() && !process.starts_with(COURIER) => {
                    taken = Some(AnswerSlots::take_over(&path, own.clone())?)
                }
                true => fs::remove_file(&path)?,
                false => {}
            }
        }
        taken.map_or_else(|| AnswerSlots::make(own, answer_slots::SLOTS), Ok)
    }

    /// Returns who of the store with this tag is running on the node of this directory; without a tag, of any store.
    ///
    /// Blocks for a moment.
    pub(crate) fn users(path: &Path, store: Option<&str>) -> io::Result<Users> {
        let mut users = Users::None;
        let prefix = store.map_or_else(|| "process-".to_owned(), |store| format!("process-{store}-"));
        let is_lock = |name: &&String| name.starts_with(&prefix) && name.ends_with(LOCK);
        for name in names(path)?.iter().filter(is_lock) {
            if is_held(&path.join(name))? {
                match name.contains(COURIER) {
                    true => users = Users::Couriers,
                    false => return Ok(Users::Processes),
                }
            }
        }
        Ok(users)
    }

    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only a file is compared with its backup"))]
    /// Returns everything that the directory keeps for the store with this tag.
    ///
    /// # Errors
    ///
    /// An error if there may be an answer that cannot be read.
    pub(super) fn contents(path: &Path, store: &str) -> io::Result<Vec<Content>> {
        let mut contents = Vec::new();
        for name in names(path)? {
            let file = path.join(&name);
            if name.starts_with(&format!("answer-{store}-")) && name.ends_with(RESCUE) {
                let bytes = platform::read_private(&file, MAX_RESCUE).map_err(of_unreadable)?;
                contents.extend(bytes.map(Content::Whole));
            } else if name.starts_with(&format!("answers-{store}-")) && name.ends_with(SLOTS) {
                let found = answer_slots::read_slots(&file)?;
                contents.extend(found.unreadable.iter().map(|_| Content::Damaged));
                for slot in found.occupied {
                    contents.push(slot.read()?);
                }
            }
        }
        Ok(contents)
    }

    /// Returns why this process has no slots for its answers, if it has none.
    pub(crate) fn missing_slots_reason(&self) -> Option<&str> {
        self.places.as_ref().err().map(String::as_str)
    }

    /// Returns the path of the directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn places_of(&self, process: &str) -> PathBuf {
        self.path.join(format!("answers-{}-{process}{SLOTS}", self.store))
    }

    fn lock_of(&self, process: &str) -> PathBuf {
        self.path.join(format!("process-{}-{process}{LOCK}", self.store))
    }

    /// Returns the node's id.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Returns `true` if a process of this node has certainly ended.
    ///
    /// Blocks for a moment.
    pub(super) fn is_gone(&self, process: &str) -> io::Result<bool> {
        // If the directory was emptied, the lock files of running processes were deleted, too.
        if read_node(&self.path)?.as_ref() != Some(&self.node) {
            return Ok(false);
        }
        is_free(&self.lock_of(process))
    }

    /// Returns `true` if a process or courier of this node is running.
    pub(super) fn is_running(&self, process: &str) -> io::Result<bool> {
        is_held(&self.lock_of(process))
    }

    /// Returns the process or courier with this name if it is running on this node.
    pub(super) fn held(&self, process: &str) -> io::Result<Option<HeldHere>> {
        let lock = self.lock_of(process);
        let held = || HeldHere { process: fs::read_to_string(&lock).ok().and_then(|noted| noted.trim().parse().ok()) };
        Ok(is_held(&lock)?.then(held))
    }

    /// Notes the number of the process of a courier in its lock file.
    pub(super) fn note_process(&self, courier: &str, process: u32) -> io::Result<()> {
        File::options().write(true).open(self.lock_of(courier))?.write_all(process.to_string().as_bytes())
    }

    /// Makes the files of a courier: its lock, which is held, and its slot.
    pub(super) fn make_courier(&self, name: &str) -> io::Result<(File, File)> {
        // The file is locked before it has its name, so that nobody finds it free. A kill leaves a lock of a gone process.
        let draft = self.lock_of(&format!("{name}.new"));
        let lock = platform::lock_file(&draft)?;
        fs::rename(&draft, self.lock_of(name))?;
        Ok((lock, answer_slots::make_one(self.places_of(name))?))
    }

    /// Removes the files of a courier whose attempt is recorded. The lock file, which proves its end, is the last.
    pub(super) fn remove_courier(&self, name: &str) -> io::Result<()> {
        // On a full disk, there is no slot.
        remove(&self.places_of(name))?;
        remove(&self.lock_of(name))
    }

    /// Keeps an answer, whole or not at all, and returns when it is on the disk: in a slot of this process, or in a
    /// separate file if no slot is free or the answer is too long.
    pub(super) fn keep(&self, key: ExchangeKey, bytes: &[u8]) -> io::Result<()> {
        if let Ok(places) = &self.places {
            match places.keep(key, bytes) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "an answer is kept in a separate file, because its reserved place cannot \
                                            be used")
                }
            }
        }
        platform::replace_private(&self.rescue(key), bytes)
    }

    /// Forgets an answer that this process kept.
    pub(super) fn forget_own(&self, key: ExchangeKey) -> io::Result<()> {
        let freed = self.places.as_ref().map_or(Ok(()), |places| places.forget(key));
        self.forget(&Source::File(key)).and(freed)
    }

    /// Forgets the answer of a source.
    pub(super) fn forget(&self, source: &Source) -> io::Result<()> {
        match (source, &self.places) {
            (Source::File(key), _) => remove(&self.rescue(*key)),
            (Source::Slot(place), Ok(own)) if place.path == own.path() => own.forget_found(place),
            (Source::Slot(place), _) => place.mark(),
        }
    }

    /// Returns `true` if a source still holds the answer that was found in it.
    pub(super) fn still_holds(&self, source: &Source) -> io::Result<bool> {
        match source {
            Source::File(key) => self.rescue(*key).try_exists(),
            Source::Slot(place) => place.is_there(),
        }
    }

    /// Returns what this node keeps for one exchange.
    ///
    /// # Errors
    ///
    /// An error if there may be an answer that cannot be read now.
    pub(super) fn stored_for(&self, key: ExchangeKey) -> io::Result<Vec<(Source, StoredAnswer)>> {
        let mut kept = Vec::new();
        match platform::read_private(&self.rescue(key), MAX_RESCUE) {
            Ok(None) => {}
            Ok(Some(bytes)) => kept.push((Source::File(key), StoredAnswer::Whole(bytes))),
            Err(Unreadable::Exposed(exposed)) => {
                kept.push((Source::File(key), StoredAnswer::Damaged(exposed.to_string())))
            }
            Err(Unreadable::Io(error)) => return Err(error),
        }
        for path in self.all_places()? {
            for place in answer_slots::read_slots(&path)?.occupied.into_iter().filter(|place| place.key == key) {
                let content = match place.read()? {
                    Content::Gone => continue,
                    Content::Whole(bytes) => StoredAnswer::Whole(bytes),
                    Content::Damaged => StoredAnswer::Damaged("its content is not what was written there".to_owned()),
                };
                kept.push((Source::Slot(place), content));
            }
        }
        Ok(kept)
    }

    /// Returns the exchanges of this store for which this node keeps an answer. Slots that cannot be read are logged.
    pub(super) fn all_stored(&self) -> io::Result<Vec<ExchangeKey>> {
        let prefix = format!("answer-{}-", self.store);
        let key = |name: &String| {
            let hex = name.strip_prefix(&prefix)?.strip_suffix(RESCUE)?;
            Some(ExchangeKey::from_bytes(encode::from_hex(hex)?.try_into().ok()?))
        };
        let mut keys: Vec<_> = names(&self.path)?.iter().filter_map(key).collect();
        for path in self.all_places()? {
            let found = answer_slots::read_slots(&path)?;
            for place in found.unreadable {
                let file = path.display().to_string();
                tracing::warn!(file, place, "a reserved place for an answer cannot be read and is left as it is");
            }
            for place in found.occupied {
                if !keys.contains(&place.key) {
                    keys.push(place.key);
                }
            }
        }
        Ok(keys)
    }

    fn all_places(&self) -> io::Result<Vec<PathBuf>> {
        let prefix = format!("answers-{}-", self.store);
        let is_places = |name: &String| name.starts_with(&prefix) && name.ends_with(SLOTS);
        Ok(names(&self.path)?.iter().filter(|name| is_places(name)).map(|name| self.path.join(name)).collect())
    }

    /// Returns the name of a source for messages.
    pub(super) fn name_of(&self, source: &Source) -> String {
        match source {
            Source::File(key) => self.rescue(*key).display().to_string(),
            Source::Slot(place) => format!("{}, place {}", place.path.display(), place.index),
        }
    }

    fn rescue(&self, key: ExchangeKey) -> PathBuf {
        self.path.join(format!("answer-{}-{}{RESCUE}", self.store, key.to_hex()))
    }
}

/// Removes a file if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn names(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

fn read_node(path: &Path) -> io::Result<Option<String>> {
    let bytes = match platform::read_private(&path.join("node"), MAX_NODE) {
        Ok(bytes) => bytes,
        Err(unreadable) => return Err(of_unreadable(unreadable)),
    };
    let node = bytes.map(|bytes| String::from_utf8(bytes).unwrap_or_default());
    match node {
        Some(node) if encode::from_hex(&node).is_none_or(|id| id.len() != NODE_LEN) => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the file 'node' was not written by this program"))
        }
        node => Ok(node),
    }
}

/// Returns `true` if a process holds a lock file. One that has just ended may have been tidied away.
fn is_held(path: &Path) -> io::Result<bool> {
    Ok(!is_free(path)? && path.try_exists()?)
}

/// Returns `true` if a lock file exists and no process holds it.
fn is_free(path: &Path) -> io::Result<bool> {
    let file = match File::options().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        Ok(file) => file,
    };
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
