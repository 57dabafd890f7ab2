//! The name of a new plugin, in every form in which code contains it.

use crate::failure::Failure;
use crate::rust_source::tokens;

/// Maximum length of a kind's name, in bytes.
const MAX_LENGTH: usize = 64;

/// A valid name for a plugin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Name {
    kind: String,
}

impl Name {
    /// Checks a name against the rules for kinds, the kinds that are shipped, and the types that a plugin uses.
    pub(crate) fn new(name: &str, files: &[String]) -> Result<Self, Failure> {
        let refused = |why: &str| Err(Failure::new(format!("`{name}` cannot be the name of a plugin: {why}")));
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > MAX_LENGTH || !name.bytes().all(legal) {
            return refused("a kind has 1 to 64 of a-z, 0-9 and `-`, as in `acme-mail`");
        }
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            return refused("a kind begins with a letter");
        }
        if name.ends_with('-') || name.contains("--") {
            return refused("a `-` must stand between two words");
        }
        if let Some(rest) = name.strip_prefix("connection-plugin-") {
            return refused(&format!("the package gets its prefix automatically; use `{rest}`"));
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

    /// Returns the name of the package, such as `connection-plugin-acme-mail`.
    pub(crate) fn package(&self) -> String {
        format!("connection-plugin-{}", self.kind)
    }

    /// Returns a text of the template with this name in the place of the template's.
    pub(crate) fn in_text(&self, text: &str) -> String {
        let shown = self.words(" ");
        text.replace("connection_plugin_acme", &self.package().replace('-', "_"))
            .replace("\"Acme\"", &format!("\"{shown}\""))
            .replace("Connect Acme", &format!("Connect {shown}"))
            .replace("Acme", &self.type_name())
            .replace("acme", &self.kind)
    }

    /// Returns the name of the plugin's type, such as `AcmeMail`.
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

/// Returns `true` if the code of a plugin already uses this name, or has it by default.
fn uses(name: &str) -> bool {
    let contract = tokens(include_str!("../../../crates/connection-contract/src/lib.rs"));
    let template = tokens(include_str!("../../../tests/third-party/acme/src/lib.rs"));
    let used = contract.iter().chain(&template).filter_map(|token| token.name());
    // The template's own name does not count, because it is replaced.
    used.filter(|used| *used != "Acme").chain(STANDARD.iter().copied()).any(|used| used == name)
}

/// Names from the prelude of `core` that a plugin uses, including those that a derive uses.
const STANDARD: &[&str] = &[
    "AsRef", "Clone", "Copy", "Debug", "Default", "Drop", "Eq", "Err", "Fn", "From", "Future", "Into", "Iterator",
    "None", "Ok", "Option", "Ord", "Result", "Send", "Some", "Sync", "Vec",
];
