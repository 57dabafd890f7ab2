//! OAuth 2, exchanges, JWTs and signatures of AWS.

use std::collections::BTreeSet;

use connection_contract::{Timestamp, encode};

use super::{At, Checker, hosts, rules, variables::Allowed};
use crate::kind::{
    definition,
    model::{
        ClientAuthTable, Exchange, Jwt, JwtAlgorithm, KeyEncoding, Mechanism, MethodVerb, OAuth2Step, OAuth2Table,
        Pairs, Parameter, RenewalName, ResponseTable, Sigv4, Texts,
    },
    template::Template,
};

/// A host receives no other callback.
const RESPONSE_MODE: &str = "a callback arrives as a GET with its parameters in the query; remove `response_mode`, or \
                             write response_mode = \"query\"";

pub(super) fn check(checker: &mut Checker<'_>) {
    let model = checker.model;
    let root = At::Root;
    if let Some(table) = &model.oauth2 {
        oauth2(checker, At::Name(&root, "oauth2"), table);
    }
    if let Some(exchange) = &model.exchange {
        self::exchange(checker, At::Name(&root, "exchange"), exchange);
    }
    if let Some(jwt) = &model.jwt {
        self::jwt(checker, At::Name(&root, "jwt"), jwt);
    }
    if let Some(table) = &model.sigv4 {
        sigv4(checker, At::Name(&root, "sigv4"), table);
    }
}

/// Checks what only the whole description shows: `connection-oauth2` builds it, or says why not.
pub(super) fn check_whole(checker: &mut Checker<'_>) {
    if checker.mechanism() == Some(Mechanism::Oauth2)
        && let Err(sentence) = definition::oauth2_config(checker.model)
    {
        let root = At::Root;
        checker.report(At::Name(&root, "oauth2"), sentence);
    }
}

fn oauth2(checker: &mut Checker<'_>, at: At<'_>, table: &OAuth2Table) {
    let endpoints: [(&str, &Texts); 7] = [
        ("authorize", &table.authorize),
        ("token", &table.token),
        ("refresh", &table.refresh),
        ("revocation", &table.revocation),
        ("device", &table.device),
        ("pushed", &table.pushed),
        ("registration", &table.registration),
    ];
    granted_base(checker, table);
    let early = Allowed { client_id: true, before_lookups: true, ..Allowed::default() };
    for (name, texts) in endpoints {
        let at = At::Name(&at, name);
        for text in texts.iter() {
            if let Some(template) = checker.parsed(at, text, early) {
                checker.host(at, &template);
            }
        }
    }
    if table.token.is_empty() && !table.discover {
        checker.report(at, "the token endpoint is missing; write token = \"https://…\", or issuer and discover = true");
    }
    if let Some(issuer) = &table.issuer {
        let at = At::Name(&at, "issuer");
        checker.fixed(at, issuer);
        if !issuer.starts_with("https://") {
            checker.report(at, "an issuer is an https address; correct it");
        }
    } else if table.discover || table.issuer_in_callback {
        checker.report(at, "the issuer is missing; write issuer = \"https://…\"");
    }
    client_auth(checker, at, table, early);
    let with_secret = Allowed { client_secret: true, ..early };
    parameters(checker, At::Name(&at, "authorize_params"), &table.authorize_params, early);
    response_mode(checker, at, table);
    parameters(checker, At::Name(&at, "token_params"), &table.token_params, Allowed { flow: true, ..with_secret });
    parameters(checker, At::Name(&at, "refresh_params"), &table.refresh_params, with_secret);
    parameters(checker, At::Name(&at, "device_params"), &table.device_params, with_secret);
    checker.headers(At::Name(&at, "token_headers"), &table.token_headers, Allowed { flow: true, ..with_secret });
    checker.headers(At::Name(&at, "refresh_headers"), &table.refresh_headers, with_secret);
    for (name, step) in [("step", &table.step), ("refresh_step", &table.refresh_step)] {
        if let Some(step) = step {
            oauth2_step(checker, At::Name(&at, name), step, with_secret);
        }
    }
    if (table.renewal == Some(RenewalName::Step)) != table.refresh_step.is_some() {
        checker.report(
            At::Name(&at, "renewal"),
            "renewal = \"step\" and the table `refresh_step` belong together; add the other or remove both",
        );
    }
    response(checker, at, table);
    for (index, name) in table.callback_capture.iter().enumerate() {
        let list = At::Name(&at, "callback_capture");
        declared(checker, At::Index(&list, index), name, "callback");
    }
}

