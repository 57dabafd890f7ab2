//! The build of the contained plugins for a target that has no `std`.

use crate::failure::Failure;
use crate::layers::metadata::Package;
use crate::layers::{containment, table};
use crate::process;
use crate::setup::{self, BARE_TARGET};
use crate::workspace::Workspace;

/// Builds the contained plugins and the engine in one run. If the target is missing, this prints a notice, and fails
/// in continuous integration.
pub(crate) fn build(workspace: &Workspace, packages: &[Package]) -> Result<(), Failure> {
    let plugins: Vec<&str> = packages
        .iter()
        .filter(|package| containment::is_contained(package) || package.name == table::ENGINE)
        .map(|package| package.name.as_str())
        .collect();
    if plugins.is_empty() {
        println!("layers: there is no plugin to build for {BARE_TARGET}");
        return Ok(());
    }
    if !setup::has_bare_target(workspace) {
        if process::in_ci() {
            return Err(Failure::new(format!("the target {BARE_TARGET} is not installed, and CI skips nothing")));
        }
        println!("layers: SKIPPED the build for {BARE_TARGET}: the target is not installed");
        println!("layers: the containment of {} is checked only in the source", plugins.join(", "));
        return Ok(());
    }
    process::run(&mut process::cargo(workspace.root(), &arguments(&plugins)))?;
    println!("layers: {} build without std", plugins.join(", "));
    Ok(())
}

fn arguments<'a>(plugins: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["build", "--locked", "--target", BARE_TARGET];
    for plugin in plugins {
        arguments.extend(["-p", plugin]);
    }
    arguments
}
