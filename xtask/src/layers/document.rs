//! The tables of the architecture in the form in which a document shows them.

use crate::layers::modules;
use crate::layers::table::{EXTERNAL_PACKAGES, PLUGIN, ROWS, Row};

/// Returns the table of allowed dependencies, and the table of external packages with the packages that may use them.
pub(crate) fn tables() -> String {
    let mut text = "| Package | May depend on | Its tests also on |\n|---|---|---|\n".to_owned();
    for Row { package, normal, dev } in ROWS.iter().chain([&PLUGIN]) {
        text.push_str(&format!("| `{package}` | {} | {} |\n", names(normal), names(dev)));
    }
    text.push_str("\n| Of others | Where | What for |\n|---|---|---|\n");
    for place in EXTERNAL_PACKAGES {
        text.push_str(&format!("| `{}` | {} | {} |\n", place.dependency, names(place.packages), place.purpose));
    }
    text
}

/// Returns the table of the core's modules, the highest row first.
pub(crate) fn module_table() -> String {
    let mut text = "| Row | Modules |\n|---|---|\n".to_owned();
    for (index, row) in modules::ROWS.iter().enumerate().rev() {
        text.push_str(&format!("| {} | {} |\n", index + 1, names(row)));
    }
    text
}

fn names(names: &[&str]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
