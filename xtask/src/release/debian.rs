//! The Debian package: the program with its manual page, completions, unit for systemd and notices.
//!
//! The package starts nothing: an operator writes the configuration first, as the guide for operators shows.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::process;
use crate::release::{NOTICES, copy, epoch, files, this_target, version, write};
use crate::workspace::Workspace;

const NAME: &str = "connections";

/// The path of the program in the unit of an archive, and in the package.
const IN_ARCHIVE: &str = "/usr/local/bin/connections";
pub(crate) const IN_PACKAGE: &str = "/usr/bin/connections";

/// Creates the user of the server, and makes systemd read the unit.
const AFTER_INSTALLATION: &str = "#!/bin/sh\nset -e\n\
    if [ \"$1\" = configure ] && command -v systemd-sysusers >/dev/null; then\n    systemd-sysusers connections.conf\nfi\n\
    if [ -d /run/systemd/system ]; then\n    systemctl daemon-reload\nfi\n";

const AFTER_REMOVAL: &str = "#!/bin/sh\nset -e\nif [ -d /run/systemd/system ]; then\n    systemctl daemon-reload\nfi\n";

/// Builds the package from the program that the tests have built, installs it in an empty directory, and starts the
/// program there.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    if !process::answers(&mut process::tool(workspace.root(), "dpkg-deb", &["--version"])) {
        println!("deb: SKIPPED: this system has no Debian packages");
        return Ok(());
    }
    let target = workspace.target_directory()?;
    let program = target.join("debug").join(NAME);
    if !program.is_file() {
        println!("deb: SKIPPED: the tests have not built {}", program.display());
        return Ok(());
    }
    let package = build(workspace, &program, &target.join("debian"))?;
    try_in_empty_root(workspace, &package)
}

/// Unpacks a package into an empty directory, and starts the program in it.
fn try_in_empty_root(workspace: &Workspace, package: &Path) -> Result<(), Failure> {
    let place = tempfile::tempdir().map_err(|error| Failure::new(format!("a directory for the package: {error}")))?;
    process::run(process::tool(workspace.root(), "dpkg-deb", &["--extract"]).arg(package).arg(place.path()))?;
    let installed = place.path().join("usr/bin").join(NAME);
    let said = process::output(process::program(&installed, place.path()).arg("--version"))?;
    match said.contains(&version(workspace)?) {
        true => Ok(()),
        false => Err(Failure::new(format!("the program in the package says `{}`", said.trim()))),
    }
}

/// Builds the package of a program into a directory, and returns its path.
pub(super) fn build(workspace: &Workspace, program: &Path, directory: &Path) -> Result<PathBuf, Failure> {
    let version = version(workspace)?;
    let architecture = process::output(&mut process::tool(workspace.root(), "dpkg", &["--print-architecture"]))?;
    let architecture = architecture.trim();
    let place = tempfile::tempdir().map_err(|error| Failure::new(format!("a directory for the package: {error}")))?;
    let made = place.path().join("files");
    files(workspace, program, &made, &this_target(workspace)?)?;
    let root = place.path().join("root");
    fill(workspace, program, &made, &root)?;
    let bytes =
        fs::read(program).map_err(|error| Failure::new(format!("cannot read {}: {error}", program.display())))?;
    write(&root.join("DEBIAN/control"), &control(&version, architecture, &libc_of(&bytes)?))?;
    write(&root.join("DEBIAN/conffiles"), "/etc/connections/config.toml\n")?;
    for (script, text) in [("postinst", AFTER_INSTALLATION), ("postrm", AFTER_REMOVAL)] {
        write(&root.join("DEBIAN").join(script), text)?;
    }
    let package = directory.join(format!("{NAME}_{version}_{architecture}.deb"));
    fs::create_dir_all(directory)
        .map_err(|error| Failure::new(format!("cannot create {}: {error}", directory.display())))?;
    // What others may read and run does not depend on the person who builds the package.
    process::run(process::tool(&root, "chmod", &["-R", "u=rwX,go=rX", "."]).env("LC_ALL", "C"))?;
    process::run(&mut process::tool(
        &root,
        "chmod",
        &["0755", "DEBIAN/postinst", "DEBIAN/postrm", "usr/bin/connections"],
    ))?;
    let mut build = process::tool(workspace.root(), "dpkg-deb", &["--root-owner-group", "--build"]);
    // The times in the package are that of the commit, so that the same program gives the same package.
    process::run(build.arg(&root).arg(&package).env("SOURCE_DATE_EPOCH", epoch(workspace)))?;
    println!("release: {}", package.display());
    Ok(package)
}

