//! The terms of a kind: every address that receives a secret or a request, the places of secrets in calls, and how the
//! application authenticates, one fact per line in a fixed order.
//!
//! A fact has the name of its key in the file, and templates are written as in the file. Labels, guides, scopes and
//! pauses are left out, because they decide nothing about where a secret goes.

use std::fmt::{Display, Write as _};

use connection_contract::Value;

use crate::kind::model::{
    AudienceName, BasicModel, BodyName, ClientAuthName, ClientAuthTable, ClientName, Described, ExchangeStep,
    GrantName, HelperModel, HelpersModel, JsonTemplate, Jwt, KeyEncoding, KindModel, Mechanism, MethodVerb, OAuth2Step,
    OAuth2Table, Pairs, Parameter, RequestModel,
};

/// Returns the terms of a kind.
pub(super) fn terms(model: &KindModel) -> String {
    let mut terms = Terms(String::new());
    terms.text("mechanism", model.mechanism.map_or("", mechanism));
    if let Some(request) = &model.request {
        terms.request(request);
    }
    if let Some(verify) = &model.verify {
        terms.call("verify", &verify.into());
    }
    for (place, lookup) in model.lookups.iter().enumerate() {
        terms.call(&format!("lookups.{place}"), &lookup.into());
    }
    if let Some(revoke) = &model.revoke {
        terms.call("revoke", &revoke.into());
        terms.basic("revoke.basic", revoke.basic.as_ref());
    }
    if let Some(oauth2) = &model.oauth2 {
        terms.oauth2(oauth2);
    }
    if let Some(exchange) = &model.exchange {
        if let Some(jwt) = &exchange.jwt {
            terms.jwt("exchange.jwt", jwt);
        }
        for (place, step) in exchange.steps.iter().enumerate() {
            terms.exchange_step(&format!("exchange.steps.{place}"), step);
        }
    }
    if let Some(jwt) = &model.jwt {
        terms.jwt("jwt", jwt);
    }
    if let Some(sigv4) = &model.sigv4 {
        terms.text("sigv4.service", &sigv4.service);
        terms.text("sigv4.region", &sigv4.region);
    }
    for (protocol, table) in model.helpers.iter().flat_map(HelpersModel::tables) {
        terms.helper(&format!("helpers.{}", protocol.as_str()), table);
    }
    terms.0
}

/// The lines that were written so far.
struct Terms(String);

impl Terms {
    fn text(&mut self, key: &str, value: impl Display) {
        self.bare(key, quoted(&value.to_string()));
    }

