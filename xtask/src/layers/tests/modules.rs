//! Tests of the order of modules: an import of a higher module is found in every form in which it can be written.

use std::collections::BTreeMap;

use crate::layers::modules::{Order, circles, findings};

const ROWS: &[&[&str]] = &[&["ids"], &["store"], &["setup", "verify"]];

const ROOT: &str = "mod ids;\nmod setup;\nmod store;\nmod verify;\npub use outside::Thing;\n\
                    pub use setup::{Session, Step as SetupStep};\npub use ids::Id;\n";

#[test]
fn an_import_of_a_lower_module_is_allowed_by_path_and_by_the_root() {
    check("setup/run.rs", "use crate::{Id, Thing, store::rows::{self, Row}};", &[]);
    check("setup/run.rs", "use super::super::store::Row;", &[]);
    check("setup/run.rs", "use super::step::Step; use self::inner::Other; use crate::setup::Session;", &[]);
}

#[test]
fn an_import_of_a_higher_module_by_path_is_found() {
    let found = "store must not import setup, which is not below it: store/mod.rs:2";
    check("store/mod.rs", "\nuse crate::setup::Session;", &[found]);
    check("store/mod.rs", "\nuse crate::{ids, setup::{Session, Step}};", &[&format!("{found}, store/mod.rs:2")]);
    check("store/mod.rs", "\nuse super::setup;", &[found]);
    check("store/mod.rs", "\nfn f() -> crate::setup::Session { g() }", &[found]);
    check("store/mod.rs", "\nmod inner { use super::super::setup; }", &[found]);
    check("store/rows/mod.rs", "\nuse super::super::setup;", &[&found.replace("store/mod", "store/rows/mod")]);
}

#[test]
fn an_import_of_a_higher_module_by_a_name_of_the_root_is_found() {
    let found = "ids must not import setup, which is not below it: ids.rs:2";
    check("ids.rs", "\nuse crate::Session;", &[found]);
    check("ids.rs", "\nuse crate::{SetupStep as Step, Thing};", &[found]);
    check("ids.rs", "\nfn f(step: &crate::SetupStep) {}", &[found]);
}

#[test]
fn modules_of_one_row_do_not_import_each_other() {
    check("verify.rs", "use crate::Session;", &["verify must not import setup, which is not below it: verify.rs:1"]);
}

#[test]
fn code_for_tests_may_import_what_it_likes() {
    check("ids.rs", "#[cfg(test)]\nmod tests { use crate::setup; }", &[]);
    check("ids.rs", "#[cfg(all(test, unix))]\npub(crate) mod tests;", &[]);
    check("ids.rs", "impl A {\n#[cfg(test)]\n#[expect(x)]\npub fn f<A, B>() { crate::setup::g() }\n}", &[]);
    check("ids.rs", "struct A { #[cfg(test)] one: crate::Session, two: u8 }", &[]);
    let found = "ids must not import setup, which is not below it: ids.rs:1";
    check("ids.rs", "#[cfg(test)] use a::{b, c}; use crate::setup;", &[found]);
    check("ids.rs", "#[cfg(not(test))] use crate::setup;", &[found]);
    check("ids.rs", "struct A { #[cfg(test)] one: u8, two: crate::Session }", &[found]);
}

#[test]
fn a_file_that_is_declared_for_tests_alone_is_a_test() {
    let sources = [("ids/mod.rs", "#[cfg(test)]\npub(crate) mod fakes;"), ("ids/fakes/mod.rs", "use crate::setup;")];
    assert_eq!(found_in(&sources), [""; 0]);
    let sources = [("ids/mod.rs", "mod fakes;"), ("ids/fakes/mod.rs", "use crate::setup;")];
    assert_eq!(found_in(&sources).len(), 1, "the control");
}

#[test]
fn a_module_without_a_row_and_a_row_without_a_module_are_found() {
    let found = ["the module extra has no row in xtask/src/layers/modules/table.rs"];
    assert_eq!(found_in(&[("extra.rs", "")]), found);
    let sources = [("lib.rs".to_owned(), String::new()), ("ids.rs".to_owned(), String::new())].into();
    let order = Order { package: "connection-core", rows: &[&["ids", "gone"]] };
    let found = ["xtask/src/layers/modules/table.rs has a row for gone, which does not exist"];
    assert_eq!(findings(&sources, order), found);
}

#[test]
fn a_path_to_something_unknown_is_found() {
    check("ids.rs", "use crate::Unknown;", &["ids.rs:1: `crate::Unknown` is no module and no name of the root"]);
    check("ids.rs", "use crate::*;", &["ids.rs:1: imports all of the root"]);
}

#[test]
fn a_circle_of_modules_is_found_with_the_imports_that_form_it() {
    let found = |c: &str| {
        let files = [
            ("lib.rs", "mod a; mod b; mod c; pub use c::C; pub mod prelude { pub use crate::C; }"),
            ("a.rs", "use crate::b::B;"),
            ("b/mod.rs", "\nuse crate::C;"),
            ("c.rs", c),
            ("d.rs", "use crate::a::A;"),
            ("bin/other.rs", "use crate::bin::B;"),
        ];
        circles(&files.map(|(path, text)| (path.to_owned(), text.to_owned())).into())
    };
    assert_eq!(found("#[cfg(test)] use crate::a::A;"), [""; 0]);
    let circle = "modules import each other in a circle: a -> b (a.rs:1), b -> c (b/mod.rs:2), c -> a (c.rs:1)";
    assert_eq!(found("use crate::a::A;"), [circle]);
}

#[track_caller]
fn check(path: &str, text: &str, expected: &[&str]) {
    assert_eq!(found_in(&[(path, text)]), expected);
}

/// Returns the findings in a crate of four modules in which the given files have the given text.
fn found_in(files: &[(&str, &str)]) -> Vec<String> {
    let mut sources: BTreeMap<String, String> = ["ids", "setup", "store", "verify"]
        .iter()
        .filter(|module| !files.iter().any(|(path, _)| path.split(['.', '/']).next() == Some(module)))
        .map(|module| (format!("{module}.rs"), String::new()))
        .collect();
    sources.insert("lib.rs".to_owned(), ROOT.to_owned());
    sources.extend(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    findings(&sources, Order { package: "connection-core", rows: ROWS })
}
