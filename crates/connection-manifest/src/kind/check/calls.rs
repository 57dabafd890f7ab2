//! The requests, the account, the lookups and the revocation.

use connection_contract::{AnswerClass, host::CONNECTION_HEADERS};

use super::{At, Checker, variables::Allowed};
use crate::kind::{
    model::{
        AccountModel, AccountSource, BasicModel, Described, FieldSource, JsonTemplate, Mechanism, MethodVerb, Pairs,
        Place, RequestModel, RevokeModel, Rule,
    },
    template::Template,
};

pub(super) fn check(checker: &mut Checker<'_>) {
    let model = checker.model;
    let root = At::Root;
    match &model.request {
        Some(request) => self::request(checker, At::Name(&root, "request"), request),
        None if model.mechanism == Some(Mechanism::None) => {}
        None => checker.report(
            At::Name(&root, "request"),
            "the base address is missing; write [request] with base = \"https://…\"",
        ),
    }
    if let Some(verify) = &model.verify {
        let at = At::Name(&root, "verify");
        call(checker, at, &verify.into(), checker.attached());
        answers(checker, at, &verify.error_if, &verify.ok);
    }
    if let Some(revoke) = &model.revoke {
        self::revoke(checker, At::Name(&root, "revoke"), revoke);
    }
    account(checker);
    lookups(checker);
}

impl Checker<'_> {
    /// Returns the variables that a call may use: those of the credential that is attached to it.
    fn attached(&self) -> Allowed<'static> {
        let oauth2 = self.mechanism() == Some(Mechanism::Oauth2);
        let tokens =
            matches!(self.mechanism(), Some(Mechanism::Oauth2 | Mechanism::SignedJwt | Mechanism::TokenExchange));
        Allowed { secret: !oauth2, token: tokens, client_id: oauth2, ..Allowed::default() }
    }

    pub(super) fn headers(&mut self, at: At<'_>, headers: &Pairs<Template>, allowed: Allowed<'_>) {
        for (name, template) in headers.iter() {
            let at = At::Name(&at, name);
            let is_token = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
            if !is_token {
                self.report(at, "this is not the name of a header; use letters, digits and '-'");
            } else if CONNECTION_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
                self.report(at, "this header belongs to the HTTP connection; remove it");
            }
            self.line(at, template, allowed);
        }
    }

    pub(super) fn basic(&mut self, at: At<'_>, basic: &BasicModel, allowed: Allowed<'_>) {
        self.template(At::Name(&at, "user"), &basic.user, allowed);
        self.template(At::Name(&at, "password"), &basic.password, allowed);
    }

    pub(super) fn members(&mut self, at: At<'_>, members: &Pairs<JsonTemplate>, allowed: Allowed<'_>) {
        for (name, value) in members.iter() {
            self.json(At::Name(&at, name), value, allowed);
        }
    }

    pub(super) fn rules(&mut self, at: At<'_>, rules: &[Rule]) {
        for (index, rule) in rules.iter().enumerate() {
            let at = At::Index(&at, index);
            self.pointer(At::Name(&at, "pointer"), &rule.pointer);
            let contains = rule.contains.as_deref().is_some_and(|text| !text.is_empty());
            let conditions = [rule.equals.is_some(), rule.differs.is_some(), contains, rule.exists.is_some()];
            if conditions.iter().filter(|is| **is).count() != 1 {
                self.report(at, "a rule has one condition; write `equals`, `differs`, `contains` or `exists`");
            }
        }
    }

    pub(super) fn pointer(&mut self, at: At<'_>, pointer: &str) {
        self.fixed(at, pointer);
        if !pointer.is_empty() && !pointer.starts_with('/') {
            self.report(at, "a JSON pointer begins with '/', such as /data/id; correct it");
        }
    }

    /// Checks the address of a request: a path below the base, or a whole address.
    fn place(&mut self, at: At<'_>, path: &Template, allowed: Allowed<'_>) {
        self.line(at, path, allowed);
        if path.has_host() {
            self.host(at, path);
        } else if !path.start().starts_with('/') {
            self.report(at, "a path begins with '/', and a whole address with https://; correct it");
        } else if path.start().starts_with("//") || path.literals().any(|text| text.contains('#')) {
            self.report(at, "this is no path; write one that begins with one '/' and has no '#'");
        } else if path.literals().any(has_dot_segment) {
            self.report(at, "a path has no segment '.' or '..', which would lead elsewhere; write the path itself");
        } else if self.model.request.as_ref().is_none_or(|request| request.base.is_empty()) {
            self.report(at, "there is no base address below which this path could be; add `base` to [request]");
        }
    }

    fn body(&mut self, at: At<'_>, verb: MethodVerb, has_json: bool, has_form: bool) {
        if has_json && has_form {
            self.report(at, "the request has two bodies; remove `json` or `form`");
        }
        if (has_json || has_form) && matches!(verb, MethodVerb::Get | MethodVerb::Head) {
            self.report(
                At::Name(&at, "method"),
                "a request with this method has no body; remove the body or write POST",
            );
        }
    }

    fn response_place(&mut self, at: At<'_>, place: &Place) {
        if place.header.is_some() == place.pointer.is_some() {
            self.report(at, "a value is in a header or in the body; write either `header` or `pointer`");
        }
        if let Some(pointer) = &place.pointer {
            self.pointer(At::Name(&at, "pointer"), pointer);
        }
        if self.model.verify.is_none() {
            self.report(at, "this is read from the response to [verify], which is missing; add it");
        }
    }
}

