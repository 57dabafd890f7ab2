//! A file with the name of a kind of the catalogue extends that kind, and is used instead of it.

use connection_contract::ConnectionDefinition as _;
use connection_manifest::{KindFile, KindSet};

const LINEAR: &str = "extends = \"linear\"\nname = \"Our Linear\"\n";

/// Returns the kinds of files without a problem.
#[track_caller]
fn kinds(files: &[(&str, &str)]) -> Vec<KindFile> {
    let set = files.iter().fold(KindSet::new(), |set, (name, text)| set.file(*name, *text));
    let (kinds, problems) = set.read();
    assert_eq!(problems, []);
    kinds
}

#[test]
fn a_file_extends_the_kind_of_the_catalogue_that_has_its_name() {
    let kinds = kinds(&[("linear.toml", LINEAR)]);
    assert_eq!((kinds[0].id().as_str(), kinds[0].name()), ("linear", "Our Linear"));
    assert_eq!(kinds[0].definition().descriptor().origins, ["https://api.linear.app"]);
}

#[test]
fn a_file_that_is_read_alone_extends_it_as_well() {
    let text = format!("id = \"linear\"\n{LINEAR}");
    // A file with this name is in the set already, and the new one is to replace it.
    let set = KindSet::new().file("linear.toml", LINEAR);
    let kind = set.read_one("downloaded", None, text.as_bytes()).unwrap();
    assert_eq!(kind.name(), "Our Linear");
}

#[test]
fn another_file_extends_the_file_and_not_the_catalogue() {
    let child = "id = \"child\"\nextends = \"linear\"\nname = \"Child\"\n";
    let own = format!("{LINEAR}[request]\nbase = \"https://linear.acme.example\"\n");
    let both = kinds(&[("child.toml", child), ("linear.toml", &own)]);
    assert_eq!(both.iter().map(KindFile::name).collect::<Vec<_>>(), ["Child", "Our Linear"]);
    for kind in both {
        assert_eq!(kind.definition().descriptor().origins, ["https://linear.acme.example"]);
    }
}

/// `pagerduty-app-eu` of the catalogue extends `pagerduty-app` of the catalogue, whatever the files of a person are.
#[test]
fn a_kind_of_the_catalogue_extends_the_catalogue_alone() {
    let own = "extends = \"pagerduty-app-eu\"\nid = \"pagerduty-app\"\nname = \"Both\"\n";
    assert_eq!(kinds(&[("pagerduty-app.toml", own)])[0].name(), "Both");
}
