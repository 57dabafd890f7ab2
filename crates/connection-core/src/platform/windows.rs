//! The name of a machine and its programs on other systems: written to compile, not run.

use std::fs::Metadata;

pub(super) fn machine_name() -> Option<String> {
    None
}

/// Returns the names that the system runs without a shell, for which arguments would have to be quoted.
pub(super) fn program_names(name: &str) -> Vec<String> {
    [".exe", ".cmd"].iter().map(|extension| format!("{name}{extension}")).collect()
}

pub(super) fn may_run(_metadata: &Metadata) -> bool {
    true
}