fn request(checker: &mut Checker<'_>, at: At<'_>, request: &RequestModel) {
    let base = At::Name(&at, "base");
    if request.base.is_empty() && checker.mechanism() != Some(Mechanism::None) {
        checker.report(at, "the base address is missing; write base = \"https://…\"");
    }
    for text in request.base.iter() {
        if let Some(template) = checker.parsed(base, text, Allowed::default()) {
            if text.contains(['?', '#']) {
                checker.report(base, "a base address has no query and no fragment; write them in `query`");
            }
            checker.host(base, &template);
        }
    }
    let origins = At::Name(&at, "origins");
    for (index, origin) in request.origins.iter().enumerate() {
        let plain = origin.replacen("://*.", "://wildcard.", 1);
        let is_origin = plain.split_once("://").is_some_and(|(_, rest)| !rest.contains(['/', '?', '#']));
        let below = origin.strip_prefix("https://*.");
        checker.fixed(At::Index(&origins, index), origin);
        if !is_origin || below.is_some_and(super::hosts::is_public) {
            checker.report(
                At::Index(&origins, index),
                "write an origin of the provider, such as https://files.example.com",
            );
        } else if let Ok(template) = Template::parse(&plain) {
            checker.host(At::Index(&origins, index), &template);
        }
    }
    let allowed = checker.attached();
    checker.headers(At::Name(&at, "headers"), &request.headers, allowed);
    checker.templates(At::Name(&at, "query"), &request.query, allowed);
    checker.members(At::Name(&at, "json"), &request.json, allowed);
    if let Some(path) = &request.path {
        let at = At::Name(&at, "path");
        checker.template(at, path, allowed);
        if !path.start().starts_with('/') || path.has_host() {
            checker.report(at, "a path begins with '/'; correct it");
        }
    }
    if let Some(basic) = &request.basic {
        checker.basic(At::Name(&at, "basic"), basic, allowed);
        if request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            checker.report(At::Name(&at, "basic"), "the header Authorization is set twice; remove it or `basic`");
        }
    }
    let pauses = At::Name(&at, "pauses");
    for (index, pause) in request.pauses.iter().enumerate() {
        if pause.header.is_empty() {
            checker.report(At::Index(&pauses, index), "the name of the header is missing; write header = \"…\"");
        }
    }
    checker.rules(At::Name(&at, "limited_if"), &request.limited_if);
}

