//! Random rules and requests over small alphabets, so that they meet often.

use connection_rules::{Effect, Place, Profile, Request, RequestHead, RequestParts, Rules};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Map, Value, json};

const FORM: &str = "application/x-www-form-urlencoded";

/// Returns `long` in the long form of the tests, and `short` otherwise.
pub(crate) fn rounds(short: u32, long: u32) -> u32 {
    #[expect(clippy::disallowed_methods, reason = "the variable selects the long form of every test")]
    let is_long = std::env::var_os("CONNECTIONS_TEST_LONG").is_some();
    if is_long { long } else { short }
}

fn pattern() -> impl Strategy<Value = String> {
    let segment = select(vec!["a", "b", "B", "a.x", "%7Bc%7D", "d%2Fe", "{x}", "{y}"]);
    let end = select(vec!["", "", "/", "/**"]);
    (vec(segment, 0..4), end).prop_map(|(mut segments, end)| {
        segments.dedup_by(|one, other| one == other && one.starts_with('{'));
        if segments.iter().filter(|segment| **segment == "{x}").count() > 1 {
            segments.retain(|segment| *segment != "{x}");
        }
        if segments.iter().filter(|segment| **segment == "{y}").count() > 1 {
            segments.retain(|segment| *segment != "{y}");
        }
        let path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        if path.is_empty() && end.is_empty() { "/".to_owned() } else { format!("{path}{end}") }
    })
}

fn parameters() -> impl Strategy<Value = Value> {
    let values = select(vec![json!(["1"]), json!(["1", "2"]), json!(["x", "X"]), json!([""])]);
    (option::of((select(vec!["q", "Q", "r"]), values)), option::of(select(vec!["s", "S", "t"]))).prop_map(
        |(only, deny)| {
            let mut table = Map::new();
            if let Some((name, values)) = only {
                table.insert("only".to_owned(), json!({ name: values }));
            }
            if let Some(name) = deny {
                table.insert("deny".to_owned(), json!([name]));
            }
            Value::Object(table)
        },
    )
}

/// The members of a rule about a body, which do not all stand beside each other.
fn body() -> impl Strategy<Value = Value> {
    let pointers = select(vec![json!(["/l"]), json!(["/L", "/m/n"]), json!(["/m"]), json!(["/variables/v"])]);
    let max = select(vec!["1 KiB", "2 KiB"]);
    let media = select(vec![json!(["application/json"]), json!(["application/json", "application/x+json"])]);
    let other = select(vec![
        json!({ "body": { "media": ["text/plain", "multipart/form-data"] } }),
        json!({ "body": { "media": ["application/x-www-form-urlencoded"], "max": "1 KiB" } }),
        json!({ "body": { "max": "1 KiB" } }),
    ]);
    let operations = select(vec![json!(["query"]), json!(["mutation"]), json!(["query", "subscription"])]);
    let messages = select(vec![
        json!({ "methods": ["m", "response"] }),
        json!({ "methods": ["M", "tools/call"] }),
        json!({ "methods": ["m"], "tools": ["t"] }),
        json!({ "tools": ["t", "u"] }),
    ]);
    let condition = (option::of(media), option::of(max), pointers).prop_map(|(media, max, deny)| {
        let mut table = Map::new();
        media.into_iter().for_each(|media| drop(table.insert("media".to_owned(), media)));
        max.into_iter().for_each(|max| drop(table.insert("max".to_owned(), json!(max))));
        table.insert("deny".to_owned(), deny);
        Value::Object(table)
    });
    let looked = prop_oneof![
        operations.prop_map(|operations| json!({ "graphql": operations })),
        messages.prop_map(|messages| json!({ "json_rpc": messages })),
        Just(json!({})),
    ];
    prop_oneof![
        6 => Just(json!({})),
        2 => parameters().prop_map(|form| json!({ "form": form })),
        2 => other,
        3 => (looked, option::of(condition)).prop_map(|(mut members, condition)| {
            if let Some(condition) = condition {
                members["body"] = condition;
            }
            members
        }),
    ]
}

