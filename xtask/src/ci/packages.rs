//! Built packages of registries, which continuous integration keeps in the home directory for its next run.
//!
//! A run of `cargo xtask ci` begins in a directory without anything built. A third of the time of its build goes into
//! packages of registries, which are the same in each run as long as `Cargo.lock` and the compiler are. What belongs to our
//! own packages is never kept. Cargo checks each file that was restored as it checks what it built itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

/// The variables that change how packages are built.
const VARIABLES: &[&str] = &["CARGO_PROFILE_DEV_DEBUG", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"];

/// The packages of registries that an earlier run has kept, or that this one will keep.
#[derive(Debug)]
pub(super) struct Packages {
    /// The directory in which cargo builds, for the profile of the tests.
    built: PathBuf,
    archive: PathBuf,
    /// The names of the packages of registries in `Cargo.lock`.
    names: BTreeSet<String>,
}

impl Packages {
    /// Returns the packages for the lock file, the compiler and the settings of this run.
    pub(super) fn of(workspace: &Workspace) -> Result<Self, Failure> {
        let lock = workspace.text("Cargo.lock")?.unwrap_or_default();
        let compiler = process::output(&mut process::tool(workspace.root(), "rustc", &["-vV"]))?;
        let manifest = workspace.text("Cargo.toml")?.unwrap_or_default();
        let profiles = manifest.find("[profile").map_or("", |begin| &manifest[begin..]);
        let mut key = Sha256::new();
        for part in [&lock, &compiler, profiles] {
            key.update(part.as_bytes());
            key.update([0]);
        }
        for variable in VARIABLES {
            key.update(std::env::var(variable).unwrap_or_default().as_bytes());
            key.update([0]);
        }
        let built = workspace.target_directory()?.join("debug");
        let archive = workspace.cache_directory()?.join(format!("packages-{}.tar", hex::encode(&key.finalize()[..8])));
        Ok(Self { built, archive, names: names(&lock)? })
    }

    /// Restores what an earlier run has kept. Files that are there already stay as they are.
    pub(super) fn restore(&self) -> Result<(), Failure> {
        if !self.archive.is_file() {
            return Ok(());
        }
        let (archive, built) = (self.archive.display().to_string(), self.built.display().to_string());
        fs::create_dir_all(&self.built).map_err(|error| Failure::new(format!("cannot create {built}: {error}")))?;
        let arguments = ["--extract", "--skip-old-files", "--file", &archive, "--directory", &built];
        process::run(&mut process::tool(Path::new("."), "tar", &arguments))
    }

    /// Keeps the packages that this run has built, in place of those of earlier runs.
    pub(super) fn keep(&self) -> Result<(), Failure> {
        let Some(directory) = self.archive.parent().filter(|_| !self.archive.exists()) else { return Ok(()) };
        let failed = |error| Failure::new(format!("cannot keep packages in {}: {error}", directory.display()));
        fs::create_dir_all(directory).map_err(failed)?;
        for entry in fs::read_dir(directory).map_err(failed)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with("packages-") {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        let list = tempfile::NamedTempFile::new().map_err(failed)?;
        fs::write(list.path(), files(&self.built, &self.names)?.join("\n")).map_err(failed)?;
        let part = self.archive.with_extension("part").display().to_string();
        let (list, built) = (list.path().display().to_string(), self.built.display().to_string());
        // This format keeps the fractions of a second of a file's time, which cargo compares.
        let arguments = ["--create", "--format=posix", "--file", &part, "--directory", &built, "--files-from", &list];
        process::run(&mut process::tool(Path::new("."), "tar", &arguments))?;
        fs::rename(&part, &self.archive).map_err(failed)
    }
}

/// Returns the names of the packages of registries in a lock file.
fn names(lock: &str) -> Result<BTreeSet<String>, Failure> {
    let lock: toml::Table = lock.parse().map_err(|error| Failure::new(format!("Cargo.lock: {error}")))?;
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let of_registries = packages.filter(|package| {
        package.get("source").and_then(toml::Value::as_str).is_some_and(|source| source.starts_with("registry+"))
    });
    Ok(of_registries.filter_map(|package| package.get("name")?.as_str().map(str::to_owned)).collect())
}

/// Returns the files of these packages, as paths in the directory in which cargo has built.
///
/// Cargo has a directory `.fingerprint/NAME-HASH` for each unit that it has built, and the same hash is in the names of the
/// unit's files in `deps` and of its directory in `build`.
fn files(built: &Path, names: &BTreeSet<String>) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let mut hashes = BTreeSet::new();
    for directory in [".fingerprint", "build"] {
        for unit in entries(&built.join(directory))? {
            let Some((name, hash)) = unit.rsplit_once('-') else { continue };
            if names.contains(name) {
                hashes.insert(hash.to_owned());
                found.push(format!("{directory}/{unit}"));
            }
        }
    }
    for file in entries(&built.join("deps"))? {
        let hash = file.rsplit_once('-').map(|(_, rest)| rest.split('.').next().unwrap_or_default());
        if hash.is_some_and(|hash| hashes.contains(hash)) {
            found.push(format!("deps/{file}"));
        }
    }
    Ok(found)
}

/// Returns the names of the files and directories in a directory.
fn entries(directory: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::new(format!("cannot read {}: {error}", directory.display()));
    let entries = fs::read_dir(directory).map_err(failed)?.flatten();
    Ok(entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_belongs_to_packages_of_registries_alone_and_is_restored_beside_what_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let built = directory.path().join("debug");
        let files = [
            ".fingerprint/sha2-00000000000000aa/lib-sha2",
            ".fingerprint/connection-core-00000000000000bb/lib-connection_core",
            "build/ring-00000000000000cc/out/a.o",
            "deps/libsha2-00000000000000aa.rlib",
            "deps/sha2-00000000000000aa.d",
            "deps/libconnection_core-00000000000000bb.rlib",
            "deps/main-00000000000000dd",
        ];
        for file in files {
            let path = built.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        let lock = "[[package]]\nname = \"sha2\"\nsource = \"registry+https://example.com\"\n\
                    [[package]]\nname = \"ring\"\nsource = \"registry+https://example.com\"\n\
                    [[package]]\nname = \"connection-core\"\n\
                    [[package]]\nname = \"main\"\nsource = \"git+https://example.com\"\n";
        let archive = directory.path().join("kept/packages-1.tar");
        let packages = Packages { built: built.clone(), archive: archive.clone(), names: names(lock).unwrap() };
        packages.restore().unwrap();
        packages.keep().unwrap();
        let earlier = fs::metadata(built.join(files[3])).unwrap().modified().unwrap();

        fs::remove_dir_all(&built).unwrap();
        fs::create_dir_all(built.join("deps")).unwrap();
        fs::write(built.join(files[4]), "of this run").unwrap();
        packages.restore().unwrap();
        let there: Vec<_> = files.iter().filter(|file| built.join(file).exists()).collect();
        assert_eq!(there, [&files[0], &files[2], &files[3], &files[4]]);
        assert_eq!(fs::read_to_string(built.join(files[4])).unwrap(), "of this run");
        assert_eq!(fs::metadata(built.join(files[3])).unwrap().modified().unwrap(), earlier);

        // Packages for another lock file replace these.
        let other = Packages { archive: archive.with_file_name("packages-2.tar"), ..packages };
        other.keep().unwrap();
        assert!(!archive.exists() && other.archive.exists());
    }
}