fn call(checker: &mut Checker<'_>, at: At<'_>, call: &Described<'_>, allowed: Allowed<'_>) {
    if call.path.is_empty() {
        checker.report(at, "the path is missing; write path = \"/…\"");
    } else {
        checker.place(At::Name(&at, "path"), call.path, allowed);
    }
    checker.headers(At::Name(&at, "headers"), call.headers, allowed);
    checker.templates(At::Name(&at, "query"), call.query, allowed);
    if let Some(form) = call.form {
        checker.templates(At::Name(&at, "form"), form, allowed);
    }
    if let Some(json) = call.json {
        checker.json(At::Name(&at, "json"), json, allowed);
    }
    checker.body(at, call.verb, call.json.is_some(), call.form.is_some_and(|form| !form.is_empty()));
}

fn answers(checker: &mut Checker<'_>, at: At<'_>, errors: &[Rule], ok: &[u16]) {
    checker.rules(At::Name(&at, "error_if"), errors);
    let may_be_ok = |status: u16| {
        matches!(AnswerClass::of(status), AnswerClass::Success | AnswerClass::Unexpected) && status >= 200
    };
    if !ok.iter().all(|status| may_be_ok(*status)) {
        checker
            .report(At::Name(&at, "ok"), "401, 403, 408, 429 and 5xx never mean that a credential works; remove them");
    }
}

/// Checks the request that revokes the credential. That of a kind with OAuth may use the application and all tokens.
fn revoke(checker: &mut Checker<'_>, at: At<'_>, revoke: &RevokeModel) {
    let attached = checker.attached();
    let allowed = match &checker.model.oauth2 {
        Some(oauth2) => {
            if !oauth2.revocation.is_empty() {
                checker.report(at, "[oauth2] has an endpoint for this already; remove the table or `revocation`");
            }
            Allowed { refresh: true, client_secret: true, ..attached }
        }
        None => attached,
    };
    call(checker, at, &revoke.into(), allowed);
    if let Some(basic) = &revoke.basic {
        checker.basic(At::Name(&at, "basic"), basic, allowed);
        if revoke.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            checker.report(At::Name(&at, "basic"), "the header Authorization is set twice; remove it or `basic`");
        }
    }
    answers(checker, at, &revoke.error_if, &revoke.ok);
}

fn account(checker: &mut Checker<'_>) {
    let model = checker.model;
    let Some(account) = &model.account else { return };
    let root = At::Root;
    let at = At::Name(&root, "account");
    let from = At::Name(&at, "from");
    let is = |wanted| model.mechanism == Some(wanted);
    match account.from {
        AccountSource::Verify if model.verify.is_none() => {
            checker.report(from, "the account is read from the response to [verify], which is missing; add it");
        }
        AccountSource::Client | AccountSource::IdToken if !is(Mechanism::Oauth2) => {
            checker.report(from, "only a kind with OAuth has this; write from = \"verify\" or from = \"fields\"");
        }
        AccountSource::Token if !is(Mechanism::Oauth2) && !is(Mechanism::TokenExchange) => {
            checker.report(from, "there is no token response; write from = \"verify\" or from = \"fields\"");
        }
        AccountSource::Client
        | AccountSource::Fields
        | AccountSource::IdToken
        | AccountSource::Token
        | AccountSource::Verify => {}
    }
    if account.id.is_empty() && account.from != AccountSource::Client {
        checker.report(at, "the id of the account is missing; write id = \"/…\"");
    }
    for (name, texts) in [("id", &account.id), ("label", &account.label)] {
        let at = At::Name(&at, name);
        for text in texts.iter() {
            if account.from == AccountSource::Fields || name == "label" && text.contains("${") {
                checker.parsed(at, text, Allowed::default());
            } else {
                checker.pointer(at, text);
            }
        }
    }
    identity(checker, at, account);
    if let Some(place) = &account.scopes {
        checker.response_place(At::Name(&at, "scopes"), place);
    }
    if let Some(place) = &account.expires {
        checker.response_place(At::Name(&at, "expires"), place);
    }
}