fn rule(effect: impl Strategy<Value = &'static str>) -> impl Strategy<Value = Value> {
    let methods = select(vec![json!(["GET"]), json!(["POST"]), json!(["GET", "PUT"])]);
    let head = (option::weighted(0.5, methods), option::weighted(0.8, pattern()), option::weighted(0.3, parameters()));
    (head, body(), 0..20_u8, effect).prop_map(|((methods, path, query), mut rule, chance, effect)| {
        rule["effect"] = json!(effect);
        methods.into_iter().for_each(|methods| rule["methods"] = methods);
        path.into_iter().for_each(|path| rule["path"] = json!(path));
        query.into_iter().for_each(|query| rule["query"] = query);
        match chance {
            0 => rule["upgrade"] = json!("websocket"),
            1 => rule["from"] = json!("origin"),
            _ => {}
        }
        rule
    })
}

/// Returns rules as data. Some rule sets allow everything.
pub(crate) fn rule_list() -> impl Strategy<Value = Vec<Value>> {
    let effects = || select(vec!["allow", "allow", "ask", "deny"]);
    let all = Just(json!({ "effect": "allow" }));
    vec(prop_oneof![20 => rule(effects()).boxed(), 1 => all.boxed()], 0..5)
}

/// Returns rules as data, and the position of one that allows.
pub(crate) fn list_with_allowing_rule() -> impl Strategy<Value = (Vec<Value>, usize)> {
    (rule_list(), rule(Just("allow")), any::<Index>()).prop_map(|(mut list, rule, index)| {
        let position = index.index(list.len() + 1);
        list.insert(position, rule);
        (list, position)
    })
}

/// Returns two rule sets. Most of them are alike: two rules are exchanged, one is added, or one has another member.
pub(crate) fn rule_pair() -> impl Strategy<Value = (Rules, Rules)> {
    let effects = || select(vec!["allow", "ask", "deny"]);
    let change = (rule(effects()), any::<Index>(), any::<Index>(), 0..4_u8, effects());
    (rule_list(), rule_list(), change).prop_map(|(before, other, (rule, one, two, change, effect))| {
        let mut after = before.clone();
        match (change, after.len()) {
            (0, _) => after = other,
            (1, _) => after.insert(one.index(before.len() + 1), rule),
            (_, 0) => after = other,
            (2, length) => after.swap(one.index(length), two.index(length)),
            (_, length) => {
                let changed = &mut after[one.index(length)];
                match rule.get("path") {
                    Some(path) if two.index(2) == 0 => changed["path"] = path.clone(),
                    _ => changed["effect"] = json!(effect),
                }
            }
        }
        (rule_set(&before), rule_set(&after))
    })
}

/// Makes a rule set, in which each rule has its position as its name. A rule that asks cannot name an upgrade.
pub(crate) fn rule_set(list: &[Value]) -> Rules {
    let named = list.iter().enumerate().map(|(index, rule)| {
        let mut rule = rule.clone();
        rule["name"] = json!(index.to_string());
        if rule["effect"] == "ask"
            && let Some(members) = rule.as_object_mut()
        {
            members.remove("upgrade");
        }
        rule
    });
    Rules::from_value(&json!({ "rule": named.collect::<Vec<_>>() })).unwrap()
}

pub(crate) fn any_rules() -> impl Strategy<Value = Rules> {
    rule_list().prop_map(|list| rule_set(&list))
}

/// A request with its whole body.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) parts: RequestParts,
    pub(crate) body: Vec<u8>,
}

/// The exceptions with which the random requests are read.
pub(crate) fn profile() -> Profile {
    Profile::strict().encoded_slash_is_data().empty_segment_is_data()
}

impl Asked {
    pub(crate) fn head(&self) -> RequestHead {
        RequestHead::read(self.parts.clone(), &profile()).unwrap()
    }

    pub(crate) fn read(&self) -> Request {
        self.head().with_body(self.body.clone()).unwrap()
    }

