//! The archives of a release: `cargo binstall` must ask for the names that a release has.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{MANIFEST, WORKFLOW};
use crate::release::{archive_ending, archive_name};

/// Returns the archives for which the two sides differ.
pub(super) fn findings(manifest: &str, workflow: &str) -> Vec<String> {
    let table = manifest.parse::<Table>().ok();
    let metadata = table.as_ref().and_then(|table| table.get("package")?.get("metadata")?.get("binstall"));
    let Some(metadata) = metadata else { return vec![format!("{MANIFEST}: no metadata for cargo binstall")] };
    let mut findings = Vec::new();
    let targets: BTreeSet<&str> = workflow.lines().filter_map(|line| line.trim().strip_prefix("- target: ")).collect();
    if targets.is_empty() {
        findings.push(format!("{WORKFLOW}: no targets"));
    }
    let overrides = metadata.get("overrides").and_then(Value::as_table);
    for target in overrides.iter().flat_map(|table| table.keys()).filter(|target| !targets.contains(target.as_str())) {
        findings.push(format!("{MANIFEST}: {target} is no target of {WORKFLOW}"));
    }

    let address = string(metadata, "pkg-url");
    let (before, file) = address.rsplit_once('/').unwrap_or_default();
    if before != "{ repo }/releases/download/v{ version }" || !workflow.contains("= \"v$VERSION\"") {
        findings.push(format!("{MANIFEST}, {WORKFLOW}: the tag is not `v` and the version"));
    }
    let name = archive_name("{ version }", "{ target }");
    if string(metadata, "bin-dir") != format!("{name}/{{ bin }}{{ binary-ext }}") {
        findings.push(format!("{MANIFEST}: the directory of the program is not `{name}`"));
    }
    for target in targets {
        let special = overrides.and_then(|table| table.get(target)).map(|table| string(table, "pkg-fmt"));
        let format = special.unwrap_or_else(|| string(metadata, "pkg-fmt"));
        let configured = file.replace("{ archive-suffix }", &format!(".{format}"));
        let made = format!("{name}.{}", archive_ending(target));
        if configured != made {
            findings
                .push(format!("{MANIFEST}: for {target}, the archive is `{configured}`, but a release has `{made}`"));
        }
    }
    findings
}

fn string<'a>(table: &'a Value, key: &str) -> &'a str {
    table.get(key).and_then(Value::as_str).unwrap_or_default()
}
