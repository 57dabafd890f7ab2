//! Text for people, and the names of kinds, secrets and paths.

use connection_contract::{DisplayText, Kind, PathBase, PathSpec, SecretName};

#[test]
fn text_for_people_loses_what_could_deceive_them() {
    for (given, shown) in [
        ("plain", "plain"),
        ("two\nlines\ttab", "twolinestab"),
        ("\u{1b}[31mred", "[31mred"),
        ("a\u{202e}b\u{2066}c", "abc"),
        ("line\u{2028}end\u{2029}", "lineend"),
        ("zero\u{200b}width\u{feff}", "zerowidth"),
        ("日本", "日本"),
    ] {
        assert_eq!(DisplayText::from(given.to_owned()).as_str(), shown);
    }
    let long = DisplayText::from("é".repeat(600));
    assert_eq!(long.as_str().chars().count(), 500);
}

/// R-INSEAM-017, with the maximum length of the design.
#[test]
fn a_kind_is_a_short_plain_name() {
    for good in ["a", "github", "github-oauth", "a1-2", &"k".repeat(64)] {
        assert_eq!(Kind::parse(good).unwrap().as_str(), good);
    }
    for bad in ["", "1a", "-a", "A", "gitHub", "a_b", "a b", "é", &"k".repeat(65)] {
        assert!(Kind::parse(bad).is_none(), "{bad}");
    }
}

#[test]
fn a_secret_name_is_an_identifier() {
    assert_eq!(SecretName::parse("accessToken").unwrap().to_string(), "accessToken");
    for bad in ["", "1a", "a b", "a/b", "é", &"n".repeat(65)] {
        assert!(SecretName::parse(bad.to_owned()).is_none(), "{bad}");
    }
}

#[test]
fn a_path_below_a_base_stays_there() {
    let path = |relative: &str| PathSpec::new(PathBase::Home, relative.to_owned());
    assert_eq!(path(".config/tool").unwrap().parts(), [".config", "tool"]);
    assert!(path("").unwrap().parts().is_empty());
    for bad in ["/etc", "a//b", "../x", "a/./b", "a/..", "a\\b", "C:/x"] {
        assert!(path(bad).is_none(), "{bad}");
    }
}