    pub(crate) fn effect(&self, rules: &Rules) -> Effect {
        rules.decide(&self.read()).effect()
    }
}

fn target() -> impl Strategy<Value = String> {
    let segment = select(vec![
        "a", "a", "b", "b", "A", "B", "a.x", "a.y", "A.X", "a;x", "B.json", "%7Bc%7D", "%7bC%7d", "d%2Fe", "D%2fE",
        "other", "b.x.y",
    ]);
    let parameter = select(vec![
        "q=1", "q=2", "Q=1", "q=x", "q=X", "r=1", "r=", "r=X", "s=1", "S=1", "t=1", "T=1", "u=1", "q=3", "query=a",
    ]);
    (vec(segment, 0..5), select(vec!["", "", "", "/"]), vec(parameter, 0..3)).prop_map(|(segments, end, query)| {
        let path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        let path = if path.is_empty() { "/".to_owned() } else { format!("{path}{end}") };
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    })
}

fn sent_body() -> impl Strategy<Value = (&'static str, String)> {
    let member = select(vec![
        ("l", json!(1)),
        ("L", json!(1)),
        ("m", json!({ "n": 1 })),
        ("m", json!({ "N": 1 })),
        ("m", json!(null)),
        ("variables", json!({ "v": 1 })),
        ("query", json!("{ a }")),
        ("query", json!("{ a }")),
        ("query", json!("mutation { a }")),
        ("query", json!("subscription S { a } query Q { b }")),
        ("query", json!("{")),
    ]);
    let object = vec(member, 0..3)
        .prop_map(|members| Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()));
    let message = select(vec![
        json!({ "jsonrpc": "2.0", "method": "m" }),
        json!({ "jsonrpc": "2.0", "method": "M" }),
        json!({ "jsonrpc": "2.0", "method": "other" }),
        json!({ "jsonrpc": "2.0", "result": 1 }),
        json!({ "jsonrpc": "2.0", "method": "tools/call", "params": { "name": "t" } }),
        json!({ "jsonrpc": "2.0", "method": "tools/call", "params": { "name": "U" } }),
        json!({ "jsonrpc": "2.0", "method": "tools/call" }),
    ]);
    let value = prop_oneof![
        4 => object.boxed(),
        2 => message.clone().boxed(),
        1 => vec(message, 0..3).prop_map(Value::Array).boxed(),
    ];
    let media = select(vec!["application/json", "application/x+json"]);
    let field = select(vec!["q=1", "Q=1", "q=x", "r=X", "r=", "s=1", "S=1", "t=1", "u=1"]);
    prop_oneof![
        4 => Just(("", String::new())),
        5 => (media, value, select(vec![0, 0, 0, 1500, 3000]))
            .prop_map(|(media, value, length)| (media, format!("{:<length$}", value.to_string()))),
        2 => (vec(field, 1..3), select(vec![0, 0, 1500]))
            .prop_map(|(fields, length)| (FORM, format!("{:&<length$}", fields.join("&")))),
        1 => select(vec![
            ("application/json", "{".to_owned()),
            ("application/json", "{\"l\":1,\"l\":1}".to_owned()),
            ("text/plain", "a".to_owned()),
            ("text/plain", "a".repeat(1500)),
            ("multipart/form-data; boundary=x", "--x".to_owned()),
            ("application/octet-stream", "a".to_owned()),
        ]),
    ]
}

pub(crate) fn any_request() -> impl Strategy<Value = Asked> {
    let method = select(vec!["GET", "POST", "PUT", "DELETE"]);
    (method, target(), sent_body(), 0..20_u8).prop_map(|(method, target, (media, body), chance)| {
        let mut parts = RequestParts::new(method, target).body_length(Some(body.len() as u64));
        if !media.is_empty() {
            parts = parts.header("content-type", media);
        }
        match chance {
            0 => parts = parts.header("upgrade", "websocket"),
            1 => parts = parts.place(Place::Origin("https://other.example".to_owned())),
            _ => {}
        }
        Asked { parts, body: body.into_bytes() }
    })
}
