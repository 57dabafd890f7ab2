//! Answer slots: space on the disk for the answers of a process. It is reserved when the registry is opened, so that an
//! answer can be kept even if the disk is full later.
//!
//! ```text
//! 16 records of 512 bytes | 16 marks of 512 bytes | 16 contents of 32 KiB
//! record: "CNXP" 4 | version, 1, in 1 | nonce 16 | key of the exchange 32 | length 4
//!         | SHA-256 of the content 32 | SHA-256 of the record up to here 32
//! mark:   the nonce of a record 16
//! ```
//!
//! A slot is occupied if it has a record and its mark is not the nonce of that record. The process that owns the file
//! writes the content, waits for the disk, then writes the record, and waits again. A process that is killed before it
//! writes the record has therefore kept nothing, and a record whose content does not match was damaged later. Other
//! processes write only the mark. A mark names one record, so a process that writes it late does not free a newer
//! answer.
//!
//! The contents are initialized with random bytes, so that no file system stores them as a hole. On a file system that
//! copies data when it is overwritten (Btrfs, ZFS), even these slots need free space.

#[cfg(test)]
mod tests;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::{digest, rand};

use super::ExchangeKey;
use connection_seal::platform::{self, Unreadable};

/// The number of slots of one process.
pub(super) const SLOTS: usize = 16;
/// The maximum size of the content of a slot, in bytes.
pub(super) const MAX_CONTENT: usize = 32 * 1024;
/// The maximum size of the content of the only slot of a courier, whose file may grow.
const MAX_ONLY: usize = 20 << 20;

const SECTOR: usize = 512;
const HEAD: usize = 2 * SLOTS * SECTOR;
const NONCE_LEN: usize = 16;
const DIGEST_LEN: usize = 32;
const MAGIC: [u8; 5] = *b"CNXP\x01";
const RECORD_LEN: usize = MAGIC.len() + NONCE_LEN + 32 + 4 + 2 * DIGEST_LEN;

const _: () = assert!(RECORD_LEN <= SECTOR);

type Nonce = [u8; NONCE_LEN];

#[derive(Debug)]
pub(super) struct AnswerSlots {
    file: File,
    path: PathBuf,
    uses: Mutex<[SlotState; SLOTS]>,
}

/// The state of a slot, as its owner knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SlotState {
    Free,
    /// The slot is being filled, or holds the answer to this exchange, with this nonce.
    UsedBy(ExchangeKey, Nonce),
    /// The disk failed to write or read this slot.
    Broken,
}

/// An occupied slot of some process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AnswerSlot {
    pub(super) path: PathBuf,
    pub(super) index: usize,
    pub(super) key: ExchangeKey,
    record: Record,
}

/// The contents of a file of slots.
#[derive(Debug, Default)]
pub(super) struct SlotFile {
    pub(super) occupied: Vec<AnswerSlot>,
    /// The numbers of the slots whose record cannot be read.
    pub(super) unreadable: Vec<usize>,
}

impl SlotFile {
    /// Returns `true` if all slots are empty.
    pub(super) fn is_empty(&self) -> bool {
        self.occupied.is_empty() && self.unreadable.is_empty()
    }
}

/// The result of reading a slot.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    Whole(Vec<u8>),
    /// The content is not the one that the record was written for.
    Damaged,
    /// The slot is empty, or holds another answer by now.
    Gone,
}

/// The record of a slot, which describes its content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    nonce: Nonce,
    key: ExchangeKey,
    length: usize,
    digest: [u8; DIGEST_LEN],
}

impl Record {
    fn of(key: ExchangeKey, content: &[u8]) -> io::Result<Self> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| io::Error::from(io::ErrorKind::Unsupported))?;
        Ok(Self { nonce, key, length: content.len(), digest: sha256(content) })
    }

    fn encode(&self) -> Vec<u8> {
        let length = u32::try_from(self.length).unwrap_or(u32::MAX).to_be_bytes();
        let mut bytes = [&MAGIC[..], &self.nonce, self.key.as_bytes(), &length, &self.digest].concat();
        let digest = sha256(&bytes);
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// Returns the record; `None` for bytes that [`encode`](Self::encode) cannot have written.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (said, digest) = bytes.get(..RECORD_LEN)?.split_at_checked(RECORD_LEN - DIGEST_LEN)?;
        if sha256(said) != *digest {
            return None;
        }
        let rest = said.strip_prefix(&MAGIC)?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (length, digest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok().filter(|length| *length <= MAX_ONLY)?;
        Some(Self { nonce: *nonce, key: ExchangeKey::from_bytes(*key), length, digest: digest.try_into().ok()? })
    }
}

