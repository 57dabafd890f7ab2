//! Tests that the plugin in the documentation passes the conformance suite.
//!
//! `acme.rs` is compiled here, and is compared with the examples in the documentation of the contract and the testkit.

#[expect(unreachable_pub, reason = "as the documentation shows it")]
mod acme;

use connection_testkit::{Expected, Input, Reply, conformance::Suite};

use acme::Acme;

const KEY: &str = "canary-key-of-the-documentation";

#[test]
fn the_plugin_of_the_documentation_passes_the_suite() {
    let me = || {
        Expected::get("https://api.acme.example/v1/me")
            .header("authorization", &format!("Bearer {KEY}"))
            .answer(Reply::json(200, r#"{"id": "42", "name": "Ada"}"#))
    };
    Suite::new(Acme::default).setup([Input::answers(&[("apiKey", KEY)])], [me()]).verify([me()]).check();
}

/// Returns the lines of the first example in a comment.
fn example(source: &str, comment: &str) -> Vec<String> {
    let lines = source.lines().filter_map(|line| line.strip_prefix(comment));
    let lines = lines.map(|line| line.strip_prefix(' ').unwrap_or(line));
    let inside = lines.skip_while(|line| *line != "```").skip(1).take_while(|line| *line != "```");
    inside.map(str::to_owned).collect()
}

/// Returns the lines of the plugin that is compiled here.
fn compiled() -> Vec<String> {
    include_str!("acme.rs")
        .lines()
        .skip_while(|line| line.starts_with("//!") || line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_documentation_of_the_contract_shows_that_plugin() {
    let shown = example(include_str!("../../../../connection-contract/src/definition.rs"), "///");
    assert_eq!(shown, compiled());
}

/// The documentation of the testkit contains the plugin in hidden lines, without comments and blank lines.
#[test]
fn the_documentation_of_the_testkit_tests_that_plugin() {
    let shown = example(include_str!("../../../src/lib.rs"), "//!");
    let hidden: Vec<_> = shown.iter().filter_map(|line| line.strip_prefix("# ")).map(str::to_owned).collect();
    let is_code = |line: &String| !line.is_empty() && !line.starts_with("///") && !line.starts_with("use ");
    let plugin = compiled().into_iter().filter(is_code).map(|line| line.replace("pub struct", "struct"));
    assert_eq!(hidden, plugin.collect::<Vec<_>>());
}
