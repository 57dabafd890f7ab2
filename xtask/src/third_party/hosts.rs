//! The hosts outside of this workspace: those with kinds of third parties, and the one that README shows.
//!
//! They are the members of one workspace, so that our crates and the external packages are checked once for all of them.
//! The tests of the hosts with kinds of third parties run with those of our workspace, where they are members, too.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::third_party::readme_host::ReadmeHost;
use crate::third_party::{Stranger, copied, copy, fresh};

/// The directory of the host that README shows.
const README_HOST: &str = "readme-host";

/// The hosts of the tree, each with the plugin beside which it lies.
const HOSTS: &[(&str, &str)] = &[("acme-host", "acme"), ("curious-host", "curious")];

/// Checks that the hosts and their tests compile with our packages.
pub(super) fn check(stranger: &Stranger<'_>, place: &Path) -> Result<(), Failure> {
    let place = fresh(place)?;
    let (mut members, mut apart) = (vec![README_HOST], Vec::new());
    for &(host, plugin) in HOSTS {
        copied(stranger.workspace, host, &place)?;
        copied(stranger.workspace, plugin, &place)?;
        members.push(host);
        apart.push(plugin);
    }
    let readme = stranger.workspace.text("README.md")?.unwrap_or_default();
    ReadmeHost::read(&readme)?.write(&place.join(README_HOST), |directory| {
        let name = directory.rsplit('/').next().unwrap_or_default();
        let is_plugin = directory.starts_with("plugins/");
        stranger.packages.path(&if is_plugin { format!("connection-plugin-{name}") } else { name.to_owned() })
    })?;
    // A plugin is a workspace of its own.
    let manifest = format!("[workspace]\nmembers = {members:?}\nexclude = {apart:?}\nresolver = \"3\"\n");
    let path = place.join("Cargo.toml");
    fs::write(&path, manifest).map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
    copy(&stranger.workspace.root().join("Cargo.lock"), &place.join("Cargo.lock"))?;
    let ours: Vec<&str> = stranger.packages.names().collect();
    stranger.cargo(&place, &["check", "--workspace", "--tests", "--quiet"], &ours)
}
