//! The check of the files with secrets that are accepted although every user may read them.

use std::path::Path;

use connection_api::Check;
use connection_core::remedy_of_open_secret;

use crate::program::Program;

/// Returns a note if there is such a file. It is no fault, because a container has few users.
pub(super) fn check(program: &Program) -> Option<Check> {
    let is_secret = |key: &str| key.ends_with("_file") || matches!(key, "key.file" | "inbound.tls_key");
    let values = program.settings.effective().into_iter().filter(|value| is_secret(&value.key));
    let mut files = Vec::new();
    let mut remedy = None;
    for file in values.filter_map(|value| value.value) {
        if let Some(closes) = remedy_of_open_secret(Path::new(&file)) {
            files.push(file);
            remedy = Some(closes);
        }
    }
    let message = format!(
        "every user of this system can read {}; this is accepted, because root has mounted it read-only, in memory",
        files.join(", ")
    );
    Some(Check { remedy: Some(remedy?), ..Check::passed("secrets", message) })
}
