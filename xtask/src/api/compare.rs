//! Finds the changes of a public API that break its users.
//!
//! The comparison is stricter than the compiler where that is simpler: a type that is spelled differently counts as
//! another type.

use crate::api::listing::Listing;

/// Returns a line for each item that was removed or changed, and for each new item that breaks users.
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
            "implementations of the trait lack it"
        } else if parent.starts_with("enum ") && new.starts_with("variant ") {
            "a `match` on the exhaustive enum does not cover it"
        } else if parent.starts_with("struct ") && !parent.ends_with("{ .. }") && path.contains('.') {
            "code that creates the exhaustive struct lacks it"
        } else {
            continue;
        };
        found.push(format!("new, and {why}: {path} | {new}"));
    }
    found
}

/// Returns `true` if all code that compiled with the old declaration compiles with the new one.
fn is_wider(old: &str, new: &str) -> bool {
    let plain = |text: &str| text.replace("const fn ", "fn ");
    let same = |old: &str, new: &str| old == new || (!old.contains("const fn ") && old == plain(new));
    let has_body = old.strip_prefix("required ").zip(new.strip_prefix("provided "));
    same(old, new) || has_body.is_some_and(|(old, new)| same(old, new))
}

/// Returns the path of the type or trait to which a field, variant or method belongs.
fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('.').or_else(|| path.rsplit_once("::")).map(|(parent, _)| parent)
}

/// Returns `true` if cargo may replace the first version with the second by itself: the numbers up to the first that is
/// not 0 are the same, and the second version is not older. Returns `None` for text that is no version.
pub(crate) fn is_compatible(before: &str, now: &str) -> Option<bool> {
    let numbers = |version: &str| version.split('.').map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<_>>>();
    let before = numbers(before)?;
    let now = numbers(now)?;
    let kept = before.iter().take_while(|number| **number == 0).count() + 1;
    Some(now >= before && before.iter().take(kept).eq(now.iter().take(kept)))
}