fn sha256(bytes: &[u8]) -> [u8; DIGEST_LEN] {
    let digest = digest::digest(&digest::SHA256, bytes);
    let mut array = [0; DIGEST_LEN];
    for (to, from) in array.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    array
}

const fn record_at(index: usize) -> u64 {
    (index * SECTOR) as u64
}

const fn mark_at(index: usize) -> u64 {
    ((SLOTS + index) * SECTOR) as u64
}

const fn content_at(index: usize) -> u64 {
    (HEAD + index * MAX_CONTENT) as u64
}

/// Reserves space on the disk for the only answer of a courier.
pub(super) fn make_one(path: PathBuf) -> io::Result<File> {
    Ok(AnswerSlots::make(path, 1)?.file)
}

/// Keeps the answer of a courier, and returns when it is on the disk. One that is longer than a slot needs free space.
pub(super) fn fill_only(file: &File, key: ExchangeKey, content: &[u8]) -> io::Result<()> {
    fill(file, Path::new(""), 0, content, &Record::of(key, content)?.encode())
}

fn fill(file: &File, path: &Path, index: usize, content: &[u8], record: &[u8]) -> io::Result<()> {
    platform::write_at(file, path, content, content_at(index))?;
    platform::sync_data(file, path)?;
    platform::write_at(file, path, record, record_at(index))?;
    platform::sync_data(file, path)
}

impl AnswerSlots {
    /// Reserves space on the disk for a process, and returns when the space is allocated.
    pub(super) fn make(path: PathBuf, slots: usize) -> io::Result<Self> {
        let mut bytes = vec![0; HEAD + slots * MAX_CONTENT];
        let contents = bytes.get_mut(HEAD..).unwrap_or_default();
        rand::fill(contents).map_err(|_| io::Error::from(io::ErrorKind::Unsupported))?;
        platform::write_new_private(&path, &bytes)?;
        Self::open(path)
    }

    /// Takes over the file of a process that has ended, if all its slots are free.
    pub(super) fn take_over(from: &Path, path: PathBuf) -> io::Result<Self> {
        // If the power fails and the new name is lost, the slots are found under the old one.
        fs::rename(from, &path)?;
        let places = Self::open(path)?;
        let mut head = vec![0; HEAD];
        platform::read_at(&places.file, &mut head, 0)?;
        if head.iter().any(|byte| *byte != 0) {
            // A former record must not be mistaken for the record of new content.
            platform::write_at(&places.file, &places.path, &[0; HEAD], 0)?;
            platform::sync_data(&places.file, &places.path)?;
        }
        Ok(places)
    }

