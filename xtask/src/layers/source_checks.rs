//! Checks for constructs that the source of a plugin may not use.
//!
//! A `cfg` could make the build without `std` differ from the one that runs, and an `include!` or a `path` could
//! bring in code that was not read. The reserved words are refused wherever they appear, so that no macro can
//! assemble such a construct from its input.

use crate::rust_source::{Token, starts_with};

/// The part of a package to which code belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Code that users of the plugin build.
    Plugin,
    /// Code that only the plugin's own tests build. It may use `std`, and create what hosts create.
    Tests,
}

/// Macros that read files or the environment. Their names are refused even where they are not called.
const READING_MACROS: &[&str] = &["env", "include", "include_bytes", "include_str", "option_env"];

/// Returns the attributes that the plugin's root file must have and lacks.
pub(crate) fn root(tokens: &[Token]) -> Vec<String> {
    let mut findings = Vec::new();
    for (words, shown) in [
        (&["#", "!", "[", "no_std", "]"][..], "#![no_std]"),
        (&["#", "!", "[", "forbid", "(", "unsafe_code", ")", "]"][..], "#![forbid(unsafe_code)]"),
    ] {
        let mut attributes = inner_attributes(tokens);
        if !attributes.any(|attribute| starts_with(attribute, words)) {
            findings.push(format!("must say {shown}"));
        }
    }
    findings
}

/// Returns the tokens from the start of each inner attribute at the top of a file.
fn inner_attributes(tokens: &[Token]) -> impl Iterator<Item = &[Token]> {
    let mut rest = tokens;
    std::iter::from_fn(move || {
        if !starts_with(rest, &["#", "!", "["]) {
            return None;
        }
        let attribute = rest;
        let end = rest.iter().position(|token| token.is_sign(']')).map_or(rest.len(), |index| index + 1);
        rest = rest.get(end..).unwrap_or_default();
        Some(attribute)
    })
}

/// Returns the forbidden constructs of a file, each with its line.
pub(crate) fn file(tokens: &[Token], part: Part) -> Vec<String> {
    let mut findings = Vec::new();
    let mut in_use = false;
    for (index, token) in tokens.iter().enumerate() {
        let before = tokens.get(..index).unwrap_or_default();
        let after = tokens.get(index + 1..).unwrap_or_default();
        let Some(name) = token.name() else {
            in_use &= !token.is_sign(';');
            continue;
        };
        let mut refuse = |text: String| findings.push(format!("{}: {text}", token.line));
        match name {
            "use" => in_use = true,
            "cfg" | "cfg_attr" => {
                refuse(format!(
                    "`{name}` other than #[cfg(test)] on a `mod`, `use` or `extern crate` of a file's top level"
                ));
            }
            "extern" => {
                let allowed = starts_with(after, &["crate", "alloc", ";"])
                    || part == Part::Tests && starts_with(after, &["crate", "std", ";"]);
                if !allowed {
                    refuse("`extern` other than `extern crate alloc;`".to_owned());
                }
            }
            "macro_rules" if part == Part::Plugin => refuse("a plugin declares no macro".to_owned()),
            "path" if is_attribute_value(before, after) => {
                refuse("`path` brings a file that is not checked".to_owned())
            }
            "host" if part == Part::Plugin && is_module(before, after, in_use) => {
                refuse("`host::` is for what only hosts make".to_owned());
            }
            _ if READING_MACROS.contains(&name) => {
                refuse(format!("`{name}` is a macro that reads what is not source; as a name it is refused too"));
            }
            _ => {}
        }
    }
    findings
}

/// Returns `true` if `path` is used as in `#[path = ""]`.
fn is_attribute_value(before: &[Token], after: &[Token]) -> bool {
    starts_with(after, &["="]) && before.last().is_some_and(|token| token.is_sign('['))
}

/// Returns `true` if `host` is a part of a path, and not a variable or method.
fn is_module(before: &[Token], after: &[Token], in_use: bool) -> bool {
    let follows = matches!(before, [.., first, second] if first.is_sign(':') && second.is_sign(':'));
    in_use || follows || starts_with(after, &[":", ":"])
}
