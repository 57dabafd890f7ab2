//! The modules of a crate, read from its files.

use std::path::{Path, PathBuf};

use syn::{Attribute, Item};

use crate::api::show::is_public;
use crate::failure::Failure;

/// A module with the items that it declares.
#[derive(Debug)]
pub(crate) struct Module {
    /// The path of the module, such as `encode`. It is empty for the root.
    pub(crate) path: String,
    /// `true` if callers can name the module.
    pub(crate) public: bool,
    pub(crate) items: Vec<Item>,
}

/// Returns the root of a crate and all modules below it, without its tests.
pub(crate) fn modules(root: &Path) -> Result<Vec<Module>, Failure> {
    let items = parsed(&read(root)?, root)?;
    let mut modules = Vec::new();
    let children = root.parent().unwrap_or(root).to_owned();
    gather(&mut modules, String::new(), true, items, &children)?;
    Ok(modules)
}

/// Reads one text as if it were a whole crate.
#[cfg(test)]
pub(crate) fn of_text(text: &str) -> Result<Vec<Module>, Failure> {
    let mut modules = Vec::new();
    gather(&mut modules, String::new(), true, parsed(text, Path::new("lib.rs"))?, Path::new(""))?;
    Ok(modules)
}

fn gather(
    modules: &mut Vec<Module>,
    path: String,
    public: bool,
    items: Vec<Item>,
    children: &Path,
) -> Result<(), Failure> {
    let mut own = Vec::new();
    for item in items {
        match item {
            Item::Mod(module) if is_test(&module.attrs) => {}
            Item::Mod(module) => {
                let name = module.ident.to_string();
                let inside = if path.is_empty() { name.clone() } else { format!("{path}::{name}") };
                let directory = children.join(&name);
                let items = match module.content {
                    Some((_, items)) => items,
                    None => {
                        let file = file_of(children, &name)?;
                        parsed(&read(&file)?, &file)?
                    }
                };
                gather(modules, inside, public && is_public(&module.vis), items, &directory)?;
            }
            Item::Macro(_) => {
                return Err(Failure::new(format!("a macro in `{path}`: the listing cannot see what it makes")));
            }
            item => own.push(item),
        }
    }
    modules.push(Module { path, public, items: own });
    Ok(())
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

fn file_of(directory: &Path, name: &str) -> Result<PathBuf, Failure> {
    let files = [directory.join(format!("{name}.rs")), directory.join(name).join("mod.rs")];
    let found = files.into_iter().find(|file| file.is_file());
    found.ok_or_else(|| Failure::new(format!("there is no file of the module {name} in {}", directory.display())))
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display())))
}

fn parsed(text: &str, file: &Path) -> Result<Vec<Item>, Failure> {
    let parsed = syn::parse_file(text).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    Ok(parsed.items)
}
