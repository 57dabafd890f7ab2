//! Properties of templates: no text panics the parser, and no value changes the shape of a request.

use connection_contract::{Secret, Value, encode};
use proptest::prelude::*;

use super::{Address, Ambient, Env, Template, Values};
use crate::kind::model::JsonTemplate;

struct Still;

impl Ambient for Still {
    fn uuid(&self) -> String {
        "uuid".to_owned()
    }

    fn seconds(&self) -> i64 {
        7
    }
}

/// Returns the values of one variable, as configuration and as a secret.
fn values(value: &str) -> Values {
    let mut values = Values::default();
    values.config.insert("x".to_owned(), value.to_owned());
    values.secrets.insert("x".to_owned(), Secret::from(value));
    values
}

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

fn address(text: &str, value: &str) -> Option<Address> {
    template(text).address(&Env::new(&values(value), &Still)).ok()
}

/// Returns any text, often with the characters that end a part of a request.
fn any_value() -> impl Strategy<Value = String> {
    let odd = r#"[a-z0-9./?#&=@:%\\\r\n"{}$ \u{0}\u{202e}-]{0,12}"#;
    prop_oneof![odd, ".*", Just("..".to_owned()), Just("a.b".to_owned()), Just("https://evil.example".to_owned())]
}

proptest! {
    /// Stands in for a fuzz target: the parser reads any bytes that are text.
    #[test]
    fn no_text_panics_the_parser(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(parsed) = Template::parse(&text) {
            let values = values("v");
            let env = Env::new(&values, &Still);
            drop((parsed.text(&env), parsed.address(&env), parsed.header(&env), parsed.authority(), parsed.for_oauth2()));
        }
    }

    #[test]
    fn no_expression_panics_the_parser(text in r#"(\$\{|\$|\}|base64\(|uuid\(\)|,|"|\)|config\.|secret\.|[a-z ]){0,20}"#) {
        drop(Template::parse(&text));
    }

    #[test]
    fn a_value_stays_in_its_host_label(value in any_value()) {
        if let Some(found) = address("https://${config.x}.acme.com/path?a=1", &value) {
            let origin = found.origin.unwrap();
            prop_assert!(origin.starts_with("https://") && origin.ends_with(".acme.com"));
            prop_assert!(origin["https://".len()..].bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b)));
            prop_assert_eq!(found.path, "/path");
            prop_assert_eq!(found.query, [("a".to_owned(), "1".to_owned())]);
        }
    }

    #[test]
    fn a_whole_address_is_an_origin_and_a_path(value in any_value()) {
        if let Some(found) = address("${config.x}/api", &value) {
            let origin = found.origin.unwrap();
            let text = format!("{origin}{}", found.path);
            prop_assert!(connection_contract::host::base_url(&text).is_some(), "{}", text);
            prop_assert!(found.path.ends_with("/api") && found.query.is_empty());
        }
    }

    #[test]
    fn a_value_stays_in_its_segment(value in any_value()) {
        if let Some(found) = address("/a/${config.x}/b?c=1", &value) {
            prop_assert_eq!(found.path.split('/').count(), 4);
            prop_assert!(!matches!(found.path.split('/').nth(2), Some("." | "..")));
            prop_assert_eq!(found.query.len(), 1);
        }
    }

    #[test]
    fn a_value_stays_in_its_parameter(value in any_value()) {
        if let Some(found) = address("/a?b=${config.x}&c=1", &value) {
            prop_assert_eq!(found.query, [("b".to_owned(), value), ("c".to_owned(), "1".to_owned())]);
        }
    }

    #[test]
    fn a_value_adds_no_header(value in any_value()) {
        let values = values(&value);
        if let Ok(header) = template("Bearer ${secret.x}").header(&Env::new(&values, &Still)) {
            prop_assert!(!header.expose_str().unwrap().chars().any(char::is_control));
            prop_assert_eq!(header.expose_str().unwrap(), format!("Bearer {value}"));
        }
    }

    #[test]
    fn a_value_stays_in_its_json_string(value in any_value()) {
        let json = JsonTemplate::Map(vec![("a".to_owned(), JsonTemplate::Text(template("${config.x}")))]);
        let values = values(&value);
        if let Ok(written) = json.value(&Env::new(&values, &Still)) {
            let read = Value::parse(written.to_string().as_bytes()).unwrap();
            prop_assert_eq!(read, Value::object([("a", Value::from(value.as_str()))]));
        }
    }

    #[test]
    fn a_function_encodes_what_it_is_given(value in any_value()) {
        let values = values(&value);
        let basic = template(r#"Basic ${base64(secret.x, ":")}"#);
        if let Ok(header) = basic.header(&Env::new(&values, &Still)) {
            let bytes = encode::from_base64(header.expose_str().unwrap().strip_prefix("Basic ").unwrap()).unwrap();
            prop_assert_eq!(bytes, format!("{value}:").into_bytes());
        }
    }
}

#[test]
fn a_computed_value_is_part_of_a_path_as_it_is_or_not_at_all() {
    let path = |value: &str| address("/a/${base64(config.x)}/b", value).map(|found| found.path);
    assert_eq!(path("v").as_deref(), Some("/a/dg==/b"));
    assert_eq!(encode::base64(b"???"), "Pz8/");
    assert_eq!(path("???"), None);
    let query = address("/a?b=${base64(config.x)}", "???").unwrap().query;
    assert_eq!(query, [("b".to_owned(), "Pz8/".to_owned())]);
}

#[test]
fn a_template_has_text_variables_and_three_functions() {
    let values = values("v");
    let env = Env::new(&values, &Still);
    for (text, expected) in [
        ("", Ok("")),
        ("$5 and $${config.x}", Ok("$5 and ${config.x}")),
        ("${config.x}${secret.x}", Ok("vv")),
        ("${uuid()}-${now()}", Ok("uuid-7")),
        (r#"${base64(secret.x, ":", "a, b)")}"#, Ok("djphLCBiKQ==")),
        ("${base64(secret.x)}", Ok("dg==")),
        ("${config.y}", Err("y")),
    ] {
        let rendered = template(text).text(&env);
        assert_eq!(rendered.as_deref().map_err(|error| error.name()), expected, "{text}");
    }
    for broken in [
        "${",
        "${config.x",
        "${config}",
        "${config.}",
        "${x.y}",
        "${config.x.y}",
        "${uuid( )}",
        "${base64()}",
        "${base64(\"a)}",
    ] {
        assert!(Template::parse(broken).is_err(), "{broken}");
    }
}
