//! The packages of our crates: packing them, and publishing them in order.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::failure::Failure;
use crate::process;
use crate::release::copy;
use crate::third_party::{Packages, published};
use crate::workspace::Workspace;

/// The registry accepts a few new names at once, and then one in each period of this length.
const PERIOD: Duration = Duration::from_secs(10 * 60 + 10);

/// Packs each published crate, and copies the packages into a directory. Returns the unpacked packages, which are below
/// `place`, and the paths of the copies.
pub(super) fn pack(workspace: &Workspace, place: &Path, directory: &Path) -> Result<(Packages, Vec<PathBuf>), Failure> {
    let target = workspace.target_directory()?;
    let packages = Packages::pack(workspace, &target, place)?;
    let mut copies = Vec::new();
    for (name, version) in published(&workspace.metadata()?) {
        let file = format!("{name}-{version}.crate");
        copy(&target.join("package").join(&file), &directory.join(&file))?;
        copies.push(directory.join(file));
    }
    Ok((packages, copies))
}

/// Publishes each crate that the registry does not have in this version, each after those on which it depends.
///
/// Cargo knows the order and waits for the registry. It stops at the first refusal, and refuses what is already
/// published, so that each further attempt names only the rest.
pub(super) fn publish(workspace: &Workspace) -> Result<(), Failure> {
    let root = workspace.root();
    let is_published = |(name, version): &(String, String)| {
        let named = format!("{name}@{version}");
        process::answers(&mut process::cargo(root, &["info", "--quiet", "--registry", "crates-io", &named]))
    };
    let publish = |rest: &[(String, String)]| {
        let packages = rest.iter().flat_map(|(name, _)| ["--package", name]);
        let arguments: Vec<&str> = ["publish", "--locked"].into_iter().chain(packages).collect();
        process::run(&mut process::cargo(root, &arguments))
    };
    let wait = || {
        println!("release: the rest follows in {} seconds", PERIOD.as_secs());
        thread::sleep(PERIOD);
    };
    publish_all(published(&workspace.metadata()?), is_published, publish, wait)
}

/// Publishes what is not published, and repeats this after a failure as long as each attempt publishes something.
pub(super) fn publish_all(
    mut rest: Vec<(String, String)>,
    is_published: impl Fn(&(String, String)) -> bool,
    mut publish: impl FnMut(&[(String, String)]) -> Result<(), Failure>,
    mut wait: impl FnMut(),
) -> Result<(), Failure> {
    rest.retain(|package| !is_published(package));
    while !rest.is_empty() {
        let Err(failure) = publish(&rest) else { return Ok(()) };
        let before = rest.len();
        rest.retain(|package| !is_published(package));
        if rest.len() == before {
            return Err(failure);
        }
        println!("release: {failure}; {} of {before} packages are not published", rest.len());
        wait();
    }
    Ok(())
}
