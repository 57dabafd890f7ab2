//! Text for people, and the names of kinds, secrets and paths.

use connection_contract::{
    DisplayText, Kind, NotLive, PathBase, PathSpec, ProviderText, Reason, SecretName, SetupFailure,
};

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

#[test]
fn the_words_of_a_provider_are_one_clean_short_line() {
    for (given, shown) in [
        ("plain", Some("plain")),
        ("  two\r\n lines\u{2028}and\u{a0}more\t", Some("two lines and more")),
        ("\u{1b}[31mred\u{7}\u{9b}", Some("[31mred")),
        ("a\u{202e}b\u{2066}c\u{200b}d\u{feff}", Some("abcd")),
        ("a\u{3164}b \u{2800} c\u{fe0f}\u{e0101}", Some("ab c")),
        ("\u{200b} first", Some("first")),
        ("日本語", Some("日本語")),
        (" \n\u{200d} \u{115f}", None),
        ("", None),
    ] {
        assert_eq!(ProviderText::new(given).as_ref().map(ProviderText::as_str), shown, "{given:?}");
    }
    for long in ["é".repeat(600), "é ".repeat(600), format!("{} b", "é".repeat(299)), " a".repeat(1 << 16)] {
        let text = ProviderText::new(&long).unwrap();
        assert!((299..=300).contains(&text.as_str().trim_end().chars().count()), "{}", text.as_str());
        assert!(text.as_str().chars().count() <= 300);
    }
}

#[test]
fn errors_do_not_show_the_words_of_a_provider() {
    let said = || ProviderText::new("canary of the provider");
    let reason = Reason::new("unauthorized", "refused").provider_text(said());
    let not_live = NotLive::failing(reason.clone());
    let failure = SetupFailure::from(not_live.clone());
    assert_eq!(failure.provider_text, said());
    let shown = [
        format!("{reason:?} {reason:#?}"),
        format!("{not_live:?}"),
        format!("{failure} {failure:?}"),
        format!("{:?}", SetupFailure::new("a", "b").provider_text(said())),
    ];
    for text in shown {
        assert!(!text.contains("canary"), "{text}");
    }
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
fn a_kind_of_an_extension_has_two_such_names() {
    let longest = format!("{0}/{0}", "k".repeat(64));
    for good in ["issues/acme", "a/b", &longest] {
        let kind = Kind::parse(good).unwrap();
        assert_eq!(kind.as_str(), good);
        assert_eq!(kind.extension(), good.split_once('/').map(|(extension, _)| extension));
        assert_eq!(Kind::parse_path_segment(&kind.path_segment()), Some(kind));
    }
    let long = "k".repeat(65);
    for bad in
        ["/", "/a", "a/", "a//b", "a/b/c", "a/1", "1/a", "A/b", "a.b", &format!("a/{long}"), &format!("{long}/a")]
    {
        assert!(Kind::parse(bad).is_none(), "{bad}");
    }
    const ACME: Kind = Kind::from_static("acme");
    assert_eq!(Kind::of_extension("issues", &ACME).unwrap().as_str(), "issues/acme");
    for bad in ["", "Issues", "my issues", "a/b", "../a"] {
        assert!(Kind::of_extension(bad, &ACME).is_none(), "{bad}");
    }
    assert!(Kind::of_extension("issues", &Kind::from_static("a/b")).is_none());
    // No two kinds have the same segment, and no segment has a separator of a path.
    assert_eq!(ACME.path_segment(), "acme");
    for bad in ["issues/acme", "a.b.c", ".acme", "acme."] {
        assert!(Kind::parse_path_segment(bad).is_none(), "{bad}");
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
