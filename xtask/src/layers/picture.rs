//! Pictures of the packages and of the core's modules, as Mermaid charts whose arrows lead down.

use std::collections::{BTreeMap, BTreeSet};

use crate::failure::Failure;
use crate::layers::modules;
use crate::layers::table::{PLUGIN, ROWS};
use crate::workspace::Workspace;

/// The arrows from each node to the nodes below it.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// The node that stands for all plugins.
const PLUGINS: &str = "plugins";

/// Packages that no program contains.
const NOT_SHIPPED: [&str; 2] = ["connection-faults", "xtask"];

/// Returns the chart of the packages, from the table of allowed dependencies.
pub(crate) fn packages() -> String {
    let mut arrows = Arrows::new();
    for row in ROWS.iter().chain([&PLUGIN]).filter(|row| !NOT_SHIPPED.contains(&row.package)) {
        arrows.entry(node(row.package)).or_default().extend(row.normal.iter().map(|below| node(below)));
    }
    chart(&arrows)
}

/// Returns the chart of the core's modules, from their imports.
pub(crate) fn core(workspace: &Workspace) -> Result<String, Failure> {
    let mut arrows = Arrows::new();
    for (from, to) in modules::imports(workspace)? {
        arrows.entry(from).or_default().insert(to);
    }
    Ok(chart(&arrows))
}

fn node(package: &str) -> String {
    let name = package.strip_prefix("connection-").unwrap_or(package);
    if name.starts_with("plugin-") { PLUGINS.to_owned() } else { name.to_owned() }
}

/// Returns the chart without the arrows that follow from others: if `a` reaches `c` through `b`, no arrow leads from
/// `a` to `c`.
fn chart(arrows: &Arrows) -> String {
    let mut text = "```mermaid\nflowchart TD\n".to_owned();
    for (from, below) in arrows {
        let is_direct = |to: &&String| !below.iter().any(|other| other != *to && reaches(arrows, other, to));
        let direct: Vec<&str> = below.iter().filter(is_direct).map(String::as_str).collect();
        if !direct.is_empty() {
            text.push_str(&format!("    {from} --> {}\n", direct.join(" & ")));
        }
    }
    text.push_str("```\n");
    text
}

/// Returns `true` if arrows lead from one node to the other.
fn reaches(arrows: &Arrows, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(node) = open.pop() {
        for below in arrows.get(node).into_iter().flatten().filter(|below| seen.insert(below.as_str())) {
            open.push(below);
        }
    }
    seen.contains(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_that_follows_from_others_is_not_drawn() {
        let arrows = [("a", &["b", "c"][..]), ("b", &["c"]), ("c", &[])];
        let arrows = arrows.map(|(from, to)| (from.to_owned(), to.iter().map(|to| (*to).to_owned()).collect()));
        assert_eq!(chart(&arrows.into()), "```mermaid\nflowchart TD\n    a --> b\n    b --> c\n```\n");
    }

    #[test]
    fn all_plugins_are_one_node_and_support_for_tests_is_none() {
        let chart = packages();
        assert!(chart.contains("    plugins --> oauth2\n") && !chart.contains("faults"), "{chart}");
    }
}