    /// Writes a line for each value, in the order of the file.
    fn texts<'t>(&mut self, key: &str, values: impl IntoIterator<Item = &'t str>) {
        values.into_iter().for_each(|value| self.text(key, value));
    }

    fn pairs<T: Display>(&mut self, key: &str, pairs: &Pairs<T>) {
        pairs.iter().for_each(|(name, value)| self.text(&below(key, name), value));
    }

    fn json(&mut self, key: &str, value: &JsonTemplate) {
        match value {
            JsonTemplate::Text(template) => self.text(key, template),
            JsonTemplate::List(items) => {
                items.iter().enumerate().for_each(|(place, item)| self.json(&format!("{key}.{place}"), item));
            }
            JsonTemplate::Map(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_unstable_by_key(|(name, _)| name);
                members.into_iter().for_each(|(name, value)| self.json(&below(key, name), value));
            }
            // A value without quotes differs from the same value as a text.
            JsonTemplate::Null => self.bare(key, "null"),
            JsonTemplate::Bool(flag) => self.bare(key, flag),
            JsonTemplate::Number(number) => self.bare(key, number),
        }
    }

    fn bare(&mut self, key: &str, value: impl Display) {
        writeln!(self.0, "{key} = {value}").unwrap_or_default();
    }

    fn json_pairs(&mut self, key: &str, pairs: &Pairs<JsonTemplate>) {
        pairs.iter().for_each(|(name, value)| self.json(&below(key, name), value));
    }

    fn basic(&mut self, key: &str, basic: Option<&BasicModel>) {
        if let Some(BasicModel { user, password }) = basic {
            self.text(&format!("{key}.user"), user);
            self.text(&format!("{key}.password"), password);
        }
    }

    /// Writes to whom a program sends the secret. Lines with this beginning do not keep a connection from being used.
    fn helper(&mut self, key: &str, table: &HelperModel) {
        self.texts(&format!("{key}.hosts"), table.hosts.iter().map(String::as_str));
        for (name, text) in [("user", &table.user), ("secret", &table.secret), ("session", &table.session)] {
            if let Some(text) = text {
                self.text(&format!("{key}.{name}"), text);
            }
        }
    }

    fn request(&mut self, request: &RequestModel) {
        self.texts("request.base", request.base.iter());
        self.texts("request.origins", request.origins.iter().map(String::as_str));
        self.pairs("request.headers", &request.headers);
        self.pairs("request.query", &request.query);
        self.json_pairs("request.json", &request.json);
        if let Some(path) = &request.path {
            self.text("request.path", path);
        }
        self.basic("request.basic", request.basic.as_ref());
    }

    fn call(&mut self, key: &str, call: &Described<'_>) {
        self.text(&format!("{key}.method"), call.verb.name());
        self.text(&format!("{key}.path"), call.path);
        self.pairs(&format!("{key}.headers"), call.headers);
        self.pairs(&format!("{key}.query"), call.query);
        if let Some(form) = call.form {
            self.pairs(&format!("{key}.form"), form);
        }
        if let Some(json) = call.json {
            self.json(&format!("{key}.json"), json);
        }
    }

    fn oauth2(&mut self, table: &OAuth2Table) {
        let endpoints = [
            ("authorize", &table.authorize),
            ("token", &table.token),
            ("refresh", &table.refresh),
            ("revocation", &table.revocation),
            ("device", &table.device),
            ("pushed", &table.pushed),
            ("registration", &table.registration),
        ];
        for (name, addresses) in endpoints {
            self.texts(&format!("oauth2.{name}"), addresses.iter());
        }
        self.texts("oauth2.issuer", table.issuer.as_deref());
        if table.discover {
            self.bare("oauth2.discover", true);
        }
        self.text("oauth2.grant", grant(table.grant));
        self.text("oauth2.client", client(table.client));
        self.client_auth(&table.client_auth);
        if let Some(pkce) = table.pkce {
            self.bare("oauth2.pkce", pkce);
        }
        self.text("oauth2.body", body(table.body));
        self.requests(table);
    }

    fn client_auth(&mut self, auth: &ClientAuthTable) {
        let form = match auth {
            ClientAuthTable::Name(name) => return self.text("oauth2.client_auth", client_auth(*name)),
            ClientAuthTable::Table(form) => form,
        };
        if let Some(basic) = &form.basic {
            self.text("oauth2.client_auth.basic.user", &basic.user);
            self.text("oauth2.client_auth.basic.password", &basic.password);
        }
        if let Some(assertion) = &form.private_key_jwt {
            let algorithm = assertion.algorithm.map_or("", |algorithm| algorithm.name());
            self.text("oauth2.client_auth.private_key_jwt.algorithm", algorithm);
            self.texts("oauth2.client_auth.private_key_jwt.key_id", assertion.key_id.as_deref());
            self.text("oauth2.client_auth.private_key_jwt.audience", audience(assertion.audience));
        }
    }

    /// Writes the contents of the requests to the endpoints. A fixed parameter of an authorization request holds no
    /// secret, and often names a scope.
    fn requests(&mut self, table: &OAuth2Table) {
        for (name, parameter) in table.authorize_params.iter() {
            if let Parameter::Set(template) = parameter
                && template.fixed().is_none()
            {
                self.text(&below("oauth2.authorize_params", name), template);
            }
        }
        let parameters = [
            ("oauth2.token_params", &table.token_params),
            ("oauth2.refresh_params", &table.refresh_params),
            ("oauth2.device_params", &table.device_params),
        ];
        for (key, pairs) in parameters {
            for (name, parameter) in pairs.iter() {
                match parameter {
                    Parameter::Remove(_) => self.bare(&below(key, name), false),
                    Parameter::Set(template) => self.text(&below(key, name), template),
                }
            }
        }
        self.pairs("oauth2.token_rename", &table.token_rename);
        self.pairs("oauth2.refresh_rename", &table.refresh_rename);
        self.pairs("oauth2.device_rename", &table.device_rename);
        self.pairs("oauth2.token_headers", &table.token_headers);
        self.pairs("oauth2.refresh_headers", &table.refresh_headers);
        for (key, step) in [("oauth2.step", &table.step), ("oauth2.refresh_step", &table.refresh_step)] {
            if let Some(OAuth2Step { method, url, params }) = step {
                self.text(&format!("{key}.method"), method.unwrap_or(MethodVerb::Get).name());
                self.text(&format!("{key}.url"), url);
                self.pairs(&format!("{key}.params"), params);
            }
        }
    }

    fn exchange_step(&mut self, key: &str, step: &ExchangeStep) {
        self.text(&format!("{key}.method"), step.method.unwrap_or(MethodVerb::Post).name());
        self.text(&format!("{key}.url"), &step.url);
        self.pairs(&format!("{key}.headers"), &step.headers);
        self.pairs(&format!("{key}.query"), &step.query);
        self.pairs(&format!("{key}.form"), &step.form);
        if let Some(json) = &step.json {
            self.json(&format!("{key}.json"), json);
        }
        self.basic(&format!("{key}.basic"), step.basic.as_ref());
    }

    fn jwt(&mut self, key: &str, jwt: &Jwt) {
        self.text(&format!("{key}.algorithm"), jwt.algorithm.map_or("", |algorithm| algorithm.name()));
        self.text(&format!("{key}.key"), &jwt.key);
        self.text(&format!("{key}.key_encoding"), key_encoding(jwt.key_encoding));
        self.json_pairs(&format!("{key}.header"), &jwt.header);
        self.json_pairs(&format!("{key}.claims"), &jwt.claims);
    }
}

