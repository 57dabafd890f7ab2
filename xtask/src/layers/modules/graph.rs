//! Counts and circles of the imports between modules.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::Imports;

/// Counts that describe a crate's inner structure, so that it can be compared before and after a change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Number of ordered pairs of modules of which the first imports the second.
    pub(crate) arrows: usize,
    /// Number of pairs of modules that import each other.
    pub(crate) mutual: usize,
    /// Number of circles.
    pub(crate) circles: usize,
    /// Number of modules in the largest circle.
    pub(crate) largest: usize,
}

pub(crate) fn counts(imports: &Imports) -> Counts {
    let circles = circles(imports);
    let back = |from: &String, to: &String| imports.contains_key(&(to.clone(), from.clone()));
    Counts {
        arrows: imports.len(),
        mutual: imports.keys().filter(|(from, to)| from < to && back(from, to)).count(),
        circles: circles.len(),
        largest: circles.iter().map(BTreeSet::len).max().unwrap_or(0),
    }
}

/// Returns the circles: the largest sets of modules in which imports lead from each module to every other.
pub(crate) fn circles(imports: &Imports) -> BTreeSet<BTreeSet<&str>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in imports.keys() {
        next.entry(from).or_default().insert(to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> = next.keys().map(|from| (*from, reached_from(from, &next))).collect();
    let reaches = |from: &str, to: &str| reached.get(from).is_some_and(|reached| reached.contains(to));
    let circle = |one: &str| -> BTreeSet<&str> {
        reached.keys().copied().filter(|other| reaches(one, other) && reaches(other, one)).collect()
    };
    reached.keys().map(|one| circle(one)).filter(|circle| !circle.is_empty()).collect()
}

/// Returns everything to which arrows lead from here.
pub(crate) fn reached_from<'a>(from: &'a str, next: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        for to in next.get(module).into_iter().flatten() {
            if reached.insert(*to) {
                open.push(to);
            }
        }
    }
    reached
}
