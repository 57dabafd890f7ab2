//! The comparison of the published crates with the last release, by `cargo semver-checks`.
//!
//! A release is a tag such as `v0.1.0` in the history. Until there is one, nothing is compared, and the tool is not
//! needed.

use crate::ci::cargo;
use crate::failure::Failure;
use crate::process;
use crate::setup;
use crate::workspace::Workspace;

/// Packages that are not published.
const OURS: &[&str] = &["connection-faults", "xtask"];

pub(super) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let tags = ["tag", "--list", "v[0-9]*", "--merged", "HEAD", "--no-contains", "HEAD"];
    let Ok(tags) = process::output(&mut process::tool(workspace.root(), "git", &tags)) else {
        println!("semver: this is no repository with a history, so there is no release to compare with");
        return Ok(());
    };
    let Some(tag) = last_release(&tags) else {
        println!("semver: nothing was released, so there is nothing to compare with");
        return Ok(());
    };
    setup::run(workspace, setup::Scope::Semver)?;
    let mut arguments = vec!["semver-checks", "check-release", "--workspace", "--baseline-rev", tag];
    OURS.iter().for_each(|name| arguments.extend(["--exclude", name]));
    cargo(workspace, &arguments)
}

/// Returns the tag of the newest version. Pre-releases promise nothing, and are left out.
pub(super) fn last_release(tags: &str) -> Option<&str> {
    let version = |tag: &str| -> Option<[u64; 3]> {
        let mut numbers = tag.strip_prefix('v')?.split('.').map(|number| number.parse().ok());
        let version = [numbers.next()??, numbers.next()??, numbers.next()??];
        numbers.next().is_none().then_some(version)
    };
    tags.lines().filter_map(|tag| Some((version(tag)?, tag))).max().map(|(_, tag)| tag)
}