/// Checks how the application authenticates.
fn client_auth(checker: &mut Checker<'_>, at: At<'_>, table: &OAuth2Table, early: Allowed<'_>) {
    let ClientAuthTable::Table(form) = &table.client_auth else { return };
    let at = At::Name(&at, "client_auth");
    if form.basic.is_some() == form.private_key_jwt.is_some() {
        checker.report(at, "the application authenticates in one way; write either `basic` or `private_key_jwt`");
    }
    if let Some(texts) = &form.basic {
        let allowed = Allowed { client_id: true, client_secret: true, ..early };
        checker.template(At::Name(&at, "basic"), &texts.user, allowed);
        checker.template(At::Name(&at, "basic"), &texts.password, allowed);
    }
    if form.private_key_jwt.as_ref().is_some_and(|jwt| matches!(jwt.algorithm, None | Some(JwtAlgorithm::HS256))) {
        checker.report(
            At::Name(&at, "private_key_jwt"),
            "an assertion is signed with a private key; write algorithm = \"RS256\", \"PS256\", \"ES256\" or \"EdDSA\"",
        );
    }
}

/// Checks where the parts of a token response are.
fn response(checker: &mut Checker<'_>, at: At<'_>, table: &OAuth2Table) {
    let at = At::Name(&at, "response");
    for pointer in table.response.access_token.iter() {
        checker.pointer(At::Name(&at, "access_token"), pointer);
    }
    let response = &table.response;
    for (name, rules) in [
        ("address_refused_if", &response.address_refused_if),
        ("error_if", &response.error_if),
        ("limited_if", &response.limited_if),
    ] {
        let list = At::Name(&at, name);
        checker.rules(list, rules);
        if let Some(index) = rules.iter().position(|rule| rule.exists.is_some()) {
            checker.report(
                At::Index(&list, index),
                "a token response is compared with a value; write `equals`, `differs` or `contains`",
            );
        }
    }
    refusals(checker, at, &table.response);
    let capture = At::Name(&at, "capture");
    for (name, pointer) in table.response.capture.iter() {
        checker.pointer(At::Name(&capture, name), pointer);
        declared(checker, At::Name(&capture, name), name, "token_response");
    }
}

/// Checks what the file says about the source of its rules for refusals.
fn refusals(checker: &mut Checker<'_>, at: At<'_>, response: &ResponseTable) {
    rules::source(checker, At::Name(&at, "source"), response.source.as_deref());
    let at = At::Name(&at, "undocumented");
    let Some(day) = response.undocumented.as_deref() else { return };
    if response.source.is_some() {
        checker.report(at, "a provider either documents how it refuses or does not; remove `source` or `undocumented`");
    }
    if day.len() != 10 || Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z")).is_none() {
        checker.report(at, "this is the day on which no page was found; write undocumented = \"2026-11-30\"");
    }
}

/// Checks that the provider sends a person back with a GET, which is the only callback that a host receives.
fn response_mode(checker: &mut Checker<'_>, at: At<'_>, table: &OAuth2Table) {
    let is_it = |name: &str| name.eq_ignore_ascii_case("response_mode");
    let params = At::Name(&at, "authorize_params");
    for (name, parameter) in table.authorize_params.iter().filter(|(name, _)| is_it(name)) {
        if let Parameter::Set(template) = parameter
            && template.fixed().is_none_or(|mode| mode != "query")
        {
            checker.report(At::Name(&params, name), RESPONSE_MODE);
        }
    }
    let queries = table.authorize.iter().filter_map(|address| address.split_once('?'));
    if queries.flat_map(|(_, query)| encode::from_form(query)).any(|(name, mode)| is_it(&name) && mode != "query") {
        checker.report(At::Name(&at, "authorize"), RESPONSE_MODE);
    }
}

