//! Dummy values that fit their fields.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::kind::{
    definition::Prepared,
    model::{ClientAuthTable, FieldFormat, FieldModel, Jwt, KeyEncoding},
    template::{Scope, Template},
};

/// The end of each secret that must be found wherever it appears.
const CANARY: &str = "canary7c1e6a90";
/// The minimum length of such a secret. A shorter one would be found by chance.
const MIN_SECRET: usize = 12;

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

/// Returns a secret that the field accepts, and that no other text of a run contains.
pub(super) fn canary(prepared: &Prepared, field: &FieldModel) -> String {
    let name = field.name.as_deref().unwrap_or("value");
    let jwts = prepared.model.jwt.iter().chain(prepared.model.exchange.iter().flat_map(|exchange| &exchange.jwt));
    let signs = |jwt: &&Jwt| jwt.key.variables().any(|variable| variable.name == name);
    let key = jwts.into_iter().find(signs).and_then(|jwt| match jwt.key_encoding {
        KeyEncoding::Hex => Some("7c1e6a90b2d45f83a6c1e7094b5d2f68".to_owned()),
        KeyEncoding::Pem => Some(private_key(name)),
        KeyEncoding::Utf8 => None,
    });
    let start = field.pattern.as_deref().and_then(pattern).unwrap_or_default();
    let candidates =
        [key, Some(format!("{name}-{CANARY}")), Some(format!("{start}{CANARY}")), Some(format!("{start}7310428695"))];
    let fits = |candidate: &String| candidate.len() >= MIN_SECRET && prepared.accepts(field, candidate);
    candidates.into_iter().flatten().find(fits).unwrap_or_else(|| of(prepared, field))
}

/// Returns a text in the form of a private key, which a fake host takes for one.
pub(super) fn private_key(name: &str) -> String {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{name}{CANARY}\n-----END PRIVATE KEY-----")
}

/// Returns `true` if the application authenticates with a private key.
pub(super) fn has_key_of_application(prepared: &Prepared) -> bool {
    let table = prepared.model.oauth2.as_ref().map(|table| &table.client_auth);
    matches!(table, Some(ClientAuthTable::Table(form)) if form.private_key_jwt.is_some())
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
