//! Dummy values that fit their fields.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::kind::{
    definition::Prepared,
    model::{FieldFormat, FieldModel},
    template::{Scope, Template},
};

/// Returns a value that the field accepts.
pub(super) fn of(prepared: &Prepared, field: &FieldModel) -> String {
    let name = field.name.as_deref().unwrap_or("value");
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    if let Some(choice) = field.choices.first() {
        return text(&field.default).unwrap_or_else(|| choice.value.clone());
    }
    let whole = is_whole(prepared, name);
    let suffix = field.host_suffixes.first().map(|suffix| format!("acme{suffix}"));
    let candidates = [
        suffix.as_ref().filter(|_| whole).map(|host| format!("https://{host}")),
        suffix,
        text(&field.default),
        match field.format {
            FieldFormat::Bool => Some("true".to_owned()),
            FieldFormat::Email => Some("ada@acme.com".to_owned()),
            FieldFormat::Hostname => Some("host.acme.com".to_owned()),
            FieldFormat::Number => Some("1".to_owned()),
            FieldFormat::Text => None,
            FieldFormat::Url => Some("https://own.acme.com".to_owned()),
            FieldFormat::Uuid => Some("00000000-0000-4000-8000-000000000000".to_owned()),
        },
        Some(format!("{name}-dummy")),
        field.pattern.as_deref().and_then(pattern),
    ];
    let fits = |candidate: &String| prepared.accepts(field, candidate);
    candidates.into_iter().flatten().find(fits).unwrap_or_else(|| format!("{name}-dummy"))
}

/// Returns `true` if the value is a whole address.
fn is_whole(prepared: &Prepared, name: &str) -> bool {
    let model = &prepared.model;
    let oauth2 =
        model.oauth2.iter().flat_map(|table| [&table.authorize, &table.token, &table.refresh, &table.revocation]);
    let texts = model.request.iter().map(|request| &request.base).chain(oauth2).flat_map(|texts| texts.iter());
    texts.filter_map(|text| Template::parse(text).ok()).any(|template| {
        let first = template.variables().next();
        template.start().is_empty() && first.is_some_and(|first| first.scope == Scope::Config && first.name == name)
    })
}

/// Returns a text that the pattern matches.
pub(super) fn pattern(pattern: &str) -> Option<String> {
    fn write(hir: &Hir, text: &mut Vec<u8>) {
        match hir.kind() {
            HirKind::Alternation(branches) => branches.iter().take(1).for_each(|branch| write(branch, text)),
            HirKind::Capture(capture) => write(&capture.sub, text),
            HirKind::Class(Class::Bytes(class)) => {
                text.extend(class.ranges().iter().map(|range| range.start()).find(u8::is_ascii_alphanumeric));
            }
            HirKind::Class(Class::Unicode(class)) => {
                let letter =
                    class.ranges().iter().find(|range| range.start() <= 'a' && range.end() >= 'a').map(|_| 'a');
                let first = letter.or_else(|| class.ranges().first().map(|range| range.start()));
                text.extend(first.unwrap_or('a').encode_utf8(&mut [0; 4]).as_bytes());
            }
            HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, text)),
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => text.extend_from_slice(&literal.0),
            HirKind::Repetition(repetition) => (0..repetition.min).for_each(|_| write(&repetition.sub, text)),
        }
    }
    let mut text = Vec::new();
    write(&regex_syntax::parse(pattern).ok()?, &mut text);
    String::from_utf8(text).ok()
}
