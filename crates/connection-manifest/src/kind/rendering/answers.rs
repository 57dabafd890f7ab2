//! Answers of a provider that fit a file: every value that the file reads is there.

use std::collections::BTreeMap;

use connection_contract::{Value, encode};

use crate::kind::{
    definition::Prepared,
    model::{AccountModel, AccountSource, Rule, Texts},
    template::{Ambient, Env, Values},
};

/// The access token of every answer.
pub(super) const TOKEN: &str = "access-token-dummy";
/// The id of the application, in place of a real one.
pub(super) const CLIENT: &str = "client-id-dummy";

/// The answers to the requests of a kind.
pub(super) struct AnswerSet {
    /// The answer to every request before there is a token.
    pub(super) flow: Value,
    /// The answers to the lookups, in their order, and to the verification.
    pub(super) then: Vec<Value>,
    /// The name of the header that holds the token of an exchange.
    pub(super) token_header: Option<String>,
}

/// Makes the answers for the dummy values of the fields.
pub(super) fn of(prepared: &Prepared, samples: &BTreeMap<String, String>) -> AnswerSet {
    let model = &prepared.model;
    let mut then = Vec::new();
    let values = Values { config: samples.clone(), ..Values::default() };
    let env = Env::new(&values, &Still);
    for lookup in &model.lookups {
        let mut element = Value::Map(Vec::new());
        for (name, pointer) in lookup.set.iter() {
            set(&mut element, pointer, sample(samples, name));
        }
        let mut answer = element;
        if let Some(pick) = &lookup.pick {
            if let Some(wanted) = &pick.where_ {
                let text = wanted.equals.text(&env).unwrap_or_default();
                set(&mut answer, &wanted.pointer, Value::Text(text));
            }
            let element = std::mem::replace(&mut answer, Value::Map(Vec::new()));
            set(&mut answer, &pick.pointer, Value::List(vec![element]));
        }
        then.push(answer);
    }
    if let Some(verify) = &model.verify {
        let mut answer = Value::Map(Vec::new());
        satisfy(&mut answer, &verify.error_if);
        if let Some(account) = &model.account {
            if account.from == AccountSource::Verify {
                identify(&mut answer, account);
            }
            for place in [&account.scopes, &account.expires].into_iter().flatten() {
                if let Some(pointer) = &place.pointer {
                    set(&mut answer, pointer, "2030-01-01T00:00:00Z".into());
                }
            }
        }
        then.push(answer);
    }
    let header = model.exchange.as_ref().and_then(|exchange| exchange.token_header.clone());
    AnswerSet { flow: flow(prepared, samples), then, token_header: header.filter(|name| !name.is_empty()) }
}

/// The source of what differs from call to call, which stands still here.
struct Still;

impl Ambient for Still {
    fn uuid(&self) -> String {
        "00000000-0000-4000-8000-000000000000".to_owned()
    }

    fn seconds(&self) -> i64 {
        super::world::NOW
    }
}

