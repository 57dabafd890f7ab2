//! Files on systems without modes. This code compiles, but has not been run.
//!
//! A file takes the protection of its directory. In the profile of a user, that gives access to the user, the
//! administrators and the system.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::Path,
};

use super::{FileContent, NotPrivate};

pub(super) fn create_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

pub(super) fn private(_options: &mut OpenOptions) {}

pub(super) fn make_private(_file: &File) -> io::Result<()> {
    Ok(())
}

pub(super) fn check_writable(path: &Path) -> io::Result<()> {
    match fs::metadata(path)?.permissions().readonly() {
        true => Err(io::ErrorKind::PermissionDenied.into()),
        false => Ok(()),
    }
}

pub(super) fn check_private(_path: &Path, _metadata: &Metadata) -> Result<(), NotPrivate> {
    Ok(())
}

pub(super) fn check_guarded(_path: &Path, _metadata: &Metadata, _content: FileContent) -> Result<(), NotPrivate> {
    Ok(())
}

pub(super) fn check_directory(_path: &Path) -> Result<(), NotPrivate> {
    Ok(())
}

pub(super) fn is_open_secret(_path: &Path) -> bool {
    false
}

pub(super) fn is_of_another_user(_path: &Path) -> bool {
    false
}

pub(super) fn remedy_of_mount(_path: &Path) -> Option<String> {
    None
}

pub(super) fn same_file(one: &Metadata, other: &Metadata) -> bool {
    one.len() == other.len() && one.file_type() == other.file_type()
}

#[cfg(windows)]
pub(super) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, offset)
}

#[cfg(windows)]
pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, offset)
}

#[cfg(not(windows))]
pub(super) fn read_at(_file: &File, _bytes: &mut [u8], _offset: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(windows))]
pub(super) fn write_at(_file: &File, _bytes: &[u8], _offset: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Does nothing, because no handle to a directory can be synced.
pub(super) fn sync_dir(_path: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn kill_group(_leader: u32) {}

pub(super) fn lock_holder(_file: &File) -> Option<u32> {
    None
}

pub(super) fn process_name(_process: u32) -> Option<String> {
    None
}

pub(super) fn is_stopped(_process: u32) -> bool {
    false
}
