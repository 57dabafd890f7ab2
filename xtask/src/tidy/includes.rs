//! Code in the documents that is included from the workspace, so that it is compiled and tested.
//!
//! A fence after `<!-- include: PATH -->` or `<!-- include: PATH#REGION -->` contains that file or region word for
//! word.
//!
//! A region is the text between the lines `// region: NAME` and `// end: NAME`. In the documentation of a crate, these
//! lines are hidden lines of an example, and the region is shown without its hidden lines. Rust in a document without
//! such a mark is a finding.

use std::collections::BTreeMap;

use crate::failure::Failure;
use crate::markdown::fence_of;
use crate::tidy::is_readme_of_a_package;
use crate::workspace::Workspace;

const MARK: &str = "<!-- include: ";

/// Updates the included code of every document.
pub(crate) fn write(workspace: &Workspace) -> Result<(), Failure> {
    let sources = sources(workspace)?;
    for (path, text) in workspace.texts(is_document)? {
        let (written, _) = filled(&path, &text, &sources);
        if written != text {
            let file = workspace.root().join(&path);
            std::fs::write(file, written).map_err(|error| Failure::new(format!("cannot write {path}: {error}")))?;
            println!("docs: {path} was updated");
        }
    }
    Ok(())
}

/// Returns the documents whose code differs from its source.
pub(crate) fn findings(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let sources = sources(workspace)?;
    let mut findings = Vec::new();
    for (path, text) in workspace.texts(is_document)? {
        let (written, mut faults) = filled(&path, &text, &sources);
        if faults.is_empty() && written != text {
            faults.push(format!("{path}: included code is out of date: run `cargo xtask docs`"));
        }
        findings.append(&mut faults);
    }
    Ok(findings)
}

fn is_document(path: &str) -> bool {
    path == "README.md" || (path.starts_with("docs/") && path.ends_with(".md")) || is_readme_of_a_package(path)
}

fn sources(workspace: &Workspace) -> Result<BTreeMap<String, String>, Failure> {
    Ok(workspace.texts(|path| path.ends_with(".rs") || path.ends_with(".toml"))?.into_iter().collect())
}

/// Returns the document as it should be, and the errors in its marks.
fn filled(path: &str, text: &str, sources: &BTreeMap<String, String>) -> (String, Vec<String>) {
    let mut out = String::new();
    let mut faults = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        push(&mut out, line);
        let place = || format!("{path}:{}", index + 1);
        let Some(opened) = fence_of(line) else {
            let Some(target) = line.trim().strip_prefix(MARK).and_then(|rest| rest.strip_suffix(" -->")) else {
                continue;
            };
            let Some((_, fence)) = lines.next_if(|(_, line)| fence_of(line).is_some()) else {
                faults.push(format!("{}: no code follows the mark", place()));
                continue;
            };
            push(&mut out, fence);
            let shown = inside(&mut lines, fence_of(fence).unwrap_or_default());
            match source(target, sources) {
                Some(code) => code.lines().for_each(|line| push(&mut out, line)),
                None => {
                    faults.push(format!("{}: there is no {target}", place()));
                    shown.iter().for_each(|line| push(&mut out, line));
                }
            }
            push(&mut out, fence_of(fence).unwrap_or_default());
            continue;
        };
        if line.trim_start_matches('`').starts_with("rust") {
            faults.push(format!(
                "{}: this Rust code is never compiled; include code of the workspace with a mark",
                place()
            ));
        }
        for line in inside(&mut lines, opened) {
            push(&mut out, line);
        }
        push(&mut out, opened);
    }
    (out, faults)
}

/// Returns the lines up to the end of the fence, and consumes that end.
fn inside<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>, opened: &str) -> Vec<&'a str> {
    lines.map(|(_, line)| line).take_while(|line| line.trim() != opened).collect()
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