/// Checks what the file says about the id.
fn identity(checker: &mut Checker<'_>, at: At<'_>, account: &AccountModel) {
    let is_answered = !matches!(account.from, AccountSource::Client | AccountSource::Fields);
    for (name, is_set) in [("mutable", account.mutable), ("email", account.email)] {
        if is_set && !is_answered {
            checker
                .report(At::Name(&at, name), format!("only an id that the provider answers has this; remove `{name}`"));
        }
    }
    let is_place =
        |pointer: &str| pointer.split('/').any(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    if account.mutable && account.id.iter().any(is_place) {
        checker.report(
            At::Name(&at, "mutable"),
            "the id is that of an element of a list, where another account may come to stand; remove `mutable`, or \
             name an id that is in no list",
        );
    }
    if account.subject {
        let at = At::Name(&at, "subject");
        let table = checker.model.oauth2.as_ref();
        let asks =
            table.is_some_and(|table| table.scopes.iter().chain(&table.required_scopes).any(|scope| scope == "openid"));
        if account.from != AccountSource::Verify || !account.email {
            checker.report(
                at,
                "the response to [verify] names the e-mail address; write from = \"verify\" and email = true",
            );
        }
        if !asks {
            checker.report(at, "a provider issues an ID token only with the scope openid; add it to `oauth2.scopes`");
        }
    }
}

fn lookups(checker: &mut Checker<'_>) {
    let root = At::Root;
    let list = At::Name(&root, "lookups");
    let allowed = checker.attached();
    for (index, lookup) in checker.model.lookups.iter().enumerate() {
        let at = At::Index(&list, index);
        checker.place(At::Name(&at, "path"), &lookup.path, allowed);
        checker.headers(At::Name(&at, "headers"), &lookup.headers, allowed);
        checker.templates(At::Name(&at, "query"), &lookup.query, allowed);
        if let Some(json) = &lookup.json {
            checker.json(At::Name(&at, "json"), json, allowed);
        }
        let verb = lookup.method.unwrap_or(if lookup.json.is_some() { MethodVerb::Post } else { MethodVerb::Get });
        checker.body(at, verb, lookup.json.is_some(), false);
        if let Some(pick) = &lookup.pick {
            let at = At::Name(&at, "pick");
            checker.pointer(At::Name(&at, "pointer"), &pick.pointer);
            if let Some(wanted) = &pick.where_ {
                let at = At::Name(&at, "where");
                checker.pointer(At::Name(&at, "pointer"), &wanted.pointer);
                checker.template(At::Name(&at, "equals"), &wanted.equals, Allowed::default());
                if pick.only {
                    checker.report(at, "a single element needs no condition; remove `where` or `only`");
                }
            }
        }
        let set = At::Name(&at, "set");
        if lookup.set.is_empty() {
            checker.report(at, "the lookup sets nothing; write set = { NAME = \"/…\" }");
        }
        for (name, pointer) in lookup.set.iter() {
            let at = At::Name(&set, name);
            checker.pointer(at, pointer);
            if checker.fields.get(name).is_none_or(|field| field.source != FieldSource::Lookup) {
                checker.report(
                    at,
                    format!("`{name}` is not declared; add a field with this name and source = \"lookup\""),
                );
            }
        }
    }
}

/// Returns `true` if a text of a path has a segment `.` or `..`, also in an encoded form (WHATWG URL Standard).
fn has_dot_segment(text: &str) -> bool {
    let path = text.split('?').next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    path.split(['/', '\\']).any(|segment| matches!(segment, "." | ".."))
}
