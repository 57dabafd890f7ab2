//! The answers that processes keep in a state directory, read without the key that seals them.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The number of slots in a slot file, whose form `connection-core` documents in `exchange/answer_slots/mod.rs`.
const PLACES: usize = 16;
const SECTOR: usize = 512;
const NONCE: std::ops::Range<usize> = 5..21;

/// Returns the rescue files, each of which holds one answer.
///
/// # Panics
///
/// Panics if the directory cannot be read.
pub fn files(state: &Path) -> Vec<PathBuf> {
    of_extension(state, "rescue")
}

/// Returns the occupied slots, each with its file and its index in that file.
///
/// # Panics
///
/// Panics if the directory cannot be read or a slot file is not whole.
pub fn places(state: &Path) -> Vec<(PathBuf, usize)> {
    let mut occupied = Vec::new();
    for path in of_extension(state, "places") {
        // A process that opens the directory may take the file over before it is read.
        let Ok(bytes) = fs::read(&path) else { continue };
        let sector = |number: usize| bytes.get(number * SECTOR..(number + 1) * SECTOR).expect("a whole file of places");
        for index in 0..PLACES {
            let record = sector(index);
            let mark = sector(PLACES + index);
            let is_free = record.iter().all(|byte| *byte == 0) || record.get(NONCE) == mark.get(..NONCE.len());
            if !is_free {
                occupied.push((path.clone(), index));
            }
        }
    }
    occupied
}

/// Returns the number of answers in the directory.
///
/// # Panics
///
/// Panics in the same cases as [`files`] and [`places`].
pub fn count(state: &Path) -> usize {
    files(state).len() + places(state).len()
}

fn of_extension(state: &Path, extension: &str) -> Vec<PathBuf> {
    let names = fs::read_dir(state).expect("a state directory").map(|entry| entry.expect("a name").path());
    names.filter(|path| path.extension().is_some_and(|of| of == extension)).collect()
}
