//! The rule that the guides for users of other systems cover every name of these systems.
//!
//! The lists beside this file contain the names that those systems offer to programs. Each name has one row in the
//! guide `docs/guide/coming-from-SYSTEM.md`, and each name of ours in such a row exists in our sources:
//! `Type::member` as a member of that type.

mod members;

use std::collections::BTreeSet;

use crate::failure::Failure;
use crate::workspace::Workspace;

const SYSTEMS: &[(&str, &str)] = &[
    ("inseam", include_str!("inseam.txt")),
    ("jack", include_str!("jack.txt")),
    ("jingle", include_str!("jingle.txt")),
];

/// Returns the names without a row, the rows without a name, and the names of ours that do not exist.
pub(crate) fn findings(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let sources = workspace.texts(|path| path.ends_with(".rs") && path.contains("/src/"))?;
    let mut ours = Ours { words: sources.iter().flat_map(|(_, text)| words(text)).collect(), members: BTreeSet::new() };
    for (path, text) in sources.iter().filter(|(path, _)| path.starts_with("crates/")) {
        members::add(path, text, &mut ours.members)?;
    }
    let mut findings = Vec::new();
    for (system, names) in SYSTEMS {
        let guide = format!("docs/guide/coming-from-{system}.md");
        let text = workspace.text(&guide)?.unwrap_or_default();
        findings.extend(compared(&text, names, &ours).into_iter().map(|finding| format!("{guide}{finding}")));
    }
    Ok(findings)
}

/// The names in our sources.
struct Ours<'a> {
    words: BTreeSet<&'a str>,
    /// The members of types, as `Type::member`.
    members: BTreeSet<String>,
}

fn compared(guide: &str, names: &str, ours: &Ours<'_>) -> Vec<String> {
    let mut missing: Vec<&str> = names.lines().collect();
    let mut findings = Vec::new();
    for (index, line) in guide.lines().enumerate() {
        let Some((theirs, here)) = line.strip_prefix("| `").and_then(|row| row.split_once("` | ")) else { continue };
        match missing.iter().position(|name| *name == theirs) {
            Some(at) => drop(missing.remove(at)),
            None => findings.push(format!(":{}: `{theirs}` is not in the list, or twice", index + 1)),
        }
        // Every second piece is between backticks.
        for code in here.split('`').skip(1).step_by(2) {
            let unknown = words(code).find(|word| !ours.words.contains(word)).or_else(|| {
                let is_member = code.starts_with(|c: char| c.is_ascii_uppercase()) && code.matches("::").count() == 1;
                (is_member && !ours.members.contains(code)).then_some(code)
            });
            findings.extend(unknown.map(|word| format!(":{}: no source has `{word}`", index + 1)));
        }
    }
    findings.extend(missing.iter().map(|name| format!(": no row for `{name}`")));
    findings
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_one_row_that_leads_to_something() {
        let guide = "| Theirs | Here |\n|---|---|\n| `one` | `Uno::uno`: more |\n| `one` | words |\n| `two` | `Dos` |\n| `four` | `Uno::dos` |\n";
        // Each word exists, but the member belongs to another type.
        let text = "pub struct Uno { pub uno: u8 } impl Other { pub fn dos(&self) {} }";
        let mut ours = Ours { words: words(text).collect(), members: BTreeSet::new() };
        members::add("lib.rs", text, &mut ours.members).unwrap();
        assert_eq!(
            compared(guide, "one\ntwo\nthree\nfour", &ours),
            [
                ":4: `one` is not in the list, or twice",
                ":5: no source has `Dos`",
                ":6: no source has `Uno::dos`",
                ": no row for `three`"
            ]
        );
    }

    #[test]
    fn a_member_is_what_callers_can_name_behind_a_type() {
        let text = "pub enum E { V } pub trait T { fn m(&self); } mod inner { impl S { pub const C: u8 = 1; fn private() {} \
                    pub fn f() {} } } pub struct S { hidden: u8, pub shown: u8 } impl T for S { fn m(&self) {} }";
        let mut found = BTreeSet::new();
        members::add("lib.rs", text, &mut found).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["E::V", "S::C", "S::f", "S::shown", "T::m"]);
        assert!(members::add("lib.rs", "pub struct {", &mut BTreeSet::new()).is_err());
    }
}
