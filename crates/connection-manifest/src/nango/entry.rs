//! One entry of the file, as the document of a kind.

use connection_contract::Value;

use super::{
    conversion::{Conversion, put},
    exchange,
    fields::{self, Field, Source},
    oauth2, request,
    table::Table,
    template::word,
};
use crate::kind::fixed_host;

/// Keys that say nothing about how an account is connected.
const UNRELATED: [&str; 4] = ["alias", "categories", "docs_connect", "setup_guide_url"];

/// The ways of authentication that have a counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    ApiKey,
    Basic,
    ClientCredentials,
    Jwt,
    None,
    OAuth2,
    TwoStep,
}

impl Mode {
    fn called(name: &str) -> Option<Self> {
        Some(match name {
            "API_KEY" => Self::ApiKey,
            "BASIC" => Self::Basic,
            "JWT" => Self::Jwt,
            "NONE" => Self::None,
            "OAUTH2" => Self::OAuth2,
            "OAUTH2_CC" => Self::ClientCredentials,
            "TWO_STEP" => Self::TwoStep,
            _ => return None,
        })
    }

    fn mechanism(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Basic => "basic",
            Self::ClientCredentials | Self::OAuth2 => "oauth2",
            Self::Jwt => "signed_jwt",
            Self::None => "none",
            Self::TwoStep => "token_exchange",
        }
    }
}

/// The document of a kind, and what was found on the way to it.
#[derive(Debug, Default)]
pub(super) struct Converted {
    pub(super) document: Vec<(String, Value)>,
    pub(super) lost: Vec<String>,
    /// The documentation that stands for the page on which a person deletes the credential.
    pub(super) removal: Option<String>,
    pub(super) refused: Vec<String>,
}

/// Converts an entry. `id` is the name of the kind.
pub(super) fn convert(id: &str, value: Value) -> Converted {
    let mut entry = Table::new("", value);
    entry.leave_out(&UNRELATED);
    let mode = entry.text("auth_mode");
    let Some(mode) = mode.as_deref().and_then(Mode::called) else {
        let why = match mode {
            Some(name) if is_mode(&name) => format!("auth_mode: the format does not have the way {name}"),
            Some(_) => "auth_mode: this is not the name of a way of authentication".to_owned(),
            None => "auth_mode: the entry does not say how an account is connected".to_owned(),
        };
        return Converted { refused: vec![why], ..Converted::default() };
    };
    let is_oauth = matches!(mode, Mode::ClientCredentials | Mode::OAuth2);
    let mut c = Conversion::new(is_oauth);
    declare(&mut c, &mut entry, mode);
    if entry.flag("require_client_certificate") {
        c.refuse("require_client_certificate", "the format has no client certificates");
    }
    if entry.has("assertion") {
        c.refuse("assertion", "the format signs a JWT in `token` alone");
    }
    let mut document = vec![("format".to_owned(), Value::from(1))];
    put(&mut document, "id", id);
    put(&mut document, "name", entry.text("display_name").or_else(|| Some(id.to_owned())));
    put(&mut document, "mechanism", mode.mechanism());
    let sources: Vec<String> =
        entry.texts("docs").into_iter().filter(|address| address.starts_with("https://")).collect();
    let removal = sources.iter().find(|address| mode != Mode::None && is_page(address)).cloned();
    put(&mut document, "sources", sources);
    let mut tables = Vec::new();
    put(&mut tables, "removal", removal.clone().map(|page| Value::object([("url", Value::Text(page))])));
    match mode {
        Mode::OAuth2 | Mode::ClientCredentials => {
            let table = oauth2::convert(&mut c, &mut entry, mode);
            put(&mut tables, "oauth2", table);
        }
        Mode::TwoStep => {
            let table = exchange::convert(&mut c, &mut entry);
            put(&mut tables, "exchange", table);
        }
        Mode::Jwt => {
            let table = exchange::jwt(&mut c, &mut entry);
            put(&mut tables, "jwt", table);
        }
        Mode::ApiKey | Mode::Basic | Mode::None => {}
    }
    if mode == Mode::Jwt || c.signs {
        put(&mut document, "accepts", vec!["jwt".to_owned()]);
    }
    let proxy = entry.table("proxy");
    request::convert(&mut c, proxy, mode, &mut tables);
    entry.lose(&mut c.lost);
    let fields = used(&mut c, &tables);
    put(&mut document, "fields", (!fields.is_empty()).then_some(Value::List(fields)));
    document.append(&mut tables);
    Converted { document, lost: c.lost, removal, refused: c.refused }
}

/// Returns `true` for a text that can be the name of a mode, and so is no secret in the wrong place.
fn is_mode(name: &str) -> bool {
    name.len() <= 32 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Returns `true` for an address that a kind file may name as a page for people.
fn is_page(address: &str) -> bool {
    let rest = address.strip_prefix("https://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_odd = |c: char| c == '$' || c.is_whitespace() || c.is_control();
    !rest.contains(is_odd) && fixed_host(host).is_ok()
}

/// Declares the fields of an entry, and those that its mode always has.
fn declare(c: &mut Conversion, entry: &mut Table, mode: Mode) {
    c.fields = fields::read(entry.table("connection_config"), false, &mut c.lost);
    for name in ["credentials", "assertion_option"] {
        for field in fields::read(entry.table(name), true, &mut c.lost) {
            if !c.fields.iter().any(|known| known.theirs == field.theirs) {
                c.fields.push(field);
            }
        }
    }
    let of_mode: &[(&str, bool)] = match mode {
        Mode::ApiKey => &[("apiKey", true)],
        Mode::Basic => &[("username", false), ("password", true)],
        _ => &[],
    };
    for (name, is_secret) in of_mode {
        if !c.fields.iter().any(|field| field.theirs == *name) {
            c.fields.push(Field::undeclared(name, *is_secret));
        }
    }
    let mut names: Vec<String> = Vec::new();
    for field in &mut c.fields {
        // An OAuth setup asks for these itself.
        if c.has_client && matches!(field.name.as_str(), "callbackUrl" | "method" | "password" | "username") {
            field.name = format!("own{}", capitalized(&field.name));
        }
        while names.contains(&field.name) {
            field.name.push('2');
        }
        names.push(field.name.clone());
    }
}

fn capitalized(name: &str) -> String {
    let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
    format!("{}{rest}", first.to_ascii_uppercase())
}

/// Returns the fields that a template uses or a response supplies. The application of an OAuth kind is no field, and
/// fields that only a script reads are lost.
fn used(c: &mut Conversion, tables: &[(String, Value)]) -> Vec<Value> {
    let text = tables.iter().map(|(_, table)| table.to_string()).collect::<String>();
    let mut tables = Vec::new();
    for field in &c.fields {
        let is_client = c.has_client
            && matches!(field.theirs.as_str(), "client_id" | "client_secret" | "clientId" | "clientSecret");
        if field.source != Source::User || is_used(&text, &field.variable()) {
            tables.push(field.table());
        } else if !is_client && field.constant.is_none() {
            c.lost.push(format!("field {}", word(&field.theirs)));
        }
    }
    tables
}

/// Returns `true` if a template of the text has the variable, also as an argument.
pub(super) fn is_used(text: &str, variable: &str) -> bool {
    let is_end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    text.match_indices(variable).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().last());
        let after = text.get(at.saturating_add(variable.len())..).and_then(|after| after.chars().next());
        before.is_some_and(|c| matches!(c, '{' | '(' | ' ')) && after.is_none_or(is_end)
    })
}