/// Returns `true` for an address that a person types and so grants.
fn is_granted(checker: &Checker<'_>, address: &Template) -> bool {
    hosts(checker.model, address).is_ok_and(|hosts| hosts.granted.is_some())
}

/// The address that a person grants is that of the token endpoint. Calls go there only together with the flow.
fn granted_base(checker: &mut Checker<'_>, table: &OAuth2Table) {
    let any = |checker: &Checker<'_>, texts: &Texts| {
        texts.iter().any(|text| Template::parse(text).is_ok_and(|address| is_granted(checker, &address)))
    };
    let base = checker.model.request.as_ref().map(|request| &request.base);
    if base.is_some_and(|base| any(checker, base)) && !any(checker, &table.token) {
        let root = At::Root;
        let request = At::Name(&root, "request");
        checker.report(
            At::Name(&request, "base"),
            "calls go to an address that a person types only if the token endpoint is there, too; give the field `choices` or `host_suffixes`",
        );
    }
}

fn declared(checker: &mut Checker<'_>, at: At<'_>, name: &str, source: &str) {
    if !checker.fields.contains_key(name) {
        checker.report(at, format!("`{name}` is not declared; add a field with this name and source = \"{source}\""));
    }
}

fn parameters(checker: &mut Checker<'_>, at: At<'_>, pairs: &Pairs<Parameter>, allowed: Allowed<'_>) {
    for (name, parameter) in pairs.iter() {
        if let Parameter::Set(template) = parameter {
            let at = At::Name(&at, name);
            checker.template(at, template, allowed);
            if let Err(sentence) = template.for_oauth2() {
                checker.report(at, sentence);
            }
        }
    }
}

fn oauth2_step(checker: &mut Checker<'_>, at: At<'_>, step: &OAuth2Step, allowed: Allowed<'_>) {
    let url = At::Name(&at, "url");
    checker.template(url, &step.url, Allowed { client_secret: false, ..allowed });
    checker.host(url, &step.url);
    checker.templates(At::Name(&at, "params"), &step.params, Allowed { token: true, ..allowed });
    if !matches!(step.method, None | Some(MethodVerb::Get | MethodVerb::Post)) {
        checker.report(At::Name(&at, "method"), "this request is a GET or a POST; write one of them");
    }
}

fn exchange(checker: &mut Checker<'_>, at: At<'_>, exchange: &Exchange) {
    if exchange.steps.is_empty() {
        checker.report(at, "there is no request that gives a token; write steps = [{ url = \"https://…\", … }]");
    }
    if let Some(jwt) = &exchange.jwt {
        self::jwt(checker, At::Name(&at, "jwt"), jwt);
    }
    let list = At::Name(&at, "steps");
    let mut captured = BTreeSet::new();
    for (index, step) in exchange.steps.iter().enumerate() {
        let at = At::Index(&list, index);
        let allowed = Allowed {
            secret: true,
            signed: exchange.jwt.is_some(),
            steps: Some(&captured),
            before_lookups: true,
            ..Allowed::default()
        };
        let url = At::Name(&at, "url");
        checker.template(url, &step.url, allowed);
        checker.host(url, &step.url);
        if is_granted(checker, &step.url) {
            checker.report(
                url,
                "a token is not requested from an address that a person types; give the field `choices` or `host_suffixes`",
            );
        }
        checker.headers(At::Name(&at, "headers"), &step.headers, allowed);
        checker.templates(At::Name(&at, "query"), &step.query, allowed);
        checker.templates(At::Name(&at, "form"), &step.form, allowed);
        if let Some(json) = &step.json {
            checker.json(At::Name(&at, "json"), json, allowed);
        }
        if let Some(basic) = &step.basic {
            checker.basic(At::Name(&at, "basic"), basic, allowed);
        }
        let has_body = step.json.is_some() || !step.form.is_empty();
        if step.json.is_some() && !step.form.is_empty() {
            checker.report(at, "the request has two bodies; remove `json` or `form`");
        }
        if has_body && matches!(step.method, Some(MethodVerb::Get | MethodVerb::Head)) {
            checker.report(
                At::Name(&at, "method"),
                "a request with this method has no body; remove the body or write POST",
            );
        }
        let capture = At::Name(&at, "capture");
        for (name, pointer) in step.capture.iter() {
            checker.pointer(At::Name(&capture, name), pointer);
        }
        captured.extend(step.capture.0.keys().cloned());
    }
    for (name, texts) in [
        ("access_token", &exchange.access_token),
        ("expires_in", &exchange.expires_in),
        ("expires_at", &exchange.expires_at),
    ] {
        for pointer in texts.iter() {
            checker.pointer(At::Name(&at, name), pointer);
        }
    }
    if exchange.token_header.as_deref().is_some_and(|header| !header.is_empty()) && !exchange.access_token.is_empty() {
        checker.report(At::Name(&at, "token_header"), "the token is in a header or in the body; remove one of the two");
    }
    checker.rules(At::Name(&at, "error_if"), &exchange.error_if);
}

