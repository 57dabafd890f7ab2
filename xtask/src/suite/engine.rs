//! The tests that run on PostgreSQL: the modules that the files `tests/main/both.rs` list, and those for it alone.

use crate::failure::Failure;
use crate::suite::part::{self, Part};
use crate::workspace::Workspace;

/// The environment variable that names the engine of tests that run on both. Without it, they run on SQLite.
pub(super) const VARIABLE: &str = "CONNECTIONS_TEST_ENGINE";
pub(super) const POSTGRES: &str = "postgres";

/// The list of the modules of a crate.
const LIST: &str = "/tests/main/both.rs";

/// The tests that only PostgreSQL needs.
const ALONE: &str = "(package(connection-core) and test(/^postgres::/))";

/// The tests that continuous integration runs on PostgreSQL, among those of the lists: what the engine does differently.
///
/// These are the modules of the core, which hold every statement, and in the crates above it whole servers, processes
/// that are killed, and everything that several processes do with one store. The other tests of these crates send the
/// same statements again through HTTP, so they run on PostgreSQL only at night. The tests of an outage let hours pass second
/// by second, with many looks at the server for each, and are quick on SQLite alone.
const IN_CI: &str = "(package(connection-core) and not test(/^outage_recovery::/)) \
    or (package(connection-host) and test(/^(serve|kill|approval_kills|stop_drill)::/)) \
    or test(/process|nodes|killed/)";

/// Returns the tests of a part that run on PostgreSQL, as a filter of nextest.
pub(super) fn on_postgres(workspace: &Workspace, part: Part) -> Result<String, Failure> {
    let mut parts = vec![ALONE.to_owned()];
    for (path, text) in workspace.texts(|path| path.ends_with(LIST))? {
        let package = path.strip_suffix(LIST).and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        parts.push(format!("(package({package}) and binary(main) and test(/^({})::/))", modules(&text).join("|")));
    }
    if parts.len() == 1 {
        return Err(Failure::new("no file tests/main/both.rs lists tests for PostgreSQL"));
    }
    let all = parts.join(" or ");
    Ok(part.of(&all, &format!("({IN_CI}) and {}", part::quick_enough())))
}

/// Returns the modules that a list declares.
fn modules(list: &str) -> Vec<&str> {
    list.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_names_the_modules_of_each_list() {
        let filter = on_postgres(&Workspace::find().unwrap(), Part::All).unwrap();
        for part in
            ["package(connection-core) and binary(main)", "package(connection-host)", "|imports|", "^postgres::"]
        {
            assert!(filter.contains(part), "{part}: {filter}");
        }
        assert_eq!(modules("// A list.\n\nmod a;\n#[cfg(unix)]\nmod b;\nuse c;\n"), ["a", "b"]);
    }
}
