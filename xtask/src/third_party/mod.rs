//! `cargo xtask third-party`: packages our crates, and builds third-party plugins and hosts against the packages.
//!
//! The archives that `cargo package` makes are unpacked, and workspaces outside of ours build against them. A file
//! that is missing in a package, also for its tests, or a path that leads out of one, fails here. Our crates come only from these
//! packages, and external crates only from those that the workspace already has.

mod hosts;
mod package_tests;
mod packages;
mod readme_host;

pub(crate) use packages::{Packages, published};

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::new_plugin::{self, Name};
use crate::process;
use crate::setup::{self, BARE_TARGET};
use crate::workspace::Workspace;

/// The directory of the third-party crates in the tree.
const STRANGERS: &str = "tests/third-party";

/// The crates of ours on which a plugin's author depends.
const AUTHORS: &[&str] = &["connection-contract", "connection-replay", "connection-testkit"];

/// The name of a plugin that is made for this check. It has two words.
const MADE: &str = "blue-post";

/// The directory of the same plugin as an OAuth 2 configuration.
const MADE_OAUTH2: &str = "blue-post-oauth2";

/// Packages our crates, then builds and tests the third-party crates against them.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    setup::run(workspace, setup::Scope::BareTarget)?;
    let target = workspace.target_directory()?;
    let place = target.join("third-party");
    let packages = Packages::pack(workspace, &target, &place)?;
    let stranger = Stranger { workspace, target: &target, packages: &packages, profile: profile(workspace)? };

    for name in ["acme", "acme-host", "acme-oauth2", "curious", "curious-host"] {
        process::run(&mut process::cargo(&workspace.root().join(STRANGERS).join(name), &["fmt", "--check"]))?;
    }
    let acme = copied(workspace, "acme", &place)?;
    stranger.cargo(&acme, &["test", "--locked", "--quiet"], AUTHORS)?;
    stranger.cargo(&acme, &["clippy", "--locked", "--quiet", "--all-targets", "--", "--deny", "warnings"], AUTHORS)?;
    if setup::has_bare_target(workspace) {
        stranger.cargo(&acme, &["build", "--locked", "--quiet", "--target", BARE_TARGET], AUTHORS)?;
    } else if process::in_ci() {
        return Err(Failure::new(format!("the target {BARE_TARGET} is not installed, and CI skips nothing")));
    } else {
        println!("third-party: SKIPPED the build for {BARE_TARGET}: the target is not installed");
    }

    let made = fresh(&place.join(MADE))?;
    let name = Name::new(MADE, &workspace.files()?)?;
    let files = new_plugin::plugin_files(workspace, new_plugin::TEMPLATE, &name, &made)?;
    let files: Vec<_> = files.into_iter().filter(|(inside, _)| !inside.starts_with(".cargo/")).collect();
    new_plugin::write(&files, &made)?;
    stranger.cargo(&made, &["test", "--quiet"], AUTHORS)?;
    // These are the first words that an author changes, and the tests must still pass then.
    let files = changed(files, &[("apiKey", "token"), ("canary-5f2c9be1a7d34e60", "canary-of-the-author")])?;
    new_plugin::write(&files, &made)?;
    stranger.cargo(&made, &["test", "--quiet"], AUTHORS)?;

    let made = fresh(&place.join(MADE_OAUTH2))?;
    let files = new_plugin::plugin_files(workspace, new_plugin::OAUTH2, &name, &made)?;
    let files: Vec<_> = files.into_iter().filter(|(inside, _)| !inside.starts_with(".cargo/")).collect();
    new_plugin::write(&files, &made)?;
    copy(&workspace.root().join("Cargo.lock"), &made.join("Cargo.lock"))?;
    let ours = [AUTHORS, &["connection-oauth2"]].concat();
    stranger.cargo(&made, &["test", "--quiet"], &ours)?;
    stranger.cargo(&made, &["clippy", "--quiet", "--all-targets", "--", "--deny", "warnings"], &ours)?;

    // This plugin tries to run programs. Like the others it has no `std`, so only the host can stop it.
    let curious = copied(workspace, "curious", &place)?;
    if setup::has_bare_target(workspace) {
        stranger.cargo(&curious, &["build", "--locked", "--quiet", "--target", BARE_TARGET], &AUTHORS[..1])?;
    }
    hosts::check(&stranger, &place.join("hosts"))?;
    println!(
        "third-party: a plugin and a host outside this workspace build from {} packages, and work",
        packages.names().count()
    );
    Ok(())
}

/// Compiles the tests and examples of packages, in the directory in which the workspace is built.
pub(crate) fn check_package_tests(workspace: &Workspace, packages: &Packages) -> Result<(), Failure> {
    let target = workspace.target_directory()?;
    package_tests::check(&Stranger { workspace, target: &target, packages, profile: profile(workspace)? })
}