fn jwt(checker: &mut Checker<'_>, at: At<'_>, jwt: &Jwt) {
    let allowed = Allowed { secret: true, before_lookups: true, ..Allowed::default() };
    match (jwt.algorithm, jwt.key_encoding) {
        (None, _) => checker.report(at, "the algorithm is missing; write algorithm = \"ES256\" or similar"),
        (Some(JwtAlgorithm::HS256), KeyEncoding::Pem) => checker.report(
            At::Name(&at, "key_encoding"),
            "HS256 has a key of bytes; write key_encoding = \"utf8\" or \"hex\"",
        ),
        (Some(JwtAlgorithm::HS256), _) | (Some(_), KeyEncoding::Pem) => {}
        (Some(_), _) => checker
            .report(At::Name(&at, "key_encoding"), "this algorithm has a private key in PEM; remove `key_encoding`"),
    }
    if jwt.key.is_empty() {
        checker.report(at, "the key is missing; write key = \"${secret.NAME}\"");
    }
    checker.template(At::Name(&at, "key"), &jwt.key, allowed);
    checker.members(At::Name(&at, "header"), &jwt.header, allowed);
    checker.members(At::Name(&at, "claims"), &jwt.claims, allowed);
    for name in ["alg", "typ"] {
        if jwt.header.0.contains_key(name) {
            let header = At::Name(&at, "header");
            checker.report(At::Name(&header, name), "this member follows from the algorithm; remove it");
        }
    }
    if jwt.lifetime_seconds.is_some_and(|life| !(10..=86_400).contains(&life)) {
        checker
            .report(At::Name(&at, "lifetime_seconds"), "a JWT lives between 10 seconds and one day; change the number");
    }
}

fn sigv4(checker: &mut Checker<'_>, at: At<'_>, table: &Sigv4) {
    if checker.mechanism() != Some(Mechanism::ApiKey) {
        checker.report(at, "calls are signed with keys that a person gives; write mechanism = \"api_key\"");
    }
    if table.region.is_empty() {
        checker.report(at, "the region is missing; write region = \"us-east-1\" or region = \"${config.NAME}\"");
    }
    checker.template(At::Name(&at, "service"), &table.service, Allowed::default());
    checker.template(At::Name(&at, "region"), &table.region, Allowed::default());
    let secret = |name: &str| checker.fields.get(name).map(|field| field.secret);
    let has_key = secret(definition::KEY_ID).is_some() && secret(definition::SECRET_KEY) == Some(true);
    let has_token = secret(definition::SESSION_TOKEN).is_none_or(|is_secret| is_secret);
    if !has_key || !has_token {
        let sentence = "the keys are the fields accessKeyId and secretAccessKey, and for temporary keys sessionToken; \
                        declare them, the last two with secret = true";
        checker.report_variable(at, sentence.to_owned());
    }
    let sets = |request: &crate::kind::model::RequestModel| {
        request.basic.is_some() || request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
    };
    if checker.model.request.as_ref().is_some_and(sets) {
        checker.report(at, "the signature is in the header Authorization; remove that header and `basic`");
    }
}
