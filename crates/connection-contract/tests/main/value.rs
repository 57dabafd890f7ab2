//! JSON as data: which texts are parsed, which are rejected, and how values are written.

use connection_contract::{HttpResponse, JsonError, Timestamp, Value};

#[test]
fn written_values_are_read_unchanged() {
    for json in [
        "null",
        "true",
        "[]",
        "{}",
        r#"{"a":[1,-2.50,3e10,18446744073709551615],"b":{"c":"d"},"a":null}"#,
        r#""\"\\\u0000\u001f é 😀""#,
    ] {
        let value = Value::parse(json.as_bytes()).unwrap();
        assert_eq!(Value::parse(value.to_string().as_bytes()).unwrap(), value, "{json}");
    }
    let digits = Value::parse(b"18446744073709551615").unwrap();
    assert_eq!(digits.to_string(), "18446744073709551615");
}

#[test]
fn what_is_no_json_is_refused() {
    for json in [
        "",
        " ",
        "nul",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "'a'",
        "[1,]",
        "{\"a\":}",
        "{a:1}",
        "[1 2]",
        "\"\n\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "{} {}",
        "\"unended",
        "NaN",
    ] {
        assert_eq!(Value::parse(json.as_bytes()), Err(JsonError::Syntax), "{json}");
    }
    assert_eq!(Value::parse(b"\"\xff\""), Err(JsonError::Syntax));
}

#[test]
fn depth_and_size_are_capped() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Value::parse(nested(64).as_bytes()).is_ok());
    assert_eq!(Value::parse(nested(65).as_bytes()), Err(JsonError::Syntax));
    assert_eq!(Value::parse(nested(500_000).as_bytes()), Err(JsonError::Syntax));
    let long = format!("\"{}\"", "a".repeat(1 << 20));
    assert_eq!(Value::parse(long.as_bytes()), Err(JsonError::Syntax));
}

#[test]
fn a_missing_field_is_named() {
    let me = Value::parse(br#"{"login":"octocat","id":1,"plan":{"name":"pro"},"a/b":[{"~":true}]}"#).unwrap();
    assert_eq!(me.str_at("login").unwrap(), "octocat");
    assert_eq!(me.str_at("id"), Err(JsonError::Field("id".into())));
    assert_eq!(me["plan"]["name"].as_str(), Some("pro"));
    assert_eq!(me["no"]["such"], Value::Null);
    assert_eq!(me.pointer("/a~1b/0/~0").and_then(Value::as_bool), Some(true));
    assert_eq!(me.pointer("/a~1b/1"), None);
    assert_eq!(me.pointer("login"), None);
}

#[test]
fn objects_are_made_in_order() {
    let made = Value::object([("b", Value::from("x")), ("a", Value::from(7)), ("c", Value::from(true))]);
    assert_eq!(made.to_string(), r#"{"b":"x","a":7,"c":true}"#);
}

#[test]
fn of_fields_of_an_answer_with_one_name_the_last_with_a_value_counts() {
    let read = |kind: &str, body: &str| {
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        HttpResponse::new(200, headers, body, Timestamp::from_seconds(0)).json_or_form().unwrap().to_string()
    };
    for (body, left) in [
        (r#"{"token":"","id":8,"token":"t-2","id":7}"#, r#"{"token":"t-2","id":7}"#),
        (r#"{"token":"t-1","token":"t-2","token":""}"#, r#"{"token":"t-2"}"#),
        (r#"{"token":"t-1","token":"null","token":null}"#, r#"{"token":"t-1"}"#),
        (r#"{"token":"","token":null}"#, r#"{"token":null}"#),
        (r#"[{"data":{"token":null,"token":"t-2"},"data":" "}]"#, r#"[{"data":{"token":"t-2"}}]"#),
        (r#"{"token":"t-1","to\u006ben":"t-2"}"#, r#"{"token":"t-2"}"#),
        (r#"{"token":"t-1","Token":"t-2"}"#, r#"{"token":"t-1","Token":"t-2"}"#),
    ] {
        assert_eq!(read("application/json", body), left, "{body}");
    }
    let form = "application/x-www-form-urlencoded";
    assert_eq!(read(form, "token=&token=t-2&token=&a=b\r\n"), r#"{"token":"t-2","a":"b"}"#);
    let stored = r#"{"token":"t-1","token":"t-2"}"#;
    assert_eq!(Value::parse(stored.as_bytes()).unwrap().to_string(), stored, "other JSON stays as it is");
    let many = format!("{{{}\"a\":2}}", "\"a\":1,".repeat(150_000));
    assert_eq!(read("application/json", &many), r#"{"a":2}"#);
}
