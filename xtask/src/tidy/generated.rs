//! Parts of the documents that are generated from the code: the text between `<!-- generated: NAME -->` and `<!-- end
//! -->`.

use crate::failure::Failure;
use crate::layers;
use crate::workspace::Workspace;

const START: &str = "<!-- generated: ";
const END: &str = "<!-- end -->";

/// Updates the generated parts of every document.
pub(crate) fn write(workspace: &Workspace) -> Result<(), Failure> {
    for (path, text) in documents(workspace)? {
        let (written, _) = filled(workspace, &path, &text)?;
        if written != text {
            let file = workspace.root().join(&path);
            std::fs::write(file, written).map_err(|error| Failure::new(format!("cannot write {path}: {error}")))?;
            println!("docs: {path} was updated");
        }
    }
    Ok(())
}

/// Returns the documents whose generated parts differ from the code.
pub(crate) fn findings(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let mut findings = Vec::new();
    for (path, text) in documents(workspace)? {
        let (written, mut faults) = filled(workspace, &path, &text)?;
        if faults.is_empty() && written != text {
            faults.push(format!("{path}: a generated part differs from the code: run `cargo xtask docs`"));
        }
        findings.append(&mut faults);
    }
    Ok(findings)
}

fn documents(workspace: &Workspace) -> Result<Vec<(String, String)>, Failure> {
    workspace.texts(|path| path.starts_with("docs/") && path.ends_with(".md"))
}

/// Generates the text for a name.
fn generated(workspace: &Workspace, name: &str) -> Result<Option<String>, Failure> {
    Ok(Some(match name {
        "layers" => layers::tables(),
        "modules" => layers::module_table(),
        "picture of the core" => layers::core_picture(workspace)?,
        "picture of the packages" => layers::package_picture(),
        _ => return Ok(None),
    }))
}

/// Returns the document as it should be, and the errors in its marks.
fn filled(workspace: &Workspace, path: &str, text: &str) -> Result<(String, Vec<String>), Failure> {
    let mut out = String::new();
    let mut faults = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(name) = line.strip_prefix(START).and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        let before: Vec<&str> = lines.by_ref().take_while(|line| *line != END).collect();
        match generated(workspace, name)? {
            Some(text) => out.push_str(&format!("\n{text}\n")),
            None => {
                faults.push(format!("{path}: there is nothing to generate as `{name}`"));
                before.iter().for_each(|line| out.push_str(&format!("{line}\n")));
            }
        }
        out.push_str(END);
        out.push('\n');
    }
    Ok((out, faults))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled_of(text: &str) -> (String, Vec<String>) {
        filled(&Workspace::find().unwrap(), "a.md", text).unwrap()
    }

    #[test]
    fn the_tables_of_packages_are_written_from_those_that_are_checked() {
        let (written, faults) = filled_of("x\n<!-- generated: layers -->\nold\n<!-- end -->\ny\n");
        assert_eq!(faults, [""; 0]);
        assert!(
            written.starts_with("x\n<!-- generated: layers -->\n\n| Package |")
                && written.ends_with("<!-- end -->\ny\n")
        );
        assert!(written.contains("| `connection-contract` | nothing | nothing |") && !written.contains("old"));
        assert_eq!(filled_of(&written).0, written);
        assert!(findings(&Workspace::find().unwrap()).unwrap().is_empty());
    }

    #[test]
    fn a_mark_for_nothing_is_found() {
        let text = "<!-- generated: weather -->\nrain\n<!-- end -->\n";
        let (written, faults) = filled_of(text);
        assert_eq!((written.as_str(), faults.len()), (text, 1));
    }
}
