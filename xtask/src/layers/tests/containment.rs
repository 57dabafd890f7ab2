//! Tests of the containment: every known way out of it is found, and ordinary plugins pass.

use std::collections::BTreeMap;

use crate::layers::containment::{findings, is_contained};
use crate::layers::metadata::{Dependency, Kind, Package, Target};

const ROOT: &str = "//! A plugin.\n#![no_std]\n#![forbid(unsafe_code)]\n";

#[test]
fn an_ordinary_plugin_passes() {
    check("", &[]);
    check("extern crate alloc; use connection_contract::prelude::*; fn a(host: &str) { x.host(); b(host) }", &[]);
    check("fn a() -> Option<PathSpec> { let path = spec.path; PathSpec { path } }", &[]);
}

#[test]
fn words_in_comments_and_strings_are_no_findings() {
    check("// extern crate std; #[cfg(unix)] host::x env!(\"A\")\n", &[]);
    check("const A: &str = \"extern crate std; #[cfg(unix)] host::\";", &[]);
    check("/* /* */ #[cfg(unix)] */", &[]);
}

#[test]
fn a_string_that_looks_like_a_comment_hides_nothing() {
    check("const A: &str = \"/*\"; extern crate std; // */", &["lib.rs:4: `extern` other than"]);
    check("const A: char = '\"'; extern crate std; // \"", &["lib.rs:4: `extern` other than"]);
}

#[test]
fn std_by_way_of_a_cfg_is_found() {
    check(
        "#[cfg(target_os = \"linux\")]\nextern crate std;",
        &["lib.rs:4: `cfg` other than", "lib.rs:5: `extern` other than"],
    );
    check("#[cfg_attr(unix, path = \"b.rs\")] mod c;", &["lib.rs:4: `cfg_attr` other than"]);
    check("fn a() -> bool { cfg!(unix) }", &["lib.rs:4: `cfg` other than"]);
    check("#[r#cfg(unix)] fn a() {}", &["lib.rs:4: `cfg` other than"]);
    check("#[cfg(any(test, unix))] mod a {}", &["lib.rs:4: `cfg` other than"]);
    check("#[cfg(feature = \"std\")] fn a() {}", &["lib.rs:4: `cfg` other than"]);
}

#[test]
fn another_external_crate_is_found() {
    check("extern crate libc;", &["lib.rs:4: `extern` other than"]);
    check("extern crate alloc as std;", &["lib.rs:4: `extern` other than"]);
    check("extern \"C\" { fn getenv(); }", &["lib.rs:4: `extern` other than"]);
    check("m! { extern, crate, std }", &["lib.rs:4: `extern` other than"]);
}

#[test]
fn a_macro_of_the_plugins_own_is_found() {
    check("macro_rules! m { () => {} }", &["lib.rs:4: a plugin declares no macro"]);
}

#[test]
fn a_macro_that_reads_files_or_the_environment_is_found() {
    for name in ["env", "include", "include_bytes", "include_str", "option_env"] {
        check(&format!("const A: &str = {name}!(\"B\");"), &[&format!("lib.rs:4: `{name}` is a macro")]);
        check(&format!("use core::{{{name} as b}};"), &[&format!("lib.rs:4: `{name}` is a macro")]);
    }
    check("#[path = \"../../elsewhere.rs\"] mod a;", &["lib.rs:4: `path` brings"]);
}

#[test]
fn host_constructors_are_found_in_a_plugin() {
    check("fn a() { connection_contract::host::b() }", &["lib.rs:4: `host::`"]);
    check("use connection_contract::{Field, host};", &["lib.rs:4: `host::`"]);
    check("use connection_contract::host as h;", &["lib.rs:4: `host::`"]);
    check("use connection_contract::*; fn a() { host::b() }", &["lib.rs:4: `host::`"]);
    check("fn a() { connection_contract::r#host::b() }", &["lib.rs:4: `host::`"]);
}

#[test]
fn host_constructors_are_allowed_in_tests() {
    check("#[cfg(test)] extern crate std; #[cfg(test)] mod tests { use connection_contract::host; }", &[]);
    let tests = "use connection_contract::host; fn a() { host::b() }";
    check_files(&[("lib.rs", &format!("{ROOT}#[cfg(test)] mod tests;")), ("tests.rs", tests)], &[]);
    check_files(&[("lib.rs", &format!("{ROOT}#[cfg(test)] mod tests;")), ("tests/mod.rs", tests)], &[]);
    check_files(
        &[("lib.rs", &format!("{ROOT}mod a;")), ("a/mod.rs", "#[cfg(test)] mod tests;"), ("a/tests.rs", tests)],
        &[],
    );
}

