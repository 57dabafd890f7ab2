//! Identifies the directory of an opened handle, and the directories that it lies in.
//!
//! On Unix, a directory is identified by its device and inode, and the directories above it are reached from the
//! handle by `..`. A link, a rename or a bind mount therefore cannot pass for another directory. Elsewhere, a
//! directory is identified by its canonical path.

#[cfg(unix)]
mod system {
    use std::{
        fs::File,
        io,
        os::fd::{AsFd, BorrowedFd, OwnedFd},
        path::Path,
    };

    use rustix::fs::{AtFlags, Mode, OFlags, Stat, fstat, open, stat, statat};

    /// The flags for opening a directory only to identify it. On these systems, that needs no right to list the
    /// directory.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const LOOK: OFlags = OFlags::PATH;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const LOOK: OFlags = OFlags::RDONLY;

    /// A file or directory, whatever path leads to it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(in super::super) struct Identity {
        device: i128,
        inode: i128,
    }

    impl From<Stat> for Identity {
        fn from(stat: Stat) -> Self {
            Self { device: i128::from(stat.st_dev), inode: i128::from(stat.st_ino) }
        }
    }

    /// An open directory, which keeps its identity even if its path changes.
    #[derive(Debug)]
    pub(in super::super) struct Directory(OwnedFd);

    impl From<OwnedFd> for Directory {
        fn from(handle: OwnedFd) -> Self {
            Self(handle)
        }
    }

    impl AsFd for Directory {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }

    impl Directory {
        /// Opens the directory at that path. A link is followed.
        pub(in super::super) fn open(path: &Path) -> io::Result<Self> {
            Ok(Self(open(path, LOOK | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?))
        }

        /// Returns the device and the inode of the directory.
        pub(in super::super) fn identity(&self) -> io::Result<Identity> {
            Ok(fstat(&self.0)?.into())
        }

        /// Returns the directory itself, and then each directory that it lies in, up to the root of the file system.
        pub(in super::super) fn and_above(&self) -> io::Result<Vec<Identity>> {
            let top = Identity::from(stat("/")?);
            let mut last = self.identity()?;
            let mut found = Vec::new();
            let mut up = String::from("..");
            loop {
                let above = Identity::from(statat(&self.0, up.as_str(), AtFlags::empty())?);
                // A directory that is mounted on its own entry is its own parent as well, so both have to be the top.
                let is_top = above == last && above == top;
                found.push(last);
                if is_top {
                    return Ok(found);
                }
                last = above;
                up.push_str("/..");
            }
        }
    }

    /// Returns which file is open.
    pub(in super::super) fn of_file(file: &File) -> io::Result<Identity> {
        Ok(fstat(file)?.into())
    }

    /// Returns which file is at that path. A link is followed.
    pub(in super::super) fn at(path: &Path) -> io::Result<Identity> {
        Ok(stat(path)?.into())
    }
}

#[cfg(not(unix))]
mod system {
    use std::{
        io,
        path::{Path, PathBuf},
    };

    /// A file or directory by its canonical path.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(in super::super) struct Identity(PathBuf);

    /// A directory that existed when it was found.
    #[derive(Debug)]
    pub(in super::super) struct Directory(PathBuf);

    impl Directory {
        /// Finds the directory at that path. A link is followed.
        pub(in super::super) fn open(path: &Path) -> io::Result<Self> {
            let canonical = path.canonicalize()?;
            if canonical.is_dir() { Ok(Self(canonical)) } else { Err(io::ErrorKind::NotADirectory.into()) }
        }

        /// Returns the canonical path of the directory.
        pub(in super::super) fn identity(&self) -> io::Result<Identity> {
            Ok(Identity(self.0.clone()))
        }

        /// Returns the directory itself, and then each directory that it lies in.
        pub(in super::super) fn and_above(&self) -> io::Result<Vec<Identity>> {
            Ok(self.0.ancestors().map(|path| Identity(path.to_owned())).collect())
        }
    }

    /// Returns which file is at that path. A link is followed.
    pub(in super::super) fn at(path: &Path) -> io::Result<Identity> {
        Ok(Identity(path.canonicalize()?))
    }
}

pub(super) use system::*;