/// Lays out the files as they are installed.
fn fill(workspace: &Workspace, program: &Path, made: &Path, root: &Path) -> Result<(), Failure> {
    let source = workspace.root();
    let documents = root.join("usr/share/doc/connections");
    for (from, to) in [
        (program.to_owned(), root.join("usr/bin/connections")),
        (made.join("man/connections.1"), root.join("usr/share/man/man1/connections.1")),
        (made.join("completions/connections.bash"), root.join("usr/share/bash-completion/completions/connections")),
        (made.join("completions/connections.fish"), root.join("usr/share/fish/vendor_completions.d/connections.fish")),
        (made.join("completions/_connections"), root.join("usr/share/zsh/vendor-completions/_connections")),
        (made.join("sbom.cdx.json"), documents.join("sbom.cdx.json")),
        (made.join(NOTICES), documents.join(NOTICES)),
        (source.join("CHANGELOG.md"), documents.join("changelog")),
        (source.join("packaging/systemd/config.toml"), root.join("etc/connections/config.toml")),
        (source.join("packaging/systemd/key-credential.conf"), documents.join("examples/key-credential.conf")),
        (source.join("packaging/systemd/connections.sysusers.conf"), root.join("usr/lib/sysusers.d/connections.conf")),
    ] {
        copy(&from, &to)?;
    }
    for file in ["usr/share/man/man1/connections.1", "usr/share/doc/connections/changelog"] {
        process::run(&mut process::tool(root, "gzip", &["--best", "--no-name", file]))?;
    }
    let read = |path: &str| workspace.text(path).map(Option::unwrap_or_default);
    write(
        &root.join("usr/lib/systemd/system/connections.service"),
        &unit(&read("packaging/systemd/connections.service")?)?,
    )?;
    let copyright = format!("{}\n{}\n", read("LICENSE-MIT")?, read("LICENSE-APACHE")?);
    let which = format!(
        "Connections is licensed under MIT or Apache-2.0, at your option.\n{NOTICES} has the licenses of others.\n\n"
    );
    write(&documents.join("copyright"), &(which + &copyright))
}

/// Returns the unit with the path of the program in the package.
pub(super) fn unit(text: &str) -> Result<String, Failure> {
    match text.contains(IN_ARCHIVE) {
        true => Ok(text.replace(IN_ARCHIVE, IN_PACKAGE)),
        false => Err(Failure::new(format!("the unit for systemd does not start {IN_ARCHIVE}"))),
    }
}

/// Returns the control file.
pub(super) fn control(version: &str, architecture: &str, libc: &str) -> String {
    format!(
        "Package: {NAME}\nVersion: {version}\nArchitecture: {architecture}\n\
         Maintainer: The Connections contributors\nSection: net\nPriority: optional\n\
         Depends: libc6 (>= {libc}), libgcc-s1\nRecommends: ca-certificates\n\
         Description: connect accounts and use them without handling secrets\n \
         Connections lets programs and people use accounts at other services.\n \
         It keeps each credential encrypted, renews it, and says how to repair it.\n"
    )
}

/// Returns the oldest version of the C library with which a program runs: the highest that its symbols name.
pub(super) fn libc_of(program: &[u8]) -> Result<String, Failure> {
    const START: &[u8] = b"GLIBC_2.";
    let found = program.windows(START.len()).enumerate().filter(|(_, window)| *window == START);
    let minor = found.filter_map(|(at, _)| {
        let rest = program.get(at + START.len()..)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        std::str::from_utf8(rest.get(..digits)?).ok()?.parse::<u32>().ok()
    });
    let highest = minor.max().ok_or_else(|| Failure::new("the program names no version of the C library of Linux"))?;
    Ok(format!("2.{highest}"))
}
