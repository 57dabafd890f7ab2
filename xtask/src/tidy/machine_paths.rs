//! The rule that no file of the project contains a path of the machine on which it was written.

/// Characters that can precede the start of a path.
const BEFORE: &[char] = &[' ', '\t', '"', '\'', '`', '(', '[', '<', '=', ':', ',', '>'];

/// Beginnings of paths on a person's machine. They are assembled here so that this file passes.
const MACHINE: &[&str] = &[concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];
const HOMES: &str = concat!("/ho", "me/");

/// Names of users in our examples, whose home directories may appear.
const EXAMPLES: &[&str] = &["ada", "you"];

/// Returns the lines that contain a path of a person's machine.
pub(crate) fn findings(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let has_machine = MACHINE.iter().any(|start| after_start(line, start).next().is_some());
        let has_home = after_start(line, HOMES).any(|rest| {
            let person = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            !person.is_empty() && !EXAMPLES.contains(&person)
        });
        if has_machine || has_home {
            findings.push(format!("{path}:{}: names a path of a machine", index + 1));
        }
    }
    findings
}

/// Returns the text after each place where a path begins with `start`.
fn after_start<'a>(line: &'a str, start: &'static str) -> impl Iterator<Item = &'a str> {
    line.match_indices(start).filter_map(move |(index, _)| {
        let (before, rest) = line.split_at_checked(index)?;
        let begins = before.is_empty() || before.ends_with(BEFORE);
        begins.then(|| rest.get(start.len()..).unwrap_or_default())
    })
}
