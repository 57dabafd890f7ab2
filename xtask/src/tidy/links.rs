//! The rule that links in the documents lead to an existing file and heading.
//!
//! Links to other sites are not followed, because a test needs no network.

use std::collections::{BTreeMap, BTreeSet};

use crate::failure::Failure;
use crate::markdown::{self, Link, resolve};
use crate::tidy::is_readme_of_a_package;
use crate::workspace::Workspace;

/// The documents at the top of the tree. All documents below `docs` and the README of each package are checked, too.
const DOCUMENTS: &[&str] = &["CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"];

/// Returns the broken links of all documents.
pub(crate) fn findings(workspace: &Workspace, files: &BTreeSet<String>) -> Result<Vec<String>, Failure> {
    let documents: BTreeMap<String, String> = workspace.texts(|path| path.ends_with(".md"))?.into_iter().collect();
    let is_checked =
        |path: &str| DOCUMENTS.contains(&path) || path.starts_with("docs/") || is_readme_of_a_package(path);
    let checked = documents.iter().filter(|(path, _)| is_checked(path));
    Ok(checked.flat_map(|(path, text)| broken(path, text, &documents, files)).collect())
}

/// Returns the broken links of one document.
pub(crate) fn broken(
    path: &str,
    text: &str,
    documents: &BTreeMap<String, String>,
    files: &BTreeSet<String>,
) -> Vec<String> {
    let links = markdown::links(text).into_iter();
    let broken = links.filter_map(|link| Some((fault(path, &link, documents, files)?, link)));
    broken.map(|(fault, link)| format!("{path}:{}: {fault}: {}", link.line, link.target)).collect()
}

fn fault(
    path: &str,
    link: &Link,
    documents: &BTreeMap<String, String>,
    files: &BTreeSet<String>,
) -> Option<&'static str> {
    let target = link.target.as_str();
    if ["https://", "http://", "mailto:"].iter().any(|scheme| target.starts_with(scheme)) {
        return None;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let Some(destination) = resolve(path, file) else {
        return Some("leads out of the project");
    };
    let below = format!("{}/", destination.trim_end_matches('/'));
    let is_directory =
        destination.is_empty() || files.range(below.clone()..).next().is_some_and(|file| file.starts_with(&below));
    if !files.contains(&destination) && !is_directory {
        return Some("leads to no file");
    }
    let anchor = anchor.filter(|_| destination.ends_with(".md"))?;
    let has_heading =
        documents.get(&destination).is_some_and(|text| markdown::anchors(text).iter().any(|found| found == anchor));
    (!has_heading).then_some("leads to no heading")
}
