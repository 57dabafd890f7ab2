//! The listing of every public item of a crate with its signature, one in each line.
//!
//! The listing is read from the source by names. This requires that a name is declared once in the whole crate, and
//! that there are no macros and no glob re-exports. Auto traits (`Send`, `Sync`) are not listed.

use std::collections::BTreeMap;

use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, ImplItem, Item, ItemEnum, ItemImpl, ItemStruct, ItemTrait, Token, TraitItem, Type, UseTree,
};

use crate::api::show::{self, is_public};
use crate::api::source::Module;
use crate::failure::Failure;

/// Declarations by the path under which callers find them. A `.` precedes the name of a field, and a `:` that of an
/// implemented trait.
pub(crate) type Listing = BTreeMap<String, String>;

/// Lists the items that callers of a crate can name.
pub(crate) fn listing(modules: &[Module]) -> Result<Listing, Failure> {
    let mut list = List { defined: BTreeMap::new(), reachable: BTreeMap::new(), lines: Listing::new() };
    for item in modules.iter().flat_map(|module| &module.items) {
        if let Some(name) = name(item)
            && list.defined.insert(name.clone(), item).is_some()
        {
            return Err(Failure::new(format!("`{name}` is declared twice, and the listing goes by names")));
        }
    }
    for module in modules.iter().filter(|module| module.public) {
        for item in &module.items {
            list.exported(&module.path, item)?;
        }
    }
    for item in modules.iter().flat_map(|module| &module.items) {
        if let Item::Impl(item) = item {
            list.implementation(item)?;
        }
    }
    Ok(list.lines)
}

/// The declaration of a trait's implementation that has no further parts, derived or written.
const IMPLEMENTED: &str = "implemented";

struct List<'a> {
    defined: BTreeMap<String, &'a Item>,
    /// Types and traits that callers can name, with their paths.
    reachable: BTreeMap<String, String>,
    lines: Listing,
}

