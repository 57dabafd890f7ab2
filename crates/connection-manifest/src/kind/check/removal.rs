//! The table `[removal]`: the pages for people, and what a revocation ends.

use super::{At, Checker, variables::Allowed};
use crate::kind::{
    model::{AccountSource, Ends, FieldSource, Mechanism, RemovalModel},
    template::Template,
};

pub(super) fn check(checker: &mut Checker<'_>) {
    let Some(removal) = &checker.model.removal else { return };
    let root = At::Root;
    let at = At::Name(&root, "removal");
    if checker.mechanism() == Some(Mechanism::None) {
        return checker.report(at, "a kind without a credential has nothing to delete; remove the table");
    }
    if removal.url.is_empty() {
        checker.report(at, "the page on which a person deletes the credential is missing; write url = \"https://…\"");
    }
    for text in removal.url.iter() {
        page(checker, At::Name(&at, "url"), text);
    }
    forms(checker, at, removal);
    revocation(checker, at, removal);
}

/// Checks the address of a page. A value must not lead a person to a page of somebody else, so its host is bounded like
/// that of an address that receives a secret.
fn page(checker: &mut Checker<'_>, at: At<'_>, text: &str) {
    let Some(template) = checker.parsed(at, text, Allowed::default()) else { return };
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    if text.contains(is_odd) || !template.is_text_and_variables() {
        checker.report(at, "the address of a page has no space, no control character and no function; correct it");
    } else if is_plain(&template) {
        checker.report(at, "a page for people needs an https address; write https://…");
    } else {
        checker.host(at, &template);
    }
}

/// Returns `true` for a template whose fixed beginning is not that of an `https` address.
fn is_plain(template: &Template) -> bool {
    let start = template.start();
    !start.is_empty() && !start.starts_with("https://")
}

fn forms(checker: &mut Checker<'_>, at: At<'_>, removal: &RemovalModel) {
    let list = At::Name(&at, "forms");
    let has_secret = checker.model.fields.iter().any(|field| field.secret && field.source == FieldSource::User);
    if !removal.forms.is_empty() && !has_secret {
        checker.report(list, "only a secret that a person enters has a form; remove `forms`");
    }
    for (index, form) in removal.forms.iter().enumerate() {
        let at = At::Index(&list, index);
        checker.fixed(At::Name(&at, "prefix"), &form.prefix);
        if form.prefix.is_empty() {
            checker.report(at, "the beginning of the secret is missing; write prefix = \"…\"");
        }
        match form.url.is_empty() {
            true => checker.report(at, "the page for this form is missing; write url = \"https://…\""),
            false => page(checker, At::Name(&at, "url"), &form.url),
        }
    }
}

/// Checks what the file says about the request that revokes a token.
fn revocation(checker: &mut Checker<'_>, at: At<'_>, removal: &RemovalModel) {
    let model = checker.model;
    let place = At::Name(&at, "account");
    removal.account.iter().for_each(|pointer| checker.pointer(place, pointer));
    if removal.ends == Ends::Token {
        if !removal.account.is_empty() {
            checker.report(place, "only a revocation that ends the whole grant needs this; write ends = \"grant\"");
        }
        return;
    }
    let revokes = model.oauth2.as_ref().is_some_and(|oauth2| !oauth2.revocation.is_empty() || oauth2.discover);
    if !revokes && (model.oauth2.is_none() || model.revoke.is_none()) {
        let why = "this kind revokes no token of an application; remove `ends`, or add `revocation` to [oauth2]";
        checker.report(At::Name(&at, "ends"), why);
    }
    let names = model.account.as_ref().is_some_and(|account| {
        matches!(account.from, AccountSource::IdToken | AccountSource::Token | AccountSource::Verify)
    });
    if !removal.account.is_empty() && !names {
        checker.report(place, "no response names the account; remove this, or add [account] with id = \"/…\"");
    }
}
