//! Tests of reading cargo's metadata, and of rejecting malformed metadata.

use serde_json::json;

use crate::layers::metadata::{Kind, packages};

#[test]
fn members_are_read_with_their_dependencies_and_targets() {
    let read = packages(&sample("build").to_string()).unwrap();
    let [package] = &read[..] else { panic!("one member, not {read:?}") };
    assert_eq!((package.name.as_str(), package.directory.as_str()), ("connection-plugin-a", "plugins/a"));
    assert!(package.is_plugin());
    let dependencies: Vec<(&str, Kind)> =
        package.dependencies.iter().map(|dependency| (dependency.name.as_str(), dependency.kind)).collect();
    assert_eq!(dependencies, [("one", Kind::Normal), ("two", Kind::Build)]);
    assert_eq!(package.targets[0].source, "src/lib.rs");
    assert_eq!(package.targets[0].kinds, ["lib", "lib"]);
}

#[test]
fn a_kind_of_dependency_that_is_not_known_is_refused() {
    assert!(packages(&sample("later").to_string()).is_err());
}

#[test]
fn metadata_without_members_is_refused() {
    assert!(packages(r#"{"workspace_root": "/x", "workspace_members": [], "packages": []}"#).is_err());
    assert!(packages("{}").is_err());
    assert!(packages("no json").is_err());
}

fn sample(second_kind: &str) -> serde_json::Value {
    json!({
        "workspace_root": "C:\\x",
        "workspace_members": ["a 1"],
        "packages": [
            {
                "name": "connection-plugin-a", "id": "a 1", "manifest_path": "C:\\x\\plugins\\a\\Cargo.toml",
                "dependencies": [
                    {"name": "one", "kind": null, "optional": true, "rename": "other"},
                    {"name": "two", "kind": second_kind},
                ],
                "targets": [
                    {"kind": ["lib"], "crate_types": ["lib"], "src_path": "C:\\x\\plugins\\a\\src\\lib.rs"},
                ],
            },
            {"name": "foreign", "id": "b 1", "manifest_path": "/y/Cargo.toml", "dependencies": [], "targets": []},
        ],
    })
}
