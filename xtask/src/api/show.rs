//! Formats declarations, each as one line without its body, its documentation and its private parts.

use syn::parse::Parse;
use syn::{
    Fields, File, Generics, Item, ItemEnum, ItemFn, ItemImpl, ItemStruct, ItemTrait, ItemType, Path, Signature,
    TraitItem, TraitItemType, Type, TypePath, Variant, Visibility,
};

use crate::failure::Failure;

/// Formats a function, such as `fn send(&self, request: HttpRequest) -> Answer`.
pub(crate) fn signature(signature: &Signature) -> Result<String, Failure> {
    let mut item: ItemFn = parsed("fn x() {}")?;
    item.sig = signature.clone();
    // A `mut` of a parameter does not concern callers.
    Ok(without_body(line(Item::Fn(item))).replace("(mut ", "(").replace(", mut ", ", "))
}

/// Formats a structure, such as `struct Established<C>`, followed by `{ .. }` if it has private fields.
pub(crate) fn structure(item: &ItemStruct) -> String {
    let is_private = |fields: &Fields| fields.iter().any(|field| !is_public(&field.vis));
    let rest = if is_private(&item.fields) { " { .. }" } else { "" };
    let mut item = item.clone();
    item.attrs.clear();
    item.vis = Visibility::Inherited;
    item.fields = Fields::Unit;
    item.semi_token = Some(Default::default());
    format!("{}{rest}", line(Item::Struct(item)).trim_end_matches(';'))
}

/// Formats the head of an enum, such as `enum Liveness`.
pub(crate) fn enumeration(item: &ItemEnum) -> String {
    let mut item = item.clone();
    item.attrs.clear();
    item.vis = Visibility::Inherited;
    item.variants.clear();
    without_body(line(Item::Enum(item)))
}

/// Formats a variant, such as `Link(DisplayText, Text)`.
pub(crate) fn variant(of: &ItemEnum, variant: &Variant) -> String {
    let mut variant = variant.clone();
    variant.attrs.clear();
    variant.fields.iter_mut().for_each(|field| field.attrs.clear());
    let mut item = of.clone();
    item.attrs.clear();
    item.vis = Visibility::Inherited;
    item.generics = Generics::default();
    item.variants = std::iter::once(variant).collect();
    let shown = line(Item::Enum(item));
    let inside = shown.split_once("{ ").map_or(shown.as_str(), |(_, inside)| inside);
    inside.trim_end_matches(" }").trim_end_matches(',').to_owned()
}

/// Formats the head of a trait, such as `trait Clock: Send + Sync`.
pub(crate) fn interface(item: &ItemTrait) -> String {
    let mut item = item.clone();
    item.attrs.clear();
    item.vis = Visibility::Inherited;
    item.items.clear();
    without_body(line(Item::Trait(item)))
}

/// Formats an impl with its associated types, such as `impl Deref for Text { type Target = str; }`.
pub(crate) fn implementation(item: &ItemImpl) -> String {
    let mut item = item.clone();
    item.attrs.clear();
    item.items.retain(|part| matches!(part, syn::ImplItem::Type(_)));
    without_body(line(Item::Impl(item)))
}

pub(crate) fn of_type(shown: &Type) -> Result<String, Failure> {
    let mut item: ItemType = parsed("type X = ();")?;
    item.ty = Box::new(shown.clone());
    let text = line(Item::Type(item));
    Ok(text.trim_start_matches("type X = ").trim_end_matches(';').to_owned())
}

pub(crate) fn path(shown: &Path) -> Result<String, Failure> {
    let attrs = Vec::new();
    of_type(&Type::Path(TypePath { attrs, qself: None, path: shown.clone() }))
}

/// Formats an associated type, such as `type Credential: Send + Sync`.
pub(crate) fn associated(part: &TraitItemType) -> Result<String, Failure> {
    let mut part = part.clone();
    part.attrs.clear();
    let mut item: ItemTrait = parsed("trait X {}")?;
    item.items.push(TraitItem::Type(part));
    let text = line(Item::Trait(item));
    Ok(text.trim_start_matches("trait X { ").trim_end_matches("; }").to_owned())
}

/// Formats an item without a body, such as a constant or an alias.
pub(crate) fn whole(item: Item) -> String {
    line(item).trim_end_matches(';').to_owned()
}

pub(crate) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn parsed<T: Parse>(text: &str) -> Result<T, Failure> {
    syn::parse_str(text).map_err(|error| Failure::new(format!("`{text}`: {error}")))
}

fn without_body(text: String) -> String {
    text.strip_suffix(" {}").map(str::to_owned).unwrap_or(text)
}

/// Formats an item as one line, which does not depend on how `prettyplease` would wrap it.
fn line(item: Item) -> String {
    let file = File { shebang: None, frontmatter: None, attrs: Vec::new(), items: vec![item] };
    let text = prettyplease::unparse(&file);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace("( ", "(")
        .replace(", )", ")")
        .replace(" )", ")")
        .replace("< ", "<")
        .replace(", >", ">")
        .replace("crate::", "")
}
