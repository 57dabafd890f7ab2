//! The rule that every acceptance criterion names an existing test.
//!
//! In `docs/spec`, a list item below the heading `Acceptance criteria` is a criterion: a sentence or the numbers of
//! rules, a colon, and the names of tests in code. Each name is that of a function in the workspace.

use std::collections::BTreeSet;

use crate::failure::Failure;
use crate::workspace::Workspace;

/// Returns the criteria below a heading `Acceptance criteria` that name no test, or one that does not exist.
pub(crate) fn findings(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let code = workspace.texts(|path| path.ends_with(".rs"))?;
    let tests: BTreeSet<&str> = code.iter().flat_map(|(_, text)| functions(text)).collect();
    let specs = workspace.texts(|path| path.starts_with("docs/spec/") && path.ends_with(".md"))?;
    Ok(specs.iter().flat_map(|(path, text)| missing(path, text, &tests)).collect())
}

/// Returns the names of all functions of a file.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let (_, rest) = line.split_once("fn ")?;
        rest.split_once('(').map(|(name, _)| name.trim())
    })
}

fn missing(path: &str, text: &str, tests: &BTreeSet<&str>) -> Vec<String> {
    let mut inside = false;
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('#') {
            inside = line.trim_start_matches('#').trim() == "Acceptance criteria";
        } else if inside && line.trim_start().starts_with("- ") {
            let named = names(line);
            if named.is_empty() {
                findings.push(format!("{path}:{}: the criterion names no test", index + 1));
            }
            for test in named.into_iter().filter(|test| !tests.contains(test)) {
                findings.push(format!("{path}:{}: there is no test `{test}`", index + 1));
            }
        }
    }
    findings
}

/// Returns the names of the tests of a criterion. The sentence before them may contain code, and so may a remark
/// between them, if that code is a path such as `a::b`.
fn names(criterion: &str) -> Vec<&str> {
    let code = match criterion.split_once(": `") {
        Some((_, names)) => names.split('`').step_by(2).collect::<Vec<_>>(),
        None => criterion.split('`').skip(1).step_by(2).collect(),
    };
    code.into_iter().filter(|name| !name.is_empty() && !name.contains("::")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_criterion_without_a_test_is_found() {
        let tests = functions("#[test]\nfn it_holds() {\nasync fn it_lasts() {").collect();
        let text = "# A\n- no criterion\n## Acceptance criteria\n- holds: `it_holds`\n- lasts: `a::b`, `it_lasts`\n- x\n- y: `gone`\n";
        assert_eq!(
            missing("s.md", text, &tests),
            ["s.md:6: the criterion names no test", "s.md:7: there is no test `gone`"]
        );
    }

    #[test]
    fn every_test_of_a_criterion_has_to_exist() {
        let tests = functions("fn it_holds() {\nfn it_lasts() {").collect();
        let text = "## Acceptance criteria\n- `code` holds: `gone`, `it_holds`; the control: `lost`, `it_lasts`\n- `it_holds`\n";
        assert_eq!(
            missing("s.md", text, &tests),
            ["s.md:2: there is no test `gone`", "s.md:2: there is no test `lost`"]
        );
    }
}
