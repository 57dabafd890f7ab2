//! Which changes of a public face break somebody who uses it.
//!
//! Stricter than the compiler where that is simpler: a type that is spelled another way is another type here.

use crate::api::listing::Listing;

/// What was there and is not, or is another, and what breaks by coming: each with its line.
pub(crate) fn breaking(before: &Listing, now: &Listing) -> Vec<String> {
    let mut found = Vec::new();
    for (path, old) in before {
        match now.get(path) {
            None => found.push(format!("removed: {path} | {old}")),
            Some(new) if !is_wider(old, new) => found.push(format!("changed: {path} | {old}\n      to: {new}")),
            Some(_) => {}
        }
    }
    for (path, new) in now.iter().filter(|(path, _)| !before.contains_key(*path)) {
        let Some(parent) = parent(path).and_then(|parent| before.get(parent)) else { continue };
        let why = if parent.starts_with("trait ") && new.starts_with("required ") {
            "who implements the trait lacks it"
        } else if parent.starts_with("enum ") && new.starts_with("variant ") {
            "a `match` on the exhaustive enum lacks it"
        } else if parent.starts_with("struct ") && !parent.ends_with("{ .. }") && path.contains('.') {
            "who makes the exhaustive struct lacks it"
        } else {
            continue;
        };
        found.push(format!("new, and {why}: {path} | {new}"));
    }
    found
}

/// Whether all that held before still does.
fn is_wider(old: &str, new: &str) -> bool {
    let plain = |text: &str| text.replace("const fn ", "fn ");
    let same = |old: &str, new: &str| old == new || (!old.contains("const fn ") && old == plain(new));
    let has_body = old.strip_prefix("required ").zip(new.strip_prefix("provided "));
    same(old, new) || has_body.is_some_and(|(old, new)| same(old, new))
}

/// The type or trait that a field, variant or method belongs to.
fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('.').or_else(|| path.rsplit_once("::")).map(|(parent, _)| parent)
}

/// Whether one version may take the place of the other without anybody's doing: the first number that is not 0 is the
/// same, and nothing went back.
pub(crate) fn is_compatible(before: &str, now: &str) -> Option<bool> {
    let numbers = |version: &str| version.split('.').map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<_>>>();
    let (before, now) = (numbers(before)?, numbers(now)?);
    let kept = before.iter().take_while(|number| **number == 0).count() + 1;
    Some(now >= before && before.iter().take(kept).eq(now.iter().take(kept)))
}
