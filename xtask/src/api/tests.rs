//! Tests of the listing of a small crate, and of the changes that break its users. Each rule has its control.

use super::compare::{breaking, is_compatible};
use super::listing::{Listing, listing};
use super::{against, findings, promises, read, source, written};
use crate::workspace::Workspace;

/// A crate with an item of every sort.
const CRATE: &str = r#"
    mod inside {
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct Made<C> { pub credential: C, pub label: Option<String>, hidden: u8 }
        impl<C> Made<C> {
            pub fn new(credential: C) -> Self { todo(credential) }
            pub fn label(mut self, label: impl Into<String>) -> Self { self }
            fn helper(&self) {}
        }
        impl<C> core::ops::Deref for Made<C> { type Target = C; fn deref(&self) -> &C { &self.credential } }
        #[non_exhaustive]
        pub enum Found { Live, Lost(String) }
        pub enum Side { Left, Right }
        pub struct Pair { pub one: u8, pub other: u8 }
        impl std::fmt::Display for Pair { fn fmt(&self) {} }
        pub trait Definition: Send + Sync {
            type Credential: Send;
            fn describe(&self) -> Found;
            fn parts(&self) -> u8 { 0 }
        }
        pub struct Unseen;
        impl Unseen { pub fn new() -> Self { Self } }
        impl Definition for Unseen {}
        pub fn helper() {}
        #[cfg(test)]
        mod tests { pub struct Fixture; }
    }
    pub mod words {
        pub const CODE: &str = "code";
        pub const ALL: &[&str] = &[CODE];
    }
    pub use inside::{Definition, Found, Made, Pair, Side};
    pub type Text = std::borrow::Cow<'static, str>;
    pub mod prelude { pub use alloc::vec::Vec; pub use crate::{Made, words}; }
"#;

#[test]
fn exactly_the_public_items_are_listed() {
    let shown = written("0.1.0", &listed(CRATE));
    let expected = "\
# connection-contract 0.1.0: every public item. Written by `cargo xtask api`.
Definition | trait Definition: Send + Sync
Definition::Credential | required type Credential: Send
Definition::describe | required fn describe(&self) -> Found
Definition::parts | provided fn parts(&self) -> u8
Found | #[non_exhaustive] enum Found
Found::Live | variant Live
Found::Lost | variant Lost(String)
Made | #[non_exhaustive] struct Made<C> { .. }
Made.credential | C
Made.label | Option<String>
Made: Clone | implemented where C: Clone
Made: Debug | implemented where C: Debug
Made: Deref | impl<C> Deref for Made<C> { type Target = C; }
Made::label | impl<C> Made<C> :: fn label(self, label: impl Into<String>) -> Self
Made::new | impl<C> Made<C> :: fn new(credential: C) -> Self
Pair | struct Pair
Pair.one | u8
Pair.other | u8
Pair: Display | implemented
Side | enum Side
Side::Left | variant Left
Side::Right | variant Right
Text | type Text = std::borrow::Cow<'static, str>
prelude::Made | use Made
prelude::Vec | use alloc::vec::Vec
prelude::words | use words
words::ALL | const ALL: &[&str]
words::CODE | const CODE: &str = \"code\"
";
    assert_eq!(shown, expected);
    assert_eq!(read(&shown), listed(CRATE), "what is written is read");
}

#[test]
fn a_breaking_change_is_found() {
    for (old, new, expected) in [
        ("pub fn label(", "fn label(", "removed: Made::label"),
        ("Made, Pair, Side}", "Made, Side}", "removed: Pair |"),
        ("label: impl Into<String>)", "label: &str)", "changed: Made::label"),
        ("fn describe(&self) -> Found;", "fn describe(&mut self) -> Found;", "changed: Definition::describe"),
        ("fn parts(&self) -> u8 { 0 }", "fn parts(&self) -> u8;", "changed: Definition::parts"),
        ("type Credential: Send;", "type Credential: Send + Sync;", "changed: Definition::Credential"),
        ("Definition: Send + Sync", "Definition: Send + Sync + Clone", "changed: Definition |"),
        (
            "fn describe(",
            "fn another(&self); fn describe(",
            "new, and implementations of the trait lack it: Definition::another",
        ),
        (
            "type Credential",
            "type Other; type Credential",
            "new, and implementations of the trait lack it: Definition::Other",
        ),
        ("#[non_exhaustive]\n        pub enum", "pub enum", "changed: Found |"),
        ("#[non_exhaustive]\n        pub struct", "pub struct", "changed: Made |"),
        ("pub enum Side", "#[non_exhaustive] pub enum Side", "changed: Side |"),
        (
            "Left, Right",
            "Left, Right, Other",
            "new, and a `match` on the exhaustive enum does not cover it: Side::Other",
        ),
        ("Lost(String)", "Lost(String, u8)", "changed: Found::Lost"),
        (
            "pub other: u8",
            "pub other: u8, pub third: u8",
            "new, and code that creates the exhaustive struct lacks it: Pair.third",
        ),
        ("pub other: u8", "pub other: u8, third: u8", "changed: Pair |"),
        ("derive(Clone, Debug)", "derive(Debug)", "removed: Made: Clone"),
        ("type Target = C", "type Target = u8", "changed: Made: Deref"),
        ("\"code\"", "\"other\"", "changed: words::CODE"),
        ("{Made, words}", "{words}", "removed: prelude::Made"),
    ] {
        let changed = CRATE.replacen(old, new, 1);
        assert_ne!(changed, CRATE, "{old}");
        let found = breaking(&listed(CRATE), &listed(&changed));
        assert!(found.iter().any(|line| line.starts_with(expected)), "{old} to {new}: {found:#?}");
    }
}

