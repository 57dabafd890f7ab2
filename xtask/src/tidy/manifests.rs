//! The rules for each package's manifest.

use toml::Table;

/// Returns the violations in a manifest.
pub(crate) fn findings(path: &str, text: &str) -> Vec<String> {
    let manifest: Table = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("{path}: {error}")],
    };
    let takes_lints = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
    if takes_lints == Some(true) { Vec::new() } else { vec![format!("{path}: must say `[lints] workspace = true`")] }
}
