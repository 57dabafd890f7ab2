//! A check of the picture of the packages in the architecture: it shows their dependencies, apart from those that
//! others imply.

use std::collections::{BTreeMap, BTreeSet};

use crate::layers::metadata::{Kind, Package};
use crate::layers::modules::reached_from;

/// The document with the picture.
pub(crate) const DOCUMENT: &str = "docs/ARCHITECTURE.md";

/// Returns the arrows that the picture lacks, and those that are wrong or implied by others.
pub(crate) fn findings(document: &str, packages: &[Package]) -> Vec<String> {
    let shown = shown(document);
    let expected = expected(packages);
    let missing = expected.difference(&shown).map(|arrow| format!("{DOCUMENT} lacks the arrow `{arrow}`"));
    let wrong = shown.difference(&expected).map(|arrow| format!("{DOCUMENT} must not have the arrow `{arrow}`"));
    missing.chain(wrong).collect()
}

fn shown(document: &str) -> BTreeSet<String> {
    let picture = document.split("```").find(|part| part.starts_with("mermaid\n")).unwrap_or_default();
    let lines = picture.lines().filter_map(|line| line.trim().split_once(" --> "));
    lines.flat_map(|(from, all)| all.split(" & ").map(move |to| format!("{from} --> {to}"))).collect()
}

fn expected(packages: &[Package]) -> BTreeSet<String> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        let Some(from) = name(&package.name) else { continue };
        let normal = package.dependencies.iter().filter(|dependency| dependency.kind != Kind::Dev);
        next.entry(from).or_default().extend(normal.filter_map(|dependency| name(&dependency.name)));
    }
    let mut arrows = BTreeSet::new();
    for (from, all) in &next {
        let implied: BTreeSet<&str> = all.iter().flat_map(|to| reached_from(to, &next)).collect();
        arrows.extend(all.difference(&implied).map(|to| format!("{from} --> {to}")));
    }
    arrows
}

/// Returns the name of a package in the picture, where all plugins have one.
fn name(package: &str) -> Option<&str> {
    let name = package.strip_prefix("connection-").filter(|name| *name != "faults")?;
    Some(if name.starts_with("plugin-") { "plugins" } else { name })
}
