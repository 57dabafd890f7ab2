//! Tests of the listing of a small crate.

use super::listing::listing;
use super::{check, source, written};
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
    let shown = written(&listing(&source::of_text(CRATE).unwrap()).unwrap());
    let expected = "\
# connection-contract: every public item. Written by `cargo xtask api`.
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
}

#[test]
fn an_item_that_the_listing_cannot_see_is_refused() {
    for text in ["made!();", "pub use inside::*;", "pub fn a() {} mod b { pub fn a() {} }", "pub static A: u8 = 0;"] {
        assert!(source::of_text(text).and_then(|modules| listing(&modules)).is_err(), "{text}");
    }
}

/// R-INSEAM-003: the contract is as it is listed.
#[test]
fn the_contract_is_as_listed() {
    check(&Workspace::find().unwrap()).unwrap();
}
