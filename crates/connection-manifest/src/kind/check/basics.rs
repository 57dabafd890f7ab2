//! The id, the version, the mechanism and its table, and the optional powers.

use connection_contract::Kind;

use super::{At, Checker, Finding};
use crate::kind::{
    model::{ClientAuthName, ClientAuthTable, ClientName, GrantName, Mechanism, Power},
    read::{Denied, FORMAT},
};

/// The maximum number of characters in a name.
const MAX_NAME: usize = 100;

pub(super) fn check(checker: &mut Checker<'_>, stem: Option<&str>, denied: &Denied) {
    let model = checker.model;
    let root = At::Root;
    match model.format {
        Some(FORMAT) => {}
        Some(_) => checker.report(At::Name(&root, "format"), "there is no such format; write format = 1"),
        None => checker.report(At::Name(&root, "format"), "the format is missing; write format = 1"),
    }
    for (name, value) in [("id", &model.id), ("provider", &model.provider), ("extends", &model.extends)] {
        if let Some(value) = value
            && !is_id(value)
        {
            checker.report(
                At::Name(&root, name),
                "an id has words of a-z and 0-9 joined by '-', begins with a letter and has at most 64 characters",
            );
        }
    }
    match &model.id {
        None => checker.report(At::Name(&root, "id"), "the id is missing; write id = \"…\", the name of the kind"),
        Some(id) if stem.is_some_and(|stem| stem != id) => {
            checker.report(At::Name(&root, "id"), "the file has another name; call it after its id");
        }
        Some(_) => {}
    }
    if model.name.as_deref().unwrap_or_default().trim().is_empty() {
        checker.report(At::Name(&root, "name"), "the name for people is missing; write name = \"…\"");
    }
    if let Some(name) = &model.name {
        checker.shown(At::Name(&root, "name"), name, MAX_NAME);
    }
    for (index, link) in model.links.iter().enumerate() {
        let list = At::Name(&root, "links");
        if !link.url.as_deref().is_some_and(|url| url.starts_with("https://")) {
            checker
                .report(At::Index(&list, index), "a link for people needs an https address; write url = \"https://…\"");
        }
    }
    tables(checker);
    powers(checker, denied);
}

/// Returns the problem of a file whose format is newer than this program.
pub(crate) fn newer_format(format: Option<u32>) -> Option<Finding> {
    let version = format.filter(|version| *version > FORMAT)?;
    let sentence = format!("this file has format {version}, and this program reads format 1; update the program");
    Some(Finding { path: At::Name(&At::Root, "format").path(), sentence, about_fields: false })
}

fn is_id(text: &str) -> bool {
    Kind::parse(text).is_some_and(|kind| kind.extension().is_none()) && !text.ends_with('-') && !text.contains("--")
}

/// Each mechanism has its table, and no other.
fn tables(checker: &mut Checker<'_>) {
    let model = checker.model;
    let root = At::Root;
    let Some(mechanism) = model.mechanism else {
        let all = "api_key, basic, oauth2, token_exchange, signed_jwt or none";
        return checker.report(
            At::Name(&root, "mechanism"),
            format!("the mechanism is missing; write mechanism = \"…\" with one of {all}"),
        );
    };
    let tables = [
        ("oauth2", Mechanism::Oauth2, model.oauth2.is_some()),
        ("exchange", Mechanism::TokenExchange, model.exchange.is_some()),
        ("jwt", Mechanism::SignedJwt, model.jwt.is_some()),
    ];
    for (name, of, has) in tables {
        if of == mechanism && !has {
            checker.report(
                At::Name(&root, "mechanism"),
                format!("this mechanism is described by the table [{name}], which is missing; add it"),
            );
        }
        if of != mechanism && has {
            checker.report(
                At::Name(&root, name),
                format!("the table [{name}] belongs to another mechanism; remove it or change `mechanism`"),
            );
        }
    }
    let request = model.request.as_ref();
    if mechanism == Mechanism::Basic
        && request.is_none_or(|request| request.basic.is_none() && request.headers.is_empty())
    {
        checker.report(
            At::Name(&root, "request"),
            "user name and password are not attached to calls; add basic = { user = …, password = … } to [request]",
        );
    }
    if mechanism == Mechanism::ApiKey {
        let attaches = request.is_some_and(|request| {
            !(request.headers.is_empty() && request.query.is_empty() && request.json.is_empty())
                || request.path.is_some()
                || request.basic.is_some()
        });
        if !attaches && model.sigv4.is_none() {
            checker.report(
                At::Name(&root, "request"),
                "the key is not attached to calls; add headers = { Authorization = \"Bearer ${secret.NAME}\" } to [request]",
            );
        }
    }
    if mechanism == Mechanism::Oauth2
        && let Some(index) = model.fields.iter().position(|field| field.secret)
    {
        let list = At::Name(&root, "fields");
        checker.report(
            At::Index(&list, index),
            "a kind with OAuth keeps no further secret; make the field public or use another mechanism",
        );
    }
}

/// A power that is used must be named in `accepts`, and the host must not have switched it off.
fn powers(checker: &mut Checker<'_>, denied: &Denied) {
    let model = checker.model;
    let root = At::Root;
    let mut used = Vec::new();
    if model.jwt.is_some() {
        used.push((Power::Jwt, "jwt", None));
    }
    if model.exchange.as_ref().is_some_and(|exchange| exchange.jwt.is_some()) {
        used.push((Power::Jwt, "exchange", Some("jwt")));
    }
    if model.sigv4.is_some() {
        used.push((Power::AwsSigv4, "sigv4", None));
    }
    if let Some(oauth2) = &model.oauth2 {
        if oauth2.client == ClientName::Registered {
            used.push((Power::Registration, "oauth2", Some("client")));
        }
        if oauth2.grant == GrantName::Password {
            used.push((Power::PasswordGrant, "oauth2", Some("grant")));
        }
        if oauth2.client_auth == ClientAuthTable::Name(ClientAuthName::None) && oauth2.pkce == Some(false) {
            used.push((Power::PublicWithoutPkce, "oauth2", Some("pkce")));
        }
    }
    for (power, table, key) in used {
        let table = At::Name(&root, table);
        let at = key.map_or(table, |key| At::Name(&table, key));
        if !model.accepts.contains(&power) {
            checker.report(at, format!("this needs the power `{}`; add it to `accepts`", power.name()));
        }
    }
    for power in &model.accepts {
        let at = At::Name(&root, "accepts");
        if denied.contains(power) {
            checker.report(
                at,
                format!(
                    "the power `{}` is switched off on this host; allow it in the host's configuration",
                    power.name()
                ),
            );
        }
    }
}
