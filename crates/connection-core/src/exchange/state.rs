//! The directory of a node: who is alive on it, and what could not be written elsewhere.
//!
//! ```text
//! node                          the node's id, made once
//! lock                          held while the directory is put in order
//! process-STORE-PROCESS.lock    held by a process for as long as it lives; the kernel frees it
//! answer-STORE-KEY.rescue       a sealed answer
//! ```
//!
//! A lock file that is free proves that its process sends nothing any more; one that is missing proves nothing. Two nodes
//! must not share one directory, unless its file system carries locks between them.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::PathBuf,
};

use aws_lc_rs::rand;
use connection_contract::encode;

use super::ExchangeKey;
use crate::platform::{self, Unreadable};

const NODE_LEN: usize = 16;
const LONGEST_NODE: u64 = 64;
/// Longer than any sealed answer.
const LONGEST_RESCUE: u64 = 20 << 20;
const RESCUE: &str = ".rescue";
const LOCK: &str = ".lock";

/// The directory of this node, with the lock of this process.
#[derive(Debug)]
pub(crate) struct StateDirectory {
    path: PathBuf,
    node: String,
    /// Tells the stores apart that have one directory.
    store: String,
    _alive: File,
}

/// One that no other process puts in order meanwhile.
#[derive(Debug)]
pub(crate) struct Opened {
    directory: StateDirectory,
    /// Processes that were gone when it was opened: these note nothing any more.
    gone: Vec<String>,
    _alone: File,
}

impl Opened {
    /// Removes the lock files of processes that are gone, but for those `named` by an exchange: read behind
    /// [`open`](StateDirectory::open), or one could be missing that was noted by a process which died in between.
    ///
    /// Blocks: call it on a thread that may wait.
    pub(crate) fn tidy(self, named: &[String]) -> io::Result<StateDirectory> {
        for process in self.gone.iter().filter(|gone| !named.contains(gone)) {
            fs::remove_file(self.directory.lock_of(process))?;
        }
        Ok(self.directory)
    }
}

impl StateDirectory {
    /// Opens it, and makes what is not there yet. It stays locked until it is put in [order](Opened::tidy).
    ///
    /// Blocks: call it on a thread that may wait.
    pub(crate) fn open(path: PathBuf, store: String, process: &str) -> io::Result<Opened> {
        platform::create_private_dir(&path)?;
        let alone = platform::lock_file(&path.join("lock"))?;
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
        for name in names(&path)? {
            let other = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(LOCK));
            if let Some(other) = other
                && is_free(&path.join(&name))?
            {
                gone.push(other.to_owned());
            }
        }
        let alive = platform::open_private(&path.join(format!("{prefix}{process}{LOCK}")))?;
        alive.lock()?;
        Ok(Opened { directory: Self { path, node, store, _alive: alive }, gone, _alone: alone })
    }

    fn lock_of(&self, process: &str) -> PathBuf {
        self.path.join(format!("process-{}-{process}{LOCK}", self.store))
    }

    /// The node's id.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Whether a process of this node is gone for sure.
    ///
    /// Blocks for a moment.
    pub(super) fn is_gone(&self, process: &str) -> io::Result<bool> {
        // Whoever emptied the directory has taken the lock files of the living with it.
        if read_node(&self.path)?.as_ref() != Some(&self.node) {
            return Ok(false);
        }
        is_free(&self.lock_of(process))
    }

    /// Writes an answer, whole or not at all, and returns when it is on the disk.
    pub(super) fn write_rescue(&self, key: ExchangeKey, bytes: &[u8]) -> io::Result<()> {
        platform::replace_private(&self.rescue(key), bytes)
    }

    pub(super) fn read_rescue(&self, key: ExchangeKey) -> Result<Option<Vec<u8>>, Unreadable> {
        platform::read_private(&self.rescue(key), LONGEST_RESCUE)
    }

    pub(super) fn remove_rescue(&self, key: ExchangeKey) -> io::Result<()> {
        match fs::remove_file(self.rescue(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Of which exchanges of this store there are answers.
    pub(super) fn rescued(&self) -> io::Result<Vec<ExchangeKey>> {
        let prefix = format!("answer-{}-", self.store);
        let key = |name: &String| {
            let hex = name.strip_prefix(&prefix)?.strip_suffix(RESCUE)?;
            Some(ExchangeKey::from_bytes(encode::from_hex(hex)?.try_into().ok()?))
        };
        Ok(names(&self.path)?.iter().filter_map(key).collect())
    }

    /// For messages.
    pub(super) fn rescue(&self, key: ExchangeKey) -> PathBuf {
        self.path.join(format!("answer-{}-{}{RESCUE}", self.store, key.to_hex()))
    }
}

fn names(path: &PathBuf) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

fn read_node(path: &std::path::Path) -> io::Result<Option<String>> {
    let bytes = match platform::read_private(&path.join("node"), LONGEST_NODE) {
        Ok(bytes) => bytes,
        Err(Unreadable::Io(error)) => return Err(error),
        Err(Unreadable::Exposed(exposed)) => return Err(io::Error::new(io::ErrorKind::PermissionDenied, exposed)),
    };
    let node = bytes.map(|bytes| String::from_utf8(bytes).unwrap_or_default());
    match node {
        Some(node) if encode::from_hex(&node).is_none_or(|id| id.len() != NODE_LEN) => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the file node is not one that this program writes"))
        }
        node => Ok(node),
    }
}

/// Whether a lock file is there and nobody holds it.
fn is_free(path: &std::path::Path) -> io::Result<bool> {
    let file = match File::options().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