/// Runs cargo as a third party would, with our packages in the place of those in the registry.
struct Stranger<'a> {
    workspace: &'a Workspace,
    target: &'a Path,
    packages: &'a Packages,
    /// The profile of our workspace as options. With other options, cargo would build the external packages a second
    /// time, including the C code of SQLite and of the cryptography.
    profile: Vec<String>,
}

impl Stranger<'_> {
    fn cargo(&self, directory: &Path, arguments: &[&str], ours: &[&str]) -> Result<(), Failure> {
        println!("third-party: in {}", below(directory, self.workspace.root()));
        // Arguments after `--` are not for cargo itself.
        let end = arguments.iter().position(|word| *word == "--").unwrap_or(arguments.len());
        let (arguments, rest) = arguments.split_at(end);
        let mut command = process::cargo(directory, arguments);
        command.arg("--offline").arg("--target-dir").arg(self.target);
        for option in &self.profile {
            command.args(["--config", option]);
        }
        for name in ours {
            command.arg("--config").arg(self.packages.patch(name)?);
        }
        process::run(command.args(rest))
    }
}

/// Returns the profile `dev` of the workspace as options of cargo, for a workspace that shares its directory.
pub(crate) fn profile(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let manifest = workspace.text("Cargo.toml")?.unwrap_or_default();
    dev_profile(&manifest, std::env::var_os("CARGO_PROFILE_DEV_DEBUG").is_some())
}

/// Returns the profile `dev` of a manifest as options of cargo's `--config`, one for each value. If `sets_debug`, the
/// environment sets the debug information of our crates.
fn dev_profile(manifest: &str, sets_debug: bool) -> Result<Vec<String>, Failure> {
    fn collect(place: &str, value: &toml::Value, options: &mut Vec<String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    // A quoted key may contain anything, such as the `*` for all packages.
                    collect(&format!("{place}.\"{key}\""), value, options);
                }
            }
            toml::Value::String(text) => options.push(format!("{place}={text:?}")),
            toml::Value::Integer(number) => options.push(format!("{place}={number}")),
            toml::Value::Boolean(is_so) => options.push(format!("{place}={is_so}")),
            // A profile has no other types of values.
            _ => {}
        }
    }
    let manifest: toml::Table =
        toml::from_str(manifest).map_err(|error| Failure::new(format!("Cargo.toml: {error}")))?;
    let mut options = Vec::new();
    if let Some(profile) = manifest.get("profile").and_then(|profiles| profiles.get("dev")) {
        collect("profile.dev", profile, &mut options);
    }
    // The environment takes precedence over a manifest, but not over these options.
    if sets_debug {
        options.retain(|option| !option.starts_with("profile.dev.\"debug\"="));
    }
    Ok(options)
}

/// Copies a crate of the tree as a third party would have it: the files that git lists, without the way to our
/// checkout.
fn copied(workspace: &Workspace, name: &str, place: &Path) -> Result<PathBuf, Failure> {
    let directory = fresh(&place.join(name))?;
    let source = format!("{STRANGERS}/{name}/");
    for path in workspace.files()? {
        if let Some(inside) = path.strip_prefix(&source).filter(|inside| !inside.starts_with(".cargo/")) {
            copy(&workspace.root().join(&path), &directory.join(inside))?;
        }
    }
    Ok(directory)
}

/// Replaces words in the Rust files of a plugin. Returns an error if one of the words does not occur.
fn changed(files: Vec<new_plugin::PluginFile>, words: &[(&str, &str)]) -> Result<Vec<new_plugin::PluginFile>, Failure> {
    let mut files = files;
    for (old, new) in words {
        let mut is_there = false;
        for (inside, content) in files.iter_mut().filter(|(inside, _)| inside.ends_with(".rs")) {
            let text = String::from_utf8(std::mem::take(content))
                .map_err(|_| Failure::new(format!("{inside} is not UTF-8 text")))?;
            is_there |= text.contains(old);
            *content = text.replace(old, new).into_bytes();
        }
        if !is_there {
            return Err(Failure::new(format!("`{old}` is not in the plugin that `new-plugin` makes")));
        }
    }
    Ok(files)
}

/// Empties the directory, or creates it.
fn fresh(directory: &Path) -> Result<PathBuf, Failure> {
    let failed = |error| Failure::new(format!("cannot empty {}: {error}", directory.display()));
    if directory.exists() {
        fs::remove_dir_all(directory).map_err(failed)?;
    }
    fs::create_dir_all(directory).map_err(failed)?;
    Ok(directory.to_owned())
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let copied = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::copy(from, to));
    copied.map(drop).map_err(|error| Failure::new(format!("cannot copy {}: {error}", from.display())))
}

fn below(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests;