impl List<'_> {
    fn exported(&mut self, module: &str, item: &Item) -> Result<(), Failure> {
        match item {
            Item::Use(item) if is_public(&item.vis) => {
                for (path, name) in flattened(&item.tree)? {
                    let local = self.defined.get(&name).copied().filter(|_| !is_foreign(&path));
                    match local {
                        Some(item) if module.is_empty() => self.declared("", item)?,
                        _ => self.line(at(module, &name), format!("use {}", path.replace("crate::", ""))),
                    }
                }
                Ok(())
            }
            item => self.declared(module, item),
        }
    }

    fn declared(&mut self, module: &str, item: &Item) -> Result<(), Failure> {
        let Some(name) = name(item) else { return Ok(()) };
        let path = at(module, &name);
        match item {
            Item::Struct(item) if is_public(&item.vis) => self.structure(path, item)?,
            Item::Enum(item) if is_public(&item.vis) => self.enumeration(path, item),
            Item::Trait(item) if is_public(&item.vis) => self.interface(path, item)?,
            Item::Fn(item) if is_public(&item.vis) => self.line(path, show::signature(&item.sig)?),
            Item::Const(item) if is_public(&item.vis) => {
                let mut item = item.clone();
                (item.attrs, item.vis) = (Vec::new(), syn::Visibility::Inherited);
                // A list may grow, so its value is left out. Its elements are listed themselves.
                let is_list = matches!(&*item.expr, Expr::Reference(list) if matches!(&*list.expr, Expr::Array(_)));
                let shown = show::whole(Item::Const(item));
                let without_value = shown.split(" = ").next().unwrap_or_default();
                self.line(path, if is_list { without_value.to_owned() } else { shown });
            }
            Item::Type(item) if is_public(&item.vis) => {
                let mut item = item.clone();
                (item.attrs, item.vis) = (Vec::new(), syn::Visibility::Inherited);
                self.line(path, show::whole(Item::Type(item)));
            }
            Item::Static(_) | Item::Union(_) => {
                return Err(Failure::new(format!("the listing does not know what `{path}` is")));
            }
            _ => {}
        }
        Ok(())
    }

    fn structure(&mut self, path: String, item: &ItemStruct) -> Result<(), Failure> {
        self.reachable.insert(item.ident.to_string(), path.clone());
        self.derived(&path, &item.attrs, &item.generics);
        self.line(path.clone(), format!("{}{}", openness(&item.attrs), show::structure(item)));
        for (index, field) in item.fields.iter().enumerate().filter(|(_, field)| is_public(&field.vis)) {
            let name = field.ident.as_ref().map_or_else(|| index.to_string(), ToString::to_string);
            self.line(format!("{path}.{name}"), show::of_type(&field.ty)?);
        }
        Ok(())
    }

    fn enumeration(&mut self, path: String, item: &ItemEnum) {
        self.reachable.insert(item.ident.to_string(), path.clone());
        self.derived(&path, &item.attrs, &item.generics);
        self.line(path.clone(), format!("{}{}", openness(&item.attrs), show::enumeration(item)));
        for variant in &item.variants {
            let text = format!("variant {}{}", openness(&variant.attrs), show::variant(item, variant));
            self.line(format!("{path}::{}", variant.ident), text);
        }
    }

    fn interface(&mut self, path: String, item: &ItemTrait) -> Result<(), Failure> {
        self.reachable.insert(item.ident.to_string(), path.clone());
        self.line(path.clone(), show::interface(item));
        for part in &item.items {
            let (name, text) = match part {
                TraitItem::Fn(method) => {
                    let mark = if method.default.is_some() { "provided" } else { "required" };
                    (method.sig.ident.to_string(), format!("{mark} {}", show::signature(&method.sig)?))
                }
                TraitItem::Type(item) if item.default.is_none() => {
                    (item.ident.to_string(), format!("required {}", show::associated(item)?))
                }
                _ => return Err(Failure::new(format!("the listing does not know a part of the trait `{path}`"))),
            };
            self.line(format!("{path}::{name}"), text);
        }
        Ok(())
    }

    /// Lists the traits that a type derives.
    fn derived(&mut self, path: &str, attributes: &[Attribute], generics: &syn::Generics) {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
            let parse = Punctuated::<syn::Path, Token![,]>::parse_terminated;
            let Ok(paths) = attribute.parse_args_with(parse) else { continue };
            for name in paths.iter().filter_map(|path| path.segments.last()) {
                let parameters: Vec<String> =
                    generics.type_params().map(|parameter| format!("{}: {}", parameter.ident, name.ident)).collect();
                let bounds =
                    if parameters.is_empty() { String::new() } else { format!(" where {}", parameters.join(", ")) };
                self.line(format!("{path}: {}", name.ident), format!("{IMPLEMENTED}{bounds}"));
            }
        }
    }

    fn implementation(&mut self, item: &ItemImpl) -> Result<(), Failure> {
        let (name, generic) = head(&item.self_ty)?;
        if self.hides(&name) {
            return Ok(());
        }
        let Some((of, _)) = &item.trait_ else {
            let path = self.reachable.get(&name).cloned().unwrap_or(name);
            let is_plain = item.generics.params.is_empty() && !generic;
            let head = if is_plain { String::new() } else { format!("{} :: ", show::implementation(item)) };
            for part in &item.items {
                let (name, text) = match part {
                    ImplItem::Fn(method) if is_public(&method.vis) => {
                        (&method.sig.ident, show::signature(&method.sig)?)
                    }
                    ImplItem::Const(constant) if is_public(&constant.vis) => {
                        (&constant.ident, format!("const {}: {}", constant.ident, show::of_type(&constant.ty)?))
                    }
                    _ => continue,
                };
                self.line(format!("{path}::{name}"), format!("{head}{text}"));
            }
            return Ok(());
        };
        let Some(last) = of.segments.last().filter(|last| !self.hides(&last.ident.to_string())) else { return Ok(()) };
        // The trait is listed by its last name, so that its spelling in the file does not matter.
        let long = show::path(of)?;
        let short = show::path(&last.clone().into())?;
        let has_parts = item.items.iter().any(|part| matches!(part, ImplItem::Type(_)));
        let text = if item.generics.type_params().next().is_none() && !has_parts {
            IMPLEMENTED.to_owned()
        } else {
            show::implementation(item).replacen(&format!("{long} for "), &format!("{short} for "), 1)
        };
        let path = match self.reachable.get(&name) {
            // The name of a lifetime does not matter.
            Some(path) if matches!(*item.self_ty, Type::Path(_)) => path.clone(),
            _ => show::of_type(&item.self_ty)?,
        };
        self.line(format!("{path}: {short}"), text);
        Ok(())
    }

    /// Returns `true` for a name that the crate declares and callers cannot name.
    fn hides(&self, name: &str) -> bool {
        self.defined.contains_key(name) && !self.reachable.contains_key(name)
    }

    fn line(&mut self, path: String, text: String) {
        self.lines.insert(path, text);
    }
}

/// Returns the name of a type, and whether it has generic arguments. A reference counts as the type to which it leads.
fn head(of: &Type) -> Result<(String, bool), Failure> {
    match of {
        Type::Path(path) => {
            let last = path.path.segments.last();
            Ok(last.map_or_else(Default::default, |last| (last.ident.to_string(), !last.arguments.is_none())))
        }
        Type::Reference(reference) => head(&reference.elem),
        other => Ok((show::of_type(other)?, false)),
    }
}

/// Returns the name under which an item is declared.
fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

fn at(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_owned() } else { format!("{module}::{name}") }
}

fn is_foreign(path: &str) -> bool {
    ["alloc::", "core::", "std::"].iter().any(|start| path.starts_with(start))
}

/// Returns `#[non_exhaustive]` if the attributes contain it, and else nothing.
fn openness(attributes: &[Attribute]) -> &'static str {
    if attributes.iter().any(|attribute| attribute.path().is_ident("non_exhaustive")) {
        "#[non_exhaustive] "
    } else {
        ""
    }
}

/// Returns the path and the name of each import of a `use`.
fn flattened(tree: &UseTree) -> Result<Vec<(String, String)>, Failure> {
    match tree {
        UseTree::Path(path) => {
            let inside = flattened(&path.tree)?;
            Ok(inside.into_iter().map(|(rest, name)| (format!("{}::{rest}", path.ident), name)).collect())
        }
        UseTree::Name(name) => Ok(vec![(name.ident.to_string(), name.ident.to_string())]),
        UseTree::Group(group) => {
            let inside = group.items.iter().map(flattened).collect::<Result<Vec<_>, _>>()?;
            Ok(inside.into_iter().flatten().collect())
        }
        _ => Err(Failure::new("a glob or another name in a `pub use`: the listing goes by names")),
    }
}
