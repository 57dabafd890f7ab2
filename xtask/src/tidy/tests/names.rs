//! Tests of the rule for names: a provider's name in shared code is found, and prose and tests may contain it.

use std::collections::BTreeSet;

use crate::tidy::names::{findings, kinds};

const CORE: &str = "crates/connection-core/src/verify.rs";
const HOST: &str = "crates/connection-host/src/add.rs";

#[test]
fn kinds_are_the_directories_of_plugins() {
    let files = ["plugins/a/Cargo.toml", "plugins/a/src/lib.rs", "plugins/b-c/Cargo.toml", "crates/d/Cargo.toml"];
    assert_eq!(kinds(&files.map(str::to_owned).into()), set(&["a", "b-c"]));
}

#[test]
fn a_kind_in_the_code_of_a_library_is_found() {
    check(CORE, "match kind { \"github\" => a() }", 1);
    check(CORE, "fn refresh_github_token() {}", 1);
    check(CORE, "struct GitHubClient;", 1);
    check(CORE, "const AGENT_CLI: &str = \"https://agent-cli.example\";", 2);
    check("crates/connection-contract/src/kind.rs", "const A: Kind = Kind::new(\"github\");", 1);
}

#[test]
fn comments_and_tests_may_name_a_kind() {
    check(CORE, "//! As github does.\n/// Like `github`.\n// github\nfn a() {}", 0);
    check(CORE, "fn a() {} #[cfg(test)] mod tests { const A: &str = \"github\"; }", 0);
    check("crates/connection-core/src/verify/tests.rs", "const A: &str = \"github\";", 0);
    check("crates/connection-core/src/verify/tests/a.rs", "const A: &str = \"github\";", 0);
    check("crates/connection-core/tests/main/a.rs", "const A: &str = \"github\";", 0);
    check("plugins/github/src/lib.rs", "const A: &str = \"github\";", 0);
}

#[test]
fn an_ordinary_word_is_a_kind_only_where_it_stands_alone() {
    check(CORE, "const A: &str = \"the filesystem is full\"; fn filesystem() {}", 0);
    check(CORE, "match kind { \"filesystem\" => a() }", 1);
}

#[test]
fn the_binary_may_speak_of_a_kind_but_not_decide_on_one() {
    check(HOST, "const HELP: &str = \"connections add github\"; use github_plugin as a;", 0);
    check(HOST, "match kind { \"github\" => a() }", 1);
    check("crates/connection-host/src/plugins.rs", "const A: &str = \"github\"; register(Github);", 0);
}

#[track_caller]
fn check(path: &str, text: &str, expected: usize) {
    let found = findings(path, text, &set(&["agent-cli", "filesystem", "github"]));
    assert_eq!(found.len(), expected, "{found:?}");
}

fn set(kinds: &[&str]) -> BTreeSet<String> {
    kinds.iter().map(|kind| (*kind).to_owned()).collect()
}
