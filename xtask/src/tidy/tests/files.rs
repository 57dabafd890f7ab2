//! Tests of the rules for Rust files, manifests, test files and paths of machines.

use std::collections::BTreeSet;

use crate::tidy::rust_files::has_word;
use crate::tidy::{machine_paths, manifests, rust_files, test_modules};

#[test]
fn an_ordinary_file_passes() {
    check("//! What it is.\n\n#[test]\nfn a() {}\n", &[]);
}

#[test]
fn a_file_without_a_first_sentence_is_found() {
    check("fn a() {}", &["a.rs:1: must start with"]);
    check("// What it is.\n//! Late.", &["a.rs:1: must start with"]);
}

#[test]
fn a_long_file_is_found() {
    check(&format!("//! A.\n{}", "\n".repeat(399)), &[]);
    check(&format!("//! A.\n{}", "\n".repeat(500)), &["a.rs: has 501 lines"]);
}

#[test]
fn a_long_function_is_found() {
    let of = |lines: usize| format!("//! A.\nfn a(b: [u8; 1]) {{{}}}\nfn c();\n", "\n".repeat(lines - 1));
    check(&of(80), &[]);
    check(&of(81), &["a.rs:2: `a` has 81 lines"]);
}

#[test]
fn words_of_unfinished_work_are_found_in_comments_and_strings() {
    for word in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")] {
        check(&format!("//! A.\n// {word}: b\n"), &[&format!("a.rs:2: {word} marks")]);
        check(&format!("//! A.\nconst A: &str = \"{word}\";"), &[&format!("a.rs:2: {word} marks")]);
    }
}

#[test]
fn a_word_inside_another_is_not_that_word() {
    assert!(has_word("a bc d", "bc") && has_word("bc", "bc") && has_word("(bc)", "bc"));
    assert!(!has_word("abc", "bc") && !has_word("bc_d", "bc") && !has_word("bc1", "bc"));
    assert!(has_word("abc bc", "bc"));
}

#[test]
fn macros_and_attributes_that_put_work_off_are_found_in_code_alone() {
    check("//! A.\nfn a() { todo!() }", &["a.rs:2: todo! is"]);
    check("//! A.\nfn a() { unimplemented!(\"b\") }", &["a.rs:2: unimplemented! is"]);
    check("//! A.\n#[test]\n#[ignore]\nfn a() {}", &["a.rs:3: #[ignore] is"]);
    check("//! A.\n#[test]\n#[ignore = \"slow\"]\nfn a() {}", &["a.rs:3: #[ignore] is"]);
    check("//! A.\n#[test]\n#[should_panic(expected = \"b\")]\nfn a() {}", &["a.rs:3: #[should_panic] is"]);
    check("//! No `#[ignore]`, no todo!().\nconst A: &str = \"#[should_panic]\";", &[]);
}

#[test]
fn a_manifest_without_the_lints_of_the_workspace_is_found() {
    assert_eq!(manifests::findings("a/Cargo.toml", "[lints]\nworkspace = true\n"), [""; 0]);
    for text in
        ["", "[lints]\nworkspace = false", "[lints.rust]\nunsafe_code = \"forbid\"", "# [lints]\n# workspace = true"]
    {
        assert_eq!(manifests::findings("a/Cargo.toml", text), ["a/Cargo.toml: must say `[lints] workspace = true`"]);
    }
    assert_eq!(manifests::findings("a/Cargo.toml", "[").len(), 1);
}

#[test]
fn a_test_file_that_is_not_listed_is_found() {
    let files = set(&["a/tests/main/main.rs", "a/tests/main/b.rs", "a/tests/main/c/mod.rs", "a/tests/main/c/d.rs"]);
    let main = "a/tests/main/main.rs";
    assert_eq!(test_modules::findings(main, "mod b;\nmod c;\n", &files), [""; 0]);
    assert_eq!(test_modules::findings(main, "mod b;\n// mod c;\n", &files), [format!("{main}: does not say `mod c;`")]);
    assert_eq!(test_modules::findings(main, "mod c;\n", &files), [format!("{main}: does not say `mod b;`")]);
    assert_eq!(test_modules::findings("a/src/main.rs", "", &files), [""; 0]);
}

#[test]
fn a_test_file_outside_the_one_binary_is_found() {
    assert_eq!(
        test_modules::forgotten_files(&set(&["a/tests/main/main.rs", "a/src/b/tests/c.rs", "x/src/tests/y.rs"])),
        [""; 0]
    );
    assert_eq!(test_modules::forgotten_files(&set(&["a/tests/b.rs"])).len(), 1);
    assert_eq!(test_modules::forgotten_files(&set(&["a/tests/main/b.rs"])).len(), 1);
}

#[test]
fn a_path_of_a_machine_is_found() {
    let ours = [
        concat!("/ro", "ot/.cargo"),
        concat!("/wo", "rk/main"),
        concat!("/ho", "me/alice"),
        concat!("/ho", "me/adam/x"),
        concat!("/Us", "ers/b"),
    ];
    for path in ours {
        for line in [path.to_owned(), format!("see `{path}`"), format!("\"{path}\""), format!("A={path}")] {
            assert_eq!(
                machine_paths::findings("a.md", &format!("\n{line}")),
                ["a.md:2: names a path of a machine"],
                "{line}"
            );
        }
    }
}

#[test]
fn a_path_inside_another_or_of_nobody_is_no_path_of_a_machine() {
    let others = [
        concat!("key/ro", "ot/a"),
        concat!("https://a/wo", "rk/b"),
        concat!("/ho", "me/<you>/a"),
        "/home/ada/notes",
        "$HOME/a",
    ];
    for line in others {
        assert_eq!(machine_paths::findings("a.md", line), [""; 0], "{line}");
    }
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found = rust_files::findings("a.rs", text);
    let matches =
        found.len() == expected.len() && found.iter().zip(expected).all(|(found, start)| found.starts_with(start));
    assert!(matches, "found {found:#?}, expected {expected:#?}");
}

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}
