//! The chapters of the book as they are copied, with their links rewritten for the place of the copy.

use std::collections::BTreeSet;

use crate::markdown::{links, resolve};

/// The list of chapters, from the root of the project.
pub(crate) const SUMMARY: &str = "docs/SUMMARY.md";

/// The copy of a chapter, with rewritten links.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) text: String,
    /// The files of the project to which the chapter links and which are no chapters.
    pub(crate) code: BTreeSet<String>,
}

/// Returns the paths of the chapters, from the root of the project.
pub(crate) fn chapters(summary: &str) -> BTreeSet<String> {
    links(summary).iter().filter_map(|link| resolve(SUMMARY, &link.target)).collect()
}

/// Returns the documents below `docs` that are no chapters.
pub(crate) fn forgotten(chapters: &BTreeSet<String>, files: &BTreeSet<String>) -> Vec<String> {
    let documents = files.iter().filter(|path| path.starts_with("docs/") && path.ends_with(".md"));
    let forgotten = documents.filter(|path| *path != SUMMARY && !chapters.contains(*path));
    forgotten.map(|path| format!("{path}: {SUMMARY} does not list it")).collect()
}

/// Returns the list of chapters for the root of the copies.
pub(crate) fn summary(text: &str) -> String {
    rewritten(text, |target| resolve(SUMMARY, target))
}

/// Returns the copy of a chapter.
pub(crate) fn page(path: &str, text: &str, chapters: &BTreeSet<String>, files: &BTreeSet<String>) -> Page {
    let mut code = BTreeSet::new();
    let text = rewritten(text, |target| {
        let (file, _) = target.split_once('#').unwrap_or((target, ""));
        let destination = resolve(path, file).filter(|destination| files.contains(destination))?;
        if file.is_empty() || chapters.contains(&destination) {
            return None;
        }
        let link = shown(file);
        code.insert(destination);
        Some(link)
    });
    Page { text, code }
}

/// Returns `true` for a picture, which is copied as it is.
pub(crate) fn is_picture(path: &str) -> bool {
    path.ends_with(".png") || path.ends_with(".svg")
}

/// Returns the name under which a file is in the book. A browser shows a file of code with this name as text, and would
/// offer others for download. A link to a name with `.md` in it would become one to a chapter.
pub(crate) fn shown(path: &str) -> String {
    if path.ends_with(".txt") || path.ends_with(".json") || is_picture(path) {
        return path.to_owned();
    }
    format!("{}.txt", path.strip_suffix(".md").unwrap_or(path))
}

/// Replaces the target of each link for which `target` returns another one.
fn rewritten(text: &str, mut target: impl FnMut(&str) -> Option<String>) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for link in links(text) {
        let line = link.line.checked_sub(1).and_then(|index| lines.get_mut(index));
        if let (Some(line), Some(new)) = (line, target(&link.target)) {
            *line = line.replace(&format!("]({})", link.target), &format!("]({new})"));
        }
    }
    lines.join("\n") + "\n"
}
