//! The rule that every quirk and every attack in the OAuth 2 specification has a test that names it.
//!
//! The quirks are `Q1` to `Q35` and the attacks `S1` to `S24`. A criterion that begins with such names, as in `- S1,
//! S4 What is pasted: …`, names the test that shows them, and the doc comment of that test repeats the names.

use std::collections::{BTreeMap, BTreeSet};

use crate::failure::Failure;
use crate::workspace::Workspace;

const SPECIFICATION: &str = "docs/spec/oauth2.md";

/// Returns the rows without a criterion, and the criteria whose tests do not name their row.
pub(crate) fn findings(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let Some(text) = workspace.text(SPECIFICATION)? else { return Ok(Vec::new()) };
    let code = workspace.texts(|path| path.ends_with(".rs"))?;
    let mut comments: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (_, text) in &code {
        for (name, named) in commented(text) {
            comments.entry(name).or_default().extend(named);
        }
    }
    Ok(unnamed(&text, &comments))
}

fn unnamed(specification: &str, comments: &BTreeMap<&str, BTreeSet<String>>) -> Vec<String> {
    let numbered = |letter: char, last: u32| (1..=last).map(move |number| format!("{letter}{number}"));
    let mut missing: Vec<String> = numbered('Q', 35).chain(numbered('S', 24)).collect();
    let mut findings = Vec::new();
    for (index, line) in specification.lines().enumerate() {
        let Some((rows, tests)) = line.strip_prefix("- ").and_then(|line| line.split_once(": `")) else { continue };
        let rows: Vec<String> = rows.split([',', ' ']).filter(|word| !word.is_empty()).map_while(row).collect();
        let tests: Vec<&str> = tests.split('`').step_by(2).collect();
        for row in rows {
            let named = |test: &&str| comments.get(test).is_some_and(|named| named.contains(&row));
            match tests.iter().any(named) {
                true => missing.retain(|known| *known != row),
                false => findings.push(format!("{SPECIFICATION}:{}: no test of it names {row}", index + 1)),
            }
        }
    }
    findings.extend(missing.iter().map(|row| format!("{SPECIFICATION}: no criterion of {row}")));
    findings
}

fn row(word: &str) -> Option<String> {
    let digits = word.strip_prefix(['Q', 'S'])?;
    digits.parse::<u32>().ok().map(|_| word.to_owned())
}

/// Returns the functions of a file, each with the rows that the comment above it names.
fn commented(text: &str) -> Vec<(&str, BTreeSet<String>)> {
    let mut found = Vec::new();
    let mut named = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("///") {
            named.extend(comment.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(row));
        } else if let Some((_, rest)) = line.split_once("fn ") {
            let name = rest.split_once('(').map_or(rest, |(name, _)| name);
            found.push((name, std::mem::take(&mut named)));
        } else if !line.starts_with("#[") {
            named.clear();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_test_that_names_it_is_found() {
        let code = "/// Q1, S2: two.\n#[test]\nfn both() {\n}\n/// Q3\nfn third() {\n}\nfn other() {\n";
        let comments = commented(code).into_iter().collect();
        let text =
            "- Q1, S2 Both: `both`\n- Q3 Third: `other`, `third`\n- S4 Fourth: `other`\n- Nothing of Q5: `both`\n";
        let found = unnamed(text, &comments);
        assert_eq!(found.first().map(String::as_str), Some("docs/spec/oauth2.md:3: no test of it names S4"));
        let missing: Vec<&str> = found.iter().filter_map(|line| line.strip_prefix("docs/spec/oauth2.md: ")).collect();
        assert_eq!(missing.len(), 35 + 24 - 3);
        assert!(missing.contains(&"no criterion of S4") && missing.contains(&"no criterion of Q5"));
        assert!(!missing.contains(&"no criterion of Q1") && !missing.contains(&"no criterion of Q3"));
    }
}
