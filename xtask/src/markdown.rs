//! A reader of the links in a Markdown text, and of the anchors of its headings.
//!
//! Code, fenced or inline, is not read as Markdown, so it contains no links.

use std::collections::BTreeMap;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The line of the link, counted from 1.
    pub(crate) line: usize,
    /// The target as it is written, with its anchor.
    pub(crate) target: String,
}

/// Returns the links of a text: inline links, images and reference definitions.
pub(crate) fn links(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    for (line, prose) in prose_lines(text) {
        let prose = without_code(prose);
        let mut rest = prose.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            links.extend(target(after).map(|target| Link { line, target }));
            rest = after;
        }
        let definition = prose.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]:"));
        if let Some((_, after)) = definition {
            links.extend(after.split_whitespace().next().map(|target| Link { line, target: unbracketed(target) }));
        }
    }
    links
}

/// Resolves the target of a link relative to its document.
pub(crate) fn resolve(document: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(document.to_owned());
    }
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Returns the anchors of a text's headings, as GitHub makes them.
pub(crate) fn anchors(text: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = Vec::new();
    for (_, line) in prose_lines(text) {
        let title = line.trim_start_matches('#');
        let level = line.len() - title.len();
        if !(1..=6).contains(&level) || !title.starts_with(' ') {
            continue;
        }
        let anchor = anchor(title.trim());
        let count = seen.entry(anchor.clone()).or_default();
        anchors.push(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
        *count += 1;
    }
    anchors
}

fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Returns the lines outside of fenced code, with their numbers counted from 1.
fn prose_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let marks = fence_of(line);
        match (fence, marks) {
            (None, Some(marks)) => fence = Some(marks),
            (Some(open), Some(marks)) if marks.starts_with(open) && line.trim() == marks => fence = None,
            (None, None) => return Some((index + 1, line)),
            (Some(_), _) => {}
        }
        None
    })
}

/// Returns the marks that open or close fenced code, if the line has them.
pub(crate) fn fence_of(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.len() - line.trim_start_matches(mark).len();
    if length >= 3 { line.get(..length) } else { None }
}

/// Returns a line without its inline code.
fn without_code(line: &str) -> String {
    let parts = line.split('`').enumerate();
    parts.filter(|(index, _)| index % 2 == 0).map(|(_, part)| part).collect()
}

/// Returns the target of an inline link, without its title.
fn target(after: &str) -> Option<String> {
    let (inside, _) = after.split_once(')')?;
    let target = inside.split_whitespace().next().unwrap_or_default();
    Some(unbracketed(target))
}

fn unbracketed(target: &str) -> String {
    target.trim_start_matches('<').trim_end_matches('>').to_owned()
}
