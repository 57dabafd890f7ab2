//! The members of types that callers can name (fields, variants and functions), read from the source.

use std::collections::BTreeSet;

use syn::{ImplItem, Item, TraitItem, Type, Visibility};

use crate::failure::Failure;

/// Adds `Type::member` for each type and trait of a file, including those in inline modules.
pub(super) fn add(path: &str, text: &str, members: &mut BTreeSet<String>) -> Result<(), Failure> {
    let file = syn::parse_file(text).map_err(|error| Failure::new(format!("{path} cannot be parsed: {error}")))?;
    file.items.iter().for_each(|item| of_item(item, members));
    Ok(())
}

fn of_item(item: &Item, members: &mut BTreeSet<String>) {
    let of = |name: &syn::Ident, found: Vec<&syn::Ident>| {
        found.into_iter().map(|member| format!("{name}::{member}")).collect()
    };
    let found: Vec<String> = match item {
        Item::Enum(item) => of(&item.ident, item.variants.iter().map(|variant| &variant.ident).collect()),
        Item::Impl(item) if item.trait_.is_none() => {
            let Type::Path(path) = &*item.self_ty else { return };
            let Some(last) = path.path.segments.last() else { return };
            of(&last.ident, item.items.iter().filter_map(named).collect())
        }
        Item::Mod(item) => {
            item.content.iter().flat_map(|(_, items)| items).for_each(|item| of_item(item, members));
            Vec::new()
        }
        Item::Struct(item) => {
            let fields = item.fields.iter().filter(|field| is_public(&field.vis));
            of(&item.ident, fields.filter_map(|field| field.ident.as_ref()).collect())
        }
        Item::Trait(item) => {
            let methods = item.items.iter().filter_map(|part| match part {
                TraitItem::Fn(method) => Some(&method.sig.ident),
                _ => None,
            });
            of(&item.ident, methods.collect())
        }
        _ => Vec::new(),
    };
    members.extend(found);
}

fn named(part: &ImplItem) -> Option<&syn::Ident> {
    match part {
        ImplItem::Const(constant) if is_public(&constant.vis) => Some(&constant.ident),
        ImplItem::Fn(method) if is_public(&method.vis) => Some(&method.sig.ident),
        _ => None,
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}