/// Returns a file, or a region of it without the indentation that all its lines share.
fn source(target: &str, sources: &BTreeMap<String, String>) -> Option<String> {
    let Some((path, region)) = target.split_once('#') else { return sources.get(target).cloned() };
    let (start, end) = (format!("// region: {region}"), format!("// end: {region}"));
    let mut lines = sources.get(path)?.lines().skip_while(|line| mark(line) != start).skip(1);
    let mut region = Vec::new();
    loop {
        let line = lines.next()?;
        if mark(line) == end {
            break;
        }
        let is_mark = ["// region: ", "// end: "].iter().any(|start| mark(line).starts_with(start));
        let shown = match documentation(line) {
            Some(hidden) if hidden == "#" || hidden.starts_with("# ") => continue,
            Some(shown) => shown,
            None => line,
        };
        if !is_mark {
            region.push(shown);
        }
    }
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let shared = region.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    Some(region.iter().map(|line| line.get(shared..).unwrap_or_default()).collect::<Vec<_>>().join("\n"))
}

/// Returns the text of a line in the documentation of a crate.
fn documentation(line: &str) -> Option<&str> {
    line.strip_prefix("//!").map(|text| text.strip_prefix(' ').unwrap_or(text))
}

/// Returns the text of a line that can be a mark, without its indentation.
fn mark(line: &str) -> &str {
    documentation(line).map_or(line, |text| text.strip_prefix('#').unwrap_or(text)).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> BTreeMap<String, String> {
        let code = "fn main() {\n    // region: body\n    let a = 1;\n\n    if a == 1 {\n        b();\n    }\n    // end: body\n}\n";
        BTreeMap::from([("src/a.rs".to_owned(), code.to_owned())])
    }

    #[test]
    fn a_region_is_shown_without_its_indentation() {
        let text = "x\n<!-- include: src/a.rs#body -->\n```rust\nold\n```\ny\n";
        let (written, faults) = filled("README.md", text, &sources());
        let code = "let a = 1;\n\nif a == 1 {\n    b();\n}";
        assert_eq!(written, format!("x\n<!-- include: src/a.rs#body -->\n```rust\n{code}\n```\ny\n"));
        assert_eq!(faults, [""; 0]);
        assert_eq!(filled("README.md", &written, &sources()).0, written);
    }

    #[test]
    fn a_region_of_documentation_is_shown_without_its_hidden_lines() {
        let code = "//! ```\n//! # use a::b;\n//! #   // region: use\n//!     let a = 1;\n//! #   hidden();\n//!\n//!     b(a);\n\
                    //! #   // end: use\n//! ```\n";
        let sources = BTreeMap::from([("src/lib.rs".to_owned(), code.to_owned())]);
        assert_eq!(source("src/lib.rs#use", &sources).as_deref(), Some("let a = 1;\n\nb(a);"));
    }

    #[test]
    fn the_marks_of_an_inner_region_are_not_shown() {
        let code = "// region: a\nlet a;\n// region: b\nlet b;\n// end: b\n// end: a\n";
        let sources = BTreeMap::from([("src/a.rs".to_owned(), code.to_owned())]);
        assert_eq!(source("src/a.rs#a", &sources).as_deref(), Some("let a;\nlet b;"));
        assert_eq!(source("src/a.rs#b", &sources).as_deref(), Some("let b;"));
    }

    #[test]
    fn a_mark_for_nothing_and_rust_without_a_mark_are_found() {
        for (text, fault) in [
            ("<!-- include: src/b.rs -->\n```rust\n```\n", "README.md:1: there is no src/b.rs"),
            ("<!-- include: src/a.rs#no -->\n```rust\n```\n", "README.md:1: there is no src/a.rs#no"),
            ("<!-- include: src/a.rs -->\n\n```rust\n```\n", "README.md:1: no code follows the mark"),
            (
                "```rust\nlet a;\n```\n",
                "README.md:1: this Rust code is never compiled; include code of the workspace with a mark",
            ),
        ] {
            assert_eq!(filled("README.md", text, &sources()).1.first().map(String::as_str), Some(fault));
        }
    }

    #[test]
    fn other_fences_are_left_alone() {
        let text = "```console\n$ a\n```\n\n````text\n```rust\n```\n````\n";
        assert_eq!(filled("README.md", text, &sources()), (text.to_owned(), Vec::new()));
    }
}