/// Returns the key of a member. A name that is no plain word is quoted.
fn below(key: &str, name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match !name.is_empty() && name.bytes().all(is_plain) {
        true => format!("{key}.{name}"),
        false => format!("{key}.{}", quoted(name)),
    }
}

/// Returns a text as JSON writes it, in printable ASCII, so that it contains no line break and nothing that a person does
/// not see.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for c in Value::from(text).to_string().chars() {
        match c.is_ascii() && !c.is_ascii_control() {
            true => quoted.push(c),
            false => quoted.extend(c.escape_unicode()),
        }
    }
    quoted
}

fn mechanism(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::ApiKey => "api_key",
        Mechanism::Basic => "basic",
        Mechanism::None => "none",
        Mechanism::Oauth2 => "oauth2",
        Mechanism::SignedJwt => "signed_jwt",
        Mechanism::TokenExchange => "token_exchange",
    }
}

fn grant(grant: GrantName) -> &'static str {
    match grant {
        GrantName::AuthorizationCode => "authorization_code",
        GrantName::ClientCredentials => "client_credentials",
        GrantName::ConsentThenClientCredentials => "consent_then_client_credentials",
        GrantName::DeviceCode => "device_code",
        GrantName::Password => "password",
    }
}

fn client(client: ClientName) -> &'static str {
    match client {
        ClientName::PerConnection => "per_connection",
        ClientName::Prompted => "prompted",
        ClientName::Registered => "registered",
    }
}

fn client_auth(name: ClientAuthName) -> &'static str {
    match name {
        ClientAuthName::Basic => "basic",
        ClientAuthName::BasicRaw => "basic_raw",
        ClientAuthName::Body => "body",
        ClientAuthName::None => "none",
    }
}

fn audience(audience: AudienceName) -> &'static str {
    match audience {
        AudienceName::Endpoint => "endpoint",
        AudienceName::Issuer => "issuer",
    }
}

fn body(body: BodyName) -> &'static str {
    match body {
        BodyName::Form => "form",
        BodyName::Json => "json",
        BodyName::Query => "query",
    }
}

fn key_encoding(encoding: KeyEncoding) -> &'static str {
    match encoding {
        KeyEncoding::Hex => "hex",
        KeyEncoding::Pem => "pem",
        KeyEncoding::Utf8 => "utf8",
    }
}
