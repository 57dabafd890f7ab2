//! Tests of the guide for authors, as far as its code can be tried without a build.

use std::collections::BTreeSet;
use std::fs;

use super::{dev_profile, readme_host::ReadmeHost};
use crate::new_plugin::{self, Name};
use crate::process;
use crate::workspace::Workspace;

#[test]
fn strangers_build_with_the_profile_of_the_workspace() {
    let manifest = "[profile.dev]\ndebug = \"line-tables-only\"\n[profile.dev.package.\"*\"]\ndebug = false\n\
                    [profile.dev.package.a]\nopt-level = 3\n[profile.release]\nstrip = true\n";
    let mut options = dev_profile(manifest, false).unwrap();
    options.sort_unstable();
    let expected = [
        r#"profile.dev."debug"="line-tables-only""#,
        r#"profile.dev."package"."*"."debug"=false"#,
        r#"profile.dev."package"."a"."opt-level"=3"#,
    ];
    assert_eq!(options, expected);
    let mut options = dev_profile(manifest, true).unwrap();
    options.sort_unstable();
    assert_eq!(options, expected[1..]);
    let own = Workspace::find().unwrap().text("Cargo.toml").unwrap().unwrap();
    assert!(dev_profile(&own, false).unwrap().iter().any(|option| option.contains("libsqlite3-sys")));
}

/// Returns the code of the fence after a line of the guide.
fn fence_behind<'a>(guide: &'a str, line: &str) -> &'a str {
    let (_, rest) = guide.split_once(line).expect("the line is in the guide");
    let (_, code) = rest.split_once("```toml\n").expect("a fence follows");
    code.split_once("```").expect("the fence ends").0
}

#[cfg(unix)]
#[test]
fn the_guides_host_resolves_with_a_plugin_that_new_plugin_made() {
    let workspace = Workspace::find().unwrap();
    let guide = fs::read_to_string(workspace.root().join("docs/guide/plugins.md")).unwrap();
    for template in [new_plugin::TEMPLATE, new_plugin::OAUTH2] {
        let desk = tempfile::tempdir().unwrap();
        let plugin = desk.path().join("connection-plugin-acme");
        let host = desk.path().join("acme-host");
        fs::create_dir_all(&plugin).unwrap();
        fs::create_dir_all(host.join("src")).unwrap();
        std::os::unix::fs::symlink(workspace.root().canonicalize().unwrap(), desk.path().join("connections")).unwrap();
        let files = new_plugin::plugin_files(&workspace, template, &Name::new("acme", &[]).unwrap(), &plugin).unwrap();
        new_plugin::write(&files, &plugin).unwrap();
        fs::write(host.join("Cargo.toml"), fence_behind(&guide, "Its `Cargo.toml`:")).unwrap();
        fs::write(host.join("src/main.rs"), "fn main() {}").unwrap();
        fs::copy(workspace.root().join("Cargo.lock"), host.join("Cargo.lock")).unwrap();

        let tree = ["tree", "--offline", "--prefix", "none", "--format", "{p}"];
        let tree = process::output(&mut process::cargo(&host, &tree)).unwrap();
        let packages: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
        for name in ["connection-contract", "connection-host", "connection-plugin-acme"] {
            let named = packages.iter().filter(|package| package.starts_with(&format!("{name} v")));
            assert_eq!(named.count(), 1, "{template}: {name}");
        }
    }
}

#[test]
fn readme_shows_a_host_whose_lines_for_cargo_resolve() {
    let workspace = Workspace::find().unwrap();
    let readme = workspace.text("README.md").unwrap().unwrap();
    let mut lines = readme.lines().filter(|line| line.starts_with("connection-core = "));
    let (both, one) = (lines.next().unwrap(), lines.next().unwrap());
    for (readme, has_postgres) in [(readme.replacen(both, one, 1), false), (readme.clone(), true)] {
        let host = ReadmeHost::read(&readme).unwrap();
        let place = tempfile::tempdir().unwrap();
        let root = workspace.root().canonicalize().unwrap();
        host.write(place.path(), |directory| Ok(root.join(directory))).unwrap();
        fs::copy(root.join("Cargo.lock"), place.path().join("Cargo.lock")).unwrap();
        let tree = ["tree", "--offline", "--prefix", "none", "--format", "{p}", "--edges", "normal"];
        let tree = process::output(&mut process::cargo(place.path(), &tree)).unwrap();
        let has = |name: &str| tree.lines().any(|package| package.starts_with(&format!("{name} v")));
        assert!(has("connection-plugin-github") && has("sqlx-sqlite"));
        assert_eq!(has("sqlx-postgres"), has_postgres);
    }
    for missing in ["connection-core = { path = \"../connections/crates/connection-core\" }\n", "\n```rust\n"] {
        let error = ReadmeHost::read(&readme.replacen(missing, "", 1)).unwrap_err();
        assert!(error.to_string().contains("README.md shows no"), "{error}");
    }
}
