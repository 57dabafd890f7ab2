//! Tests of the files that are made and of the allowed names. Nothing is overwritten.

use std::fs;
use std::path::Path;

use super::request::{HELP, Request};
use super::{Name, OAUTH2, TEMPLATE, path, plugin_files, run, write};
use crate::workspace::Workspace;

#[test]
fn the_stranger_in_the_tree_is_what_new_plugin_makes() {
    let workspace = Workspace::find().unwrap();
    for (template, most_lines) in [(TEMPLATE, 100), (OAUTH2, 40)] {
        let directory = workspace.root().join(template);
        let made = plugin_files(&workspace, template, &name("acme"), &directory).unwrap();
        for (inside, content) in &made {
            assert!(fs::read(directory.join(inside)).unwrap() == *content, "{template}/{inside} is another");
        }
        for inside in ["Cargo.toml", "README.md", "src/lib.rs", "tests/main/main.rs"] {
            assert!(made.iter().any(|(path, _)| path == inside), "no {inside} in {template}");
        }
        let mut paths = made.iter().map(|(path, _)| path);
        assert!(!paths.any(|path| path.starts_with("tests/fixtures/")), "nothing is released that must be read");
        let source = made.iter().filter(|(path, _)| path.starts_with("src/"));
        let lines: usize = source.map(|(_, content)| content.split(|byte| *byte == b'\n').count()).sum();
        assert!(lines < most_lines, "{template} has {lines} lines");
    }
}

#[test]
fn a_plugin_of_another_name_names_acme_nowhere_and_finds_the_checkout() {
    let workspace = Workspace::find().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let oauth2 = plugin_files(&workspace, OAUTH2, &name("blue-post"), directory.path()).unwrap();
    let files = plugin_files(&workspace, TEMPLATE, &name("blue-post"), directory.path()).unwrap();
    write(&files, directory.path()).unwrap();
    for (inside, content) in files.iter().chain(&oauth2) {
        let text = String::from_utf8_lossy(content).to_ascii_lowercase();
        assert!(!text.contains("acme") || inside == ".cargo/config.toml", "{inside} names acme");
    }
    let read = |inside: &str| fs::read_to_string(directory.path().join(inside)).unwrap();
    let source = read("src/lib.rs");
    assert!(
        source.contains("pub struct BluePost;") && source.contains(r#"Kind::from_static("blue-post"), "Blue Post""#)
    );
    assert!(read("Cargo.toml").contains("name = \"connection-plugin-blue-post\""));
    assert!(read("tests/main/main.rs").contains("use connection_plugin_blue_post::BluePost;"));
    let config: toml::Table = read(".cargo/config.toml").parse().unwrap();
    let contract = config["patch"]["crates-io"]["connection-contract"]["path"].as_str().unwrap();
    assert!(directory.path().canonicalize().unwrap().join(contract).join("Cargo.toml").is_file(), "{contract}");
}

#[test]
fn a_name_that_does_not_fit_is_refused_with_what_to_do() {
    for (name, why) in [
        ("", "a-z, 0-9 and `-`"),
        ("Acme", "a-z, 0-9 and `-`"),
        ("acme_mail", "a-z, 0-9 and `-`"),
        ("../acme", "a-z, 0-9 and `-`"),
        (&"a".repeat(65), "1 to 64"),
        ("1acme", "begins with a letter"),
        ("acme-", "between two words"),
        ("acme--mail", "between two words"),
        ("connection-plugin-acme", "use `acme`"),
        ("github", "is shipped"),
        ("secret", "`Secret` would hide"),
        ("self", "`Self` would hide"),
        ("key", "`Key` would hide"),
        ("option", "`Option` would hide"),
    ] {
        let refusal = Name::new(name, &["plugins/github/Cargo.toml".to_owned()]).unwrap_err().to_string();
        assert!(refusal.contains(why), "{name}: {refusal}");
    }
}

#[test]
fn a_directory_with_something_in_it_is_left_alone() {
    let workspace = Workspace::find().unwrap();
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("mine"), "mine").unwrap();
    let at = directory.path().to_str().unwrap();
    let refusal = run(&workspace, &["blue-post", "--at", at]).unwrap_err().to_string();
    assert!(refusal.contains("is not empty") && refusal.contains("--at"), "{refusal}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn the_way_between_two_directories_goes_up_and_down() {
    for (from, to, way) in
        [("/a/b/c", "/a", "../.."), ("/a", "/a/b", "b"), ("/a/b", "/a/c/d", "../c/d"), ("/a", "/a", ".")]
    {
        assert_eq!(path::from_to(Path::new(from), Path::new(to)), way);
    }
}

#[test]
fn the_words_of_the_command_are_read_in_any_order_and_help_is_shown() {
    let made = |name, template, at| Some(Request { name, template, at });
    for (words, expected) in [
        (&["acme"][..], made("acme", TEMPLATE, None)),
        (&["acme", "--oauth2"], made("acme", OAUTH2, None)),
        (&["--at", "x", "--oauth2", "acme"], made("acme", OAUTH2, Some("x"))),
        (&["--help"], None),
        (&["acme", "-h"], None),
    ] {
        assert_eq!(Request::read(words).unwrap(), expected, "{words:?}");
    }
    for (words, why) in [
        (&[][..], "the name of the plugin is missing"),
        (&["acme", "--at"], "`--at` needs a directory"),
        (&["acme", "--oauth"], "unknown option `--oauth`"),
        (&["acme", "mail"], "unexpected argument `mail`"),
    ] {
        let refusal = Request::read(words).unwrap_err().to_string();
        assert!(refusal.contains(why) && refusal.contains("new-plugin --help"), "{words:?}: {refusal}");
    }
    assert!(HELP.lines().all(|line| line.len() <= 80), "help is wider than a terminal");
}

fn name(name: &str) -> Name {
    Name::new(name, &[]).unwrap()
}
