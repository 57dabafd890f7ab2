//! The requests that a declaration describes, as the kind of a file.
//!
//! The members `request`, `verify` and `account` have the form of a kind file and are checked as one. The rest of that file
//! follows from the declaration: its fields are the secrets for which the setup asks and nothing else, so that no
//! address depends on an answer, and its application is one of the person's own.

use connection_contract::{AuthType, ConnectionDefinition, ExtensionDeclaration, Reason, SecretName, Value};

use super::{secret_label, unusable};
use crate::kind::{FileKind, KindFile};

/// Maximum number of lines that a person reads before the confirmation.
const MAX_LINES: usize = 40;

/// Returns the kind that sends the requests of a declaration; `None` if the declaration describes none.
///
/// # Errors
///
/// The first problem of the requests.
pub(super) fn kind(
    declaration: &ExtensionDeclaration,
    title: &str,
    asked: &[SecretName],
) -> Result<Option<FileKind>, Reason> {
    let Some(Value::Map(requests)) = &declaration.requirement.api else { return Ok(None) };
    let provider = declaration.requirement.provider.as_str();
    let text = file(declaration, title, asked, requests).to_string();
    let file = KindFile::parse(&format!("{provider}.json"), &text).map_err(|problems| {
        let (field, sentence) = problems
            .iter()
            .next()
            .map_or_else(Default::default, |problem| (problem.field.to_string(), problem.sentence.to_string()));
        unusable(
            format!("the requests that '{}' declares cannot be used: {field}: {sentence}", declaration.name),
            "correct request, verify and account in the manifest",
        )
    })?;
    let kind = file.definition();
    let lines = facts(&kind);
    // A longer text would be cut when it is shown.
    if lines.len() > MAX_LINES
        || lines.iter().any(|line| connection_contract::DisplayText::from(line.clone()).as_str() != line)
    {
        return Err(unusable(
            format!("the requests that '{}' declares cannot be shown in full", declaration.name),
            "declare fewer or shorter requests in the manifest",
        ));
    }
    Ok(Some(kind))
}

/// Returns what a person agrees to beside the addresses: every place in which a request carries a secret, one for each
/// line, as in the terms of a kind file.
pub(super) fn facts(kind: &FileKind) -> Vec<String> {
    let terms = kind.descriptor().terms.unwrap_or_default();
    let is_request = |line: &&str| line.starts_with("request.") || line.starts_with("verify.");
    terms.lines().filter(is_request).map(str::to_owned).collect()
}

/// Returns the kind file of a declaration.
fn file(declaration: &ExtensionDeclaration, title: &str, asked: &[SecretName], requests: &[(String, Value)]) -> Value {
    let requirement = &declaration.requirement;
    let text = |text: &str| Value::from(text);
    let mut members = vec![
        ("format", Value::from(1)),
        ("id", text(requirement.provider.as_str())),
        ("name", text(title)),
        (
            "mechanism",
            text(match requirement.auth.auth {
                AuthType::None => "none",
                AuthType::OAuth => "oauth2",
                _ => "api_key",
            }),
        ),
    ];
    match &requirement.auth.oauth {
        Some(oauth) => {
            let mut table = vec![
                ("authorize", text(&oauth.authorization_url)),
                ("token", text(&oauth.token_url)),
                ("client", text(if oauth.registration_url.is_some() { "registered" } else { "per_connection" })),
                ("client_auth", text("none")),
                ("scopes", Value::List(oauth.scopes.iter().map(|scope| text(scope)).collect())),
            ];
            if let Some(url) = &oauth.registration_url {
                table.push(("registration", text(url)));
                members.push(("accepts", Value::List(vec![text("registration")])));
            }
            members.push(("oauth2", Value::object(table)));
        }
        None => {
            let field = |name: &SecretName| {
                let label = secret_label(declaration, asked, name);
                Value::object([("name", text(name.as_str())), ("label", text(&label)), ("secret", Value::Bool(true))])
            };
            members.push(("fields", Value::List(asked.iter().map(field).collect())));
        }
    }
    let requests = requests.iter().map(|(name, value)| (name.as_str(), value.clone()));
    Value::object(members.into_iter().chain(requests))
}
