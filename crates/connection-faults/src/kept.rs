//! What processes keep in a state directory, as somebody sees it who knows the form of the files and no key.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The form of a file of places, as `connection-core` documents it in `exchange/places/mod.rs`.
const PLACES: usize = 16;
const SECTOR: usize = 512;
const NONCE: std::ops::Range<usize> = 5..21;

/// Returns the files of their own that hold an answer.
///
/// # Panics
///
/// The directory cannot be read.
pub fn files(state: &Path) -> Vec<PathBuf> {
    of_extension(state, "rescue")
}

/// Returns the places that hold an answer, as the file and the number of the place in it.
///
/// # Panics
///
/// The directory or a file of places cannot be read.
pub fn places(state: &Path) -> Vec<(PathBuf, usize)> {
    let mut occupied = Vec::new();
    for path in of_extension(state, "places") {
        // A process that opens the directory may take it over in between.
        let Ok(bytes) = fs::read(&path) else { continue };
        let sector = |number: usize| bytes.get(number * SECTOR..(number + 1) * SECTOR).expect("a whole file of places");
        for index in 0..PLACES {
            let (record, mark) = (sector(index), sector(PLACES + index));
            let is_free = record.iter().all(|byte| *byte == 0) || record.get(NONCE) == mark.get(..NONCE.len());
            if !is_free {
                occupied.push((path.clone(), index));
            }
        }
    }
    occupied
}

/// Returns how many answers the directory keeps.
///
/// # Panics
///
/// As [`files`] and [`places`].
pub fn count(state: &Path) -> usize {
    files(state).len() + places(state).len()
}

fn of_extension(state: &Path, extension: &str) -> Vec<PathBuf> {
    let names = fs::read_dir(state).expect("a state directory").map(|entry| entry.expect("a name").path());
    names.filter(|path| path.extension().is_some_and(|of| of == extension)).collect()
}
