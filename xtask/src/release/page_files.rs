//! The modules and the font of other projects that are embedded in the page, as the README beside them lists them.

use std::collections::BTreeMap;

use crate::failure::Failure;
use crate::workspace::Workspace;

const DIRECTORY: &str = "crates/connection-server/page/vendor/";

/// A package of the npm registry of which the page embeds a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageFile {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) license: String,
}

/// Returns the packages in the table.
pub(super) fn packages(workspace: &Workspace) -> Result<Vec<PageFile>, Failure> {
    let found = listed(&workspace.text(&format!("{DIRECTORY}README.md"))?.unwrap_or_default());
    if found.is_empty() { Err(Failure::new(format!("{DIRECTORY}README.md lists no files"))) } else { Ok(found) }
}

/// Returns the names and the texts of the licenses.
pub(super) fn licenses(workspace: &Workspace) -> Result<Vec<(String, String)>, Failure> {
    let start = format!("{DIRECTORY}LICENSE-");
    let texts = workspace.texts(|path| path.starts_with(&start))?;
    Ok(texts.into_iter().map(|(path, text)| (path.trim_start_matches(&start).to_owned(), text)).collect())
}

/// Reads a table with the columns file, package, file in the package, license and digest. The cell of a package is
/// `` `htm` 3.1.1, with Preact 10 inside ``, and that of its licenses is `` MIT (`LICENSE-htm`) ``, in the same order.
pub(super) fn listed(readme: &str) -> Vec<PageFile> {
    let mut found = BTreeMap::new();
    for row in readme.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, packages, _, licenses, ..] = cells[..] else { continue };
        let mut licenses = licenses.split(", ").filter_map(|license| license.split_once(" (")).map(|(name, _)| name);
        for package in packages.split(", with ") {
            let mut words = package.split_whitespace();
            let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
            let name = name.trim_matches('`').to_lowercase();
            let license = licenses.next().unwrap_or_default().to_owned();
            found.insert(name.clone(), PageFile { name, version: version.trim_end_matches(',').to_owned(), license });
        }
    }
    found.into_values().collect()
}