    fn open(path: PathBuf) -> io::Result<Self> {
        let file = open(&path).map_err(of_unreadable)?.ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { file, path, uses: Mutex::new([SlotState::Free; SLOTS]) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps an answer, and returns when it is on the disk. Returns `false` if the answer is too long, or if no slot is
    /// free.
    ///
    /// # Errors
    ///
    /// The answer is not kept: the disk failed, or the file is not where other processes look for it.
    pub(super) fn keep(&self, key: ExchangeKey, content: &[u8]) -> io::Result<bool> {
        if content.len() > MAX_CONTENT {
            return Ok(false);
        }
        let record = Record::of(key, content)?;
        let Some(index) = self.occupy(&record) else { return Ok(false) };
        if let Err(error) = self.fill(index, content, &record.encode()) {
            self.clear(index).unwrap_or_default();
            return Err(error);
        }
        self.forget_where(|of, nonce| of == key && nonce != record.nonce)?;
        Ok(true)
    }

    fn fill(&self, index: usize, content: &[u8], record: &[u8]) -> io::Result<()> {
        fill(&self.file, &self.path, index, content, record)?;
        match platform::is_at(&self.file, &self.path)? {
            true => Ok(()),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Frees the slot of an exchange whose answer is recorded.
    pub(super) fn forget(&self, key: ExchangeKey) -> io::Result<()> {
        self.forget_where(|of, _| of == key)
    }

    /// Frees a slot of this process, if it still holds the answer that was found in it.
    pub(super) fn forget_found(&self, place: &AnswerSlot) -> io::Result<()> {
        self.forget_where(|_, nonce| nonce == place.record.nonce)
    }

    fn forget_where(&self, is_meant: impl Fn(ExchangeKey, Nonce) -> bool) -> io::Result<()> {
        for index in 0..SLOTS {
            let place = self.uses().get(index).copied();
            if let Some(SlotState::UsedBy(key, nonce)) = place
                && is_meant(key, nonce)
            {
                self.clear(index)?;
            }
        }
        Ok(())
    }

    /// Frees a slot. The record is removed from the disk before other content is written there; otherwise that content
    /// would count as damaged.
    fn clear(&self, index: usize) -> io::Result<()> {
        let cleared = platform::write_at(&self.file, &self.path, &[0; SECTOR], record_at(index))
            .and_then(|()| platform::sync_data(&self.file, &self.path));
        self.set(index, if cleared.is_ok() { SlotState::Free } else { SlotState::Broken });
        cleared
    }

    fn occupy(&self, record: &Record) -> Option<usize> {
        let mut uses = self.uses();
        let (index, place) = uses.iter_mut().enumerate().find(|(_, place)| **place == SlotState::Free)?;
        *place = SlotState::UsedBy(record.key, record.nonce);
        Some(index)
    }

    fn set(&self, index: usize, to: SlotState) {
        if let Some(place) = self.uses().get_mut(index) {
            *place = to;
        }
    }

    fn uses(&self) -> MutexGuard<'_, [SlotState; SLOTS]> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(path: &Path) -> Result<Option<File>, Unreadable> {
    platform::open_existing_private(path)
}

pub(super) fn of_unreadable(unreadable: Unreadable) -> io::Error {
    match unreadable {
        Unreadable::Io(error) => error,
        Unreadable::Exposed(exposed) => io::Error::new(io::ErrorKind::PermissionDenied, exposed),
    }
}

/// Finds the occupied slots of a file. A missing file has none.
///
/// # Errors
///
/// The file may hold answers but cannot be read, or other users could have changed it.
pub(super) fn read_slots(path: &Path) -> io::Result<SlotFile> {
    let Some(file) = open(path).map_err(of_unreadable)? else { return Ok(SlotFile::default()) };
    let mut head = vec![0; HEAD];
    let read = platform::read_at(&file, &mut head, 0)?;
    let mut found = SlotFile::default();
    for index in 0..SLOTS {
        let part = |at: u64| usize::try_from(at).ok().and_then(|at| head.get(at..at.checked_add(SECTOR)?));
        let (Some(record), Some(mark)) = (part(record_at(index)), part(mark_at(index))) else { continue };
        match Record::decode(record) {
            Some(record) if mark.starts_with(&record.nonce) => {}
            Some(record) => found.occupied.push(AnswerSlot { path: path.to_owned(), index, key: record.key, record }),
            None if record.iter().all(|byte| *byte == 0) && read == HEAD => {}
            None => found.unreadable.push(index),
        }
    }
    Ok(found)
}

impl AnswerSlot {
    /// Reads the content of the slot.
    pub(super) fn read(&self) -> io::Result<Content> {
        let Some(file) = open(&self.path).map_err(of_unreadable)? else { return Ok(Content::Gone) };
        let mut content = vec![0; self.record.length];
        platform::read_at(&file, &mut content, content_at(self.index))?;
        // The owner clears the record before it writes other content, so while the record exists, the content belongs
        // to it.
        Ok(match self.is_there()? {
            false => Content::Gone,
            true if sha256(&content) == self.record.digest => Content::Whole(content),
            true => Content::Damaged,
        })
    }

    /// Returns `true` if the slot still holds the answer that was found in it.
    pub(super) fn is_there(&self) -> io::Result<bool> {
        Ok(read_slots(&self.path)?.occupied.contains(self))
    }

    /// Marks the slot in the file of another process, after its answer was recorded.
    pub(super) fn mark(&self) -> io::Result<()> {
        match open(&self.path).map_err(of_unreadable)? {
            Some(file) => {
                platform::write_at(&file, &self.path, &self.record.nonce, mark_at(self.index))?;
                platform::sync_data(&file, &self.path)
            }
            None => Ok(()),
        }
    }
}
