//! Root file systems that `mmdebstrap` makes of Debian's packages and ours.
//!
//! Debian's packages are fetched first, and verified with Debian's keys. The root file systems are then made from the
//! fetched files alone.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::process;
use crate::release::{archive, copy, write};

/// The release of Debian whose packages the image contains.
const SUITE: &str = "trixie";

/// The keys with which Debian signs its lists of packages.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The packages beside the essential ones: the certificates of the system, and what our package needs.
const INCLUDED: &[&str] = &["ca-certificates", "libgcc-s1"];

/// The script that finishes the root file system of the image.
pub(super) const FINISH: &str = "packaging/container/root.sh";

/// A root file system.
#[derive(Clone, Copy, Debug)]
pub(in crate::release) enum Kind<'a> {
    /// That of the image, which the script `finish` finishes.
    Image { finish: &'a Path },
    /// A whole system with these packages.
    System { with: &'a [&'a str] },
}

/// Fetches Debian's packages into a directory, with those that a trial needs beside them.
pub(in crate::release) fn fetch(directory: &Path, more: &[&str]) -> Result<(), Failure> {
    let hook = format!("--customize-hook=sync-out /var/cache/apt/archives {}", directory.display());
    let included = format!("--include={}", [INCLUDED, more].concat().join(","));
    // The root file system is made and thrown away: that is how mmdebstrap finds out which packages are needed.
    let mut command = process::tool(directory, "mmdebstrap", &["--quiet", "--variant=essential", "--format=null"]);
    command.args(["--skip=download/empty", "--skip=essential/unlink", "--skip=cleanup/apt/cache"]);
    command.args([&included, &hook, SUITE, "/dev/null"]);
    for (address, suffix) in [("debian", ""), ("debian", "-updates"), ("debian-security", "-security")] {
        command.arg(format!("deb [signed-by={KEYS}] http://deb.debian.org/{address} {SUITE}{suffix} main"));
    }
    process::run(&mut command)
}

/// Makes a root file system with our package at `to`: an archive if the name ends in `.tar`, and else a directory.
pub(in crate::release) fn make(
    package: &Path,
    debs: &Path,
    kind: &Kind<'_>,
    to: &Path,
    epoch: &str,
) -> Result<(), Failure> {
    let place = tempfile::tempdir().map_err(|error| Failure::new(format!("a directory for packages: {error}")))?;
    let place = place.path();
    // apt reads the packages as another user.
    process::run(&mut process::tool(place, "chmod", &["0755", "."]))?;
    let failed = |error| Failure::new(format!("cannot list {}: {error}", debs.display()));
    for entry in fs::read_dir(debs).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let (Some(name), Some("deb")) = (path.file_name(), path.extension().and_then(|end| end.to_str())) {
            copy(&path, &place.join(name))?;
        }
    }
    copy(package, &place.join("connections.deb"))?;
    write(&place.join("Packages"), &process::output(&mut process::tool(place, "apt-ftparchive", &["packages", "."]))?)?;

    let mut command = process::tool(place, "mmdebstrap", &["--quiet", "--variant=essential"]);
    let mut included = [INCLUDED, &["connections"]].concat();
    match kind {
        Kind::Image { finish } => {
            // Licenses stay, and so does all that our package contains.
            for rule in ["exclude=/usr/share/man/*", "exclude=/usr/share/locale/*", "exclude=/usr/share/doc/*"] {
                command.arg(format!("--dpkgopt=path-{rule}"));
            }
            for rule in ["include=/usr/share/doc/*/copyright", "include=/usr/share/doc/connections/*"] {
                command.arg(format!("--dpkgopt=path-{rule}"));
            }
            // Each container gets its own devices, and users other than root cannot unpack those of an image.
            command.arg("--skip=output/dev");
            command.arg(format!("--customize-hook=sh '{}' \"$1\"", finish.display()));
        }
        Kind::System { with } => included.extend(*with),
    }
    command.arg(format!("--include={}", included.join(",")));
    // Without the name of a suite, all packages of the list count. They were verified when they were fetched.
    command.arg("").arg(to).arg(format!("deb [trusted=yes] copy://{} ./", place.display()));
    process::run(command.env("SOURCE_DATE_EPOCH", epoch))?;
    if let Kind::Image { .. } = kind {
        // The directory of the devices, which mmdebstrap leaves out with them.
        process::run(&mut process::tool(place, "mkdir", &["-m", "0755", "dev"]))?;
        process::run(archive::tar(place, epoch).arg("--append").arg("--file").arg(to).arg("./dev"))?;
    }
    Ok(())
}

/// Returns a field of a Debian package.
pub(in crate::release) fn field(package: &Path, name: &str) -> Result<String, Failure> {
    let mut read = process::tool(Path::new("."), "dpkg-deb", &["--field"]);
    Ok(process::output(read.arg(package).arg(name))?.trim().to_owned())
}
