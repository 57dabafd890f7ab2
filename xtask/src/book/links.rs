//! The check that every link of the book leads to a file and an anchor of the book.
//!
//! Links to other sites are not followed, so the check needs no network.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::markdown::resolve;

/// The page for addresses that do not exist. Its links are relative to the root of the site, wherever it is shown.
const NOT_FOUND: &str = "404.html";

/// A file of the book. A file that is not HTML has neither links nor anchors.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct File {
    anchors: BTreeSet<String>,
    links: Vec<String>,
}

/// Reads all files of the book, by their paths in it.
pub(crate) fn read(book: &Path) -> Result<BTreeMap<String, File>, Failure> {
    let mut found = BTreeMap::new();
    walk(book, "", &mut found).map_err(|error| Failure::new(format!("cannot read {}: {error}", book.display())))?;
    Ok(found)
}

fn walk(directory: &Path, below: &str, found: &mut BTreeMap<String, File>) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &format!("{path}/"), found)?;
            continue;
        }
        let is_page = path.ends_with(".html") && path != NOT_FOUND;
        let file = if is_page { parse(&fs::read_to_string(entry.path())?) } else { File::default() };
        found.insert(path, file);
    }
    Ok(())
}

/// Returns the anchors and links of a page. The text between tags and the content of scripts are not read.
pub(crate) fn parse(html: &str) -> File {
    let mut file = File::default();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((tag, after)) = after.split_once('>') else { break };
        file.anchors.extend(attribute(tag, "id"));
        file.links.extend(["href", "src"].into_iter().filter_map(|name| attribute(tag, name)));
        let is_script = tag.starts_with("script");
        rest = if is_script { after.split_once("</script").map_or("", |(_, after)| after) } else { after };
    }
    file
}

/// Returns the value of an attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, after) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = after.split_once('"')?;
    Some(value.replace("&amp;", "&").replace("&quot;", "\""))
}

/// Returns the links that lead nowhere.
pub(crate) fn broken(book: &BTreeMap<String, File>) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, file) in book {
        let faults = file.links.iter().filter_map(|link| Some((fault(book, path, link)?, link)));
        broken.extend(faults.map(|(fault, link)| format!("{path}: {fault}: {link}")));
    }
    broken
}

fn fault(book: &BTreeMap<String, File>, path: &str, link: &str) -> Option<&'static str> {
    if link.split(['/', '#']).next().is_some_and(|start| start.contains(':')) {
        return None;
    }
    let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
    let Some(destination) = resolve(path, target).and_then(|destination| book.get(&destination)) else {
        return Some("leads to no file of the book");
    };
    let leads_to_page = anchor.is_empty() || destination.anchors.contains(anchor);
    (!leads_to_page).then_some("leads to no anchor")
}