fn flow(prepared: &Prepared, samples: &BTreeMap<String, String>) -> Value {
    let model = &prepared.model;
    let mut answer = Value::object([
        ("token_type", "bearer".into()),
        ("client_id", CLIENT.into()),
        ("client_secret", "client-secret-dummy".into()),
        ("device_code", "device-code-dummy".into()),
        ("user_code", "ABCD-EFGH".into()),
        ("verification_uri", "https://provider.example/device".into()),
        ("interval", 5.into()),
        ("request_uri", "urn:request-uri-dummy".into()),
    ]);
    if let Some(account) = model.account.as_ref().filter(|account| account.from == AccountSource::Token) {
        identify(&mut answer, account);
    }
    if let Some(account) = model.account.as_ref().filter(|account| account.from == AccountSource::IdToken) {
        let mut claims = Value::object([("aud", CLIENT.into())]);
        identify(&mut claims, account);
        let token = format!("e30.{}.dummy", encode::base64url(claims.to_string().as_bytes()));
        set(&mut answer, "/id_token", Value::Text(token));
    }
    if let Some(table) = &model.oauth2 {
        if let Some(issuer) = &table.issuer {
            set(&mut answer, "/issuer", issuer.as_str().into());
            for name in ["authorization", "token", "device_authorization", "registration", "revocation"] {
                let address = format!("{}/{name}", issuer.trim_end_matches('/'));
                set(&mut answer, &format!("/{name}_endpoint"), Value::Text(address));
            }
        }
        let at = table.response.access_token.iter().next().unwrap_or("/access_token");
        tokens(&mut answer, at, &[table.scopes.as_slice(), &table.required_scopes].concat().join(" "));
        for (_, pointer) in table.response.extra_tokens.iter() {
            set(&mut answer, &format!("{pointer}/access_token"), "further-token-dummy".into());
        }
        for (name, pointer) in table.response.capture.iter() {
            set(&mut answer, pointer, sample(samples, name));
        }
        satisfy(&mut answer, &table.response.error_if);
    }
    if let Some(exchange) = &model.exchange {
        let at = exchange.access_token.iter().next().unwrap_or("/access_token");
        set(&mut answer, at, TOKEN.into());
        for (name, pointer) in exchange.steps.iter().flat_map(|step| step.capture.iter()) {
            if answer.pointer(pointer).is_none() {
                set(&mut answer, pointer, sample(samples, name));
            }
        }
        let number = |answer: &mut Value, texts: &Texts, value: i64| {
            texts.iter().take(1).for_each(|pointer| set(answer, pointer, value.into()));
        };
        number(&mut answer, &exchange.expires_in, 3600);
        number(&mut answer, &exchange.expires_at, super::world::NOW + 3600);
        satisfy(&mut answer, &exchange.error_if);
    }
    answer
}

/// Adds a set of tokens, of which `at` is the access token.
fn tokens(answer: &mut Value, at: &str, scope: &str) {
    let branch = at.rsplit_once('/').map_or("", |(branch, _)| branch);
    set(answer, at, TOKEN.into());
    set(answer, &format!("{branch}/refresh_token"), "refresh-token-dummy".into());
    set(answer, &format!("{branch}/expires_in"), 3600.into());
    if !scope.is_empty() {
        set(answer, &format!("{branch}/scope"), scope.into());
    }
}

fn sample(samples: &BTreeMap<String, String>, name: &str) -> Value {
    Value::Text(samples.get(name).cloned().unwrap_or_else(|| format!("{name}-dummy")))
}

fn identify(answer: &mut Value, account: &AccountModel) {
    for (texts, value) in [(&account.id, "account-id-dummy"), (&account.label, "Account")] {
        if let Some(pointer) = texts.iter().find(|text| text.starts_with('/')) {
            set(answer, pointer, value.into());
        }
    }
}

/// Makes an answer that no rule takes for an error.
fn satisfy(answer: &mut Value, rules: &[Rule]) {
    for rule in rules {
        if let Some(wanted) = &rule.differs {
            set(answer, &rule.pointer, crate::kind::definition::scalar(wanted));
        }
        if rule.exists == Some(false) && answer.pointer(&rule.pointer).is_none() {
            set(answer, &rule.pointer, "dummy".into());
        }
    }
}

/// Sets the value at a pointer; what is missing on the way is made. A number in a pointer makes an array.
fn set(value: &mut Value, pointer: &str, wanted: Value) {
    let Some(rest) = pointer.strip_prefix('/') else {
        *value = wanted;
        return;
    };
    let (token, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let token = token.replace("~1", "/").replace("~0", "~");
    let index = token.parse::<usize>().ok().filter(|index| *index < 16);
    match (&mut *value, index) {
        (Value::List(items), Some(index)) => {
            while items.len() <= index {
                items.push(Value::Map(Vec::new()));
            }
            if let Some(item) = items.get_mut(index) {
                set(item, below, wanted);
            }
        }
        (Value::Map(members), _) if index.is_none() || !members.is_empty() => {
            if !members.iter().any(|(name, _)| *name == token) {
                members.push((token.clone(), Value::Map(Vec::new())));
            }
            if let Some((_, member)) = members.iter_mut().find(|(name, _)| *name == token) {
                set(member, below, wanted);
            }
        }
        _ => {
            *value = if index.is_some() { Value::List(Vec::new()) } else { Value::Map(Vec::new()) };
            set(value, pointer, wanted);
        }
    }
}