#[test]
fn a_file_that_is_built_outside_tests_too_is_no_test() {
    check_files(
        &[("lib.rs", &format!("{ROOT}#[cfg(test)] mod a; mod a;")), ("a.rs", "fn b() { host::c() }")],
        &["a.rs:1: `host::`"],
    );
}

#[test]
fn a_cfg_is_found_in_tests_too() {
    check("#[cfg(test)] mod tests { #[cfg(unix)] fn a() {} }", &["lib.rs:4: `cfg` other than"]);
}

#[test]
fn a_test_attribute_inside_a_macro_hides_nothing() {
    check(
        "m! { #[cfg(test)] mod a { extern crate std; } }",
        &["lib.rs:4: `cfg` other than", "lib.rs:4: `extern` other than"],
    );
}

#[test]
fn a_root_that_does_not_renounce_std_and_unsafe_is_found() {
    check_files(&[("lib.rs", "#![forbid(unsafe_code)]")], &["lib.rs: must say #![no_std]"]);
    check_files(&[("lib.rs", "#![no_std]")], &["lib.rs: must say #![forbid(unsafe_code)]"]);
    check_files(
        &[("lib.rs", "// #![no_std] #![forbid(unsafe_code)]")],
        &["lib.rs: must say #![no_std]", "lib.rs: must say #![forbid(unsafe_code)]"],
    );
    check_files(
        &[("lib.rs", "#![deny(unsafe_code)] mod a { #![no_std] }")],
        &["lib.rs: must say #![no_std]", "lib.rs: must say #![forbid(unsafe_code)]"],
    );
    check_files(&[], &["has no src/lib.rs"]);
}

#[test]
fn a_build_script_is_found() {
    check_target(&["custom-build", "bin"], "build.rs", "must have no build script");
}

#[test]
fn a_proc_macro_or_another_library_form_is_found() {
    check_target(&["proc-macro", "proc-macro"], "src/lib.rs", "must be a library");
    check_target(&["lib", "cdylib"], "src/lib.rs", "must be a library");
    check_target(&["bin", "bin"], "src/main.rs", "must be a library");
    check_target(&["lib", "lib"], "../elsewhere/lib.rs", "must be a library");
}

#[test]
fn a_library_with_tests_passes() {
    let mut package = plugin();
    package.targets = vec![target(&["lib", "lib"], "src/lib.rs"), target(&["test", "bin"], "tests/main/main.rs")];
    assert_eq!(findings(&package, &sources(&[("lib.rs", ROOT)])), [""; 0]);
}

#[test]
fn a_dependency_beyond_the_contract_is_found_unless_it_is_for_tests() {
    for (kind, expected) in [(Kind::Normal, 1), (Kind::Build, 1), (Kind::Dev, 0)] {
        let mut package = plugin();
        package.dependencies = vec![
            Dependency { name: "connection-contract".to_owned(), kind: Kind::Normal },
            Dependency { name: "libc".to_owned(), kind },
        ];
        assert_eq!(findings(&package, &sources(&[("lib.rs", ROOT)])).len(), expected);
    }
}

#[test]
fn a_plugin_on_more_than_the_contract_is_not_built_without_std() {
    assert!(is_contained(&plugin()));
    assert!(!is_contained(&Package { name: "connection-plugin-gmail".to_owned(), ..plugin() }));
    assert!(!is_contained(&Package { directory: "crates/connection-contract".to_owned(), ..plugin() }));
}

#[track_caller]
fn check(code: &str, expected: &[&str]) {
    check_files(&[("lib.rs", &format!("{ROOT}{code}"))], expected);
}

#[track_caller]
fn check_files(files: &[(&str, &str)], expected: &[&str]) {
    let found = findings(&plugin(), &sources(files));
    let matches = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, start)| {
            found.strip_prefix("connection-plugin-a: ").is_some_and(|finding| finding.starts_with(start))
        });
    assert!(matches, "found {found:#?}, expected {expected:#?}");
}

#[track_caller]
fn check_target(kinds: &[&str], source: &str, expected: &str) {
    let mut package = plugin();
    package.targets = vec![target(kinds, source)];
    let found = findings(&package, &sources(&[("lib.rs", ROOT)]));
    assert!(found.iter().any(|finding| finding.contains(expected)), "{found:?}");
}

fn plugin() -> Package {
    Package { name: "connection-plugin-a".to_owned(), directory: "plugins/a".to_owned(), ..Package::default() }
}

fn target(kinds: &[&str], source: &str) -> Target {
    Target { kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(), source: source.to_owned() }
}

fn sources(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}
