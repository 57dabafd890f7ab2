//! The name of a new plugin, in every form in which it stands in code.

use crate::failure::Failure;
use crate::rust_source::tokens;

/// What a kind's name may be at most.
const LONGEST: usize = 64;

/// A name that fits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Name {
    kind: String,
}

impl Name {
    /// Checks a name against the rules of kinds, the kinds that are shipped, and the names that a plugin uses.
    pub(crate) fn new(name: &str, files: &[String]) -> Result<Self, Failure> {
        let refused = |why: &str| Err(Failure::new(format!("`{name}` cannot be the name of a plugin: {why}")));
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > LONGEST || !name.bytes().all(legal) {
            return refused("a kind has 1 to 64 of a-z, 0-9 and `-`, as in `acme-mail`");
        }
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            return refused("a kind begins with a letter");
        }
        if name.ends_with('-') || name.contains("--") {
            return refused("a `-` stands between two words");
        }
        if let Some(rest) = name.strip_prefix("connection-plugin-") {
            return refused(&format!("the package gets its prefix by itself; say `{rest}`"));
        }
        let own = format!("plugins/{name}/");
        if files.iter().any(|file| file.starts_with(&own)) {
            return refused("a kind of that name is shipped, and a host has one of each");
        }
        let made = Self { kind: name.to_owned() };
        let hidden = made.type_name();
        if hidden == "Self" || uses(&hidden) {
            return refused(&format!("its type `{hidden}` would hide one that the plugin uses; add a word"));
        }
        Ok(made)
    }

    /// `connection-plugin-acme-mail`
    pub(crate) fn package(&self) -> String {
        format!("connection-plugin-{}", self.kind)
    }

    /// The template's text with this name in the place of its own.
    pub(crate) fn in_text(&self, text: &str) -> String {
        let shown = self.words(" ");
        text.replace("connection_plugin_acme", &self.package().replace('-', "_"))
            .replace("\"Acme\"", &format!("\"{shown}\""))
            .replace("Connect Acme", &format!("Connect {shown}"))
            .replace("Acme", &self.type_name())
            .replace("acme", &self.kind)
    }

    /// `AcmeMail`
    fn type_name(&self) -> String {
        self.words("")
    }

    fn words(&self, between: &str) -> String {
        let capital = |word: &str| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
        };
        self.kind.split('-').map(capital).collect::<Vec<_>>().join(between)
    }
}

/// Whether the code of a plugin, or what it has by default, has that name already.
fn uses(name: &str) -> bool {
    let contract = tokens(include_str!("../../../crates/connection-contract/src/lib.rs"));
    let template = tokens(include_str!("../../../tests/third-party/acme/src/lib.rs"));
    let used = contract.iter().chain(&template).filter_map(|token| token.name());
    // The template's own name is the one that is replaced.
    used.filter(|used| *used != "Acme").chain(STANDARD.iter().copied()).any(|used| used == name)
}

/// What `core` brings into every file and a plugin uses, also through a derive.
const STANDARD: &[&str] = &[
    "AsRef", "Clone", "Copy", "Debug", "Default", "Drop", "Eq", "Err", "Fn", "From", "Future", "Into", "Iterator",
    "None", "Ok", "Option", "Ord", "Result", "Send", "Some", "Sync", "Vec",
];