#[test]
fn a_compatible_change_passes() {
    for (old, new) in [
        ("fn parts(", "fn more(&self) -> u8 { 1 } fn parts("),
        ("fn describe(&self) -> Found;", "fn describe(&self) -> Found { Found::Live }"),
        ("pub fn label(", "pub const fn label("),
        ("Lost(String)", "Lost(String), Third"),
        ("pub label: Option<String>,", "pub label: Option<String>, pub more: u8,"),
        ("derive(Clone, Debug)", "derive(Clone, Debug, PartialEq)"),
        ("pub struct Unseen;", "pub struct Unseen(u8); pub struct Another;"),
        ("pub const CODE", "pub const OTHER: &str = \"other\"; pub const CODE"),
        ("&[CODE]", "&[CODE, OTHER]"),
        ("mut self, label", "self, label"),
        ("std::fmt::Display", "core::fmt::Display"),
    ] {
        let changed = CRATE.replacen(old, new, 1);
        assert_ne!(changed, CRATE, "{old}");
        assert_eq!(breaking(&listed(CRATE), &listed(&changed)), [""; 0], "{old} to {new}");
    }
}

#[test]
fn a_version_says_whether_it_may_break() {
    for (before, now, compatible) in [
        ("0.1.0", "0.1.0", true),
        ("0.1.0", "0.1.9", true),
        ("0.1.0", "0.2.0", false),
        ("0.0.1", "0.0.2", false),
        ("1.2.0", "1.10.0", true),
        ("1.2.0", "2.0.0", false),
        ("0.2.0", "0.1.9", false),
    ] {
        assert_eq!(is_compatible(before, now), Some(compatible), "{before} to {now}");
    }
    let changed = CRATE.replace("pub fn label(", "fn label(");
    let before = listed(CRATE);
    let now = listed(&changed);
    assert!(against("0.1.0", &before, "0.1.1", &now)[0].contains("which 0.1.1 must not do: removed: Made::label"));
    assert_eq!(against("0.1.0", &before, "0.2.0", &now), [""; 0]);
    assert!(against("0.2.0", &before, "0.1.0", &before)[0].contains("is older than the release"));
}

#[test]
fn a_type_that_cannot_grow_is_found() {
    let found = promises::findings(&listed(CRATE));
    let expected = [
        "Pair: a struct with public fields is #[non_exhaustive]",
        "Side: an enum that plugins see is #[non_exhaustive]",
    ];
    assert_eq!(found, expected);
    let unmade = listed(&CRATE.replace("pub fn new(credential: C)", "fn new(credential: C)"));
    assert!(
        promises::findings(&unmade).contains(&"Made: other crates cannot create it; it needs a constructor".to_owned())
    );
}

#[test]
fn an_item_that_the_listing_cannot_see_is_refused() {
    for text in ["made!();", "pub use inside::*;", "pub fn a() {} mod b { pub fn a() {} }", "pub static A: u8 = 0;"] {
        assert!(source::of_text(text).and_then(|modules| listing(&modules)).is_err(), "{text}");
    }
}

/// R-INSEAM-003: the contract is as it is listed, and keeps what its last release promised.
#[test]
fn the_contract_is_as_listed() {
    assert_eq!(findings(&Workspace::find().unwrap()).unwrap(), [""; 0]);
}

fn listed(text: &str) -> Listing {
    listing(&source::of_text(text).unwrap()).unwrap()
}
