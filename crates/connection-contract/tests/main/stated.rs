//! Errors that an answer states in its data, and texts that stand for no value.

use connection_contract::Value;

fn value(json: &str) -> Value {
    Value::parse(json.as_bytes()).unwrap()
}

fn is_error(json: &str) -> bool {
    !value(json).stated_errors(200).is_empty()
}

#[test]
fn an_error_is_stated_by_a_value_that_is_not_zero_false_empty_or_the_status() {
    for name in ["error", "error_code", "errorCode", "errcode", "errors"] {
        for found in ["61023", "-1", "0.5", "1e3", "true", r#""invalid_grant""#, "[{}]", r#"{"code": 0}"#, r#""zero""#]
        {
            assert!(is_error(&format!(r#"{{"{name}": {found}}}"#)), "{name}: {found}");
        }
        for found in ["0", "-0", "0.00", "0e5", "200", "false", "null", r#""""#, r#"" ""#, "[]", "{}", r#""None""#] {
            assert!(!is_error(&format!(r#"{{"{name}": {found}}}"#)), "{name}: {found}");
        }
    }
    for name in ["ok", "success"] {
        for (found, is_stated) in [("false", true), ("0", true), ("true", false), ("1", false), ("null", false)] {
            assert_eq!(is_error(&format!(r#"{{"{name}": {found}}}"#)), is_stated, "{name}: {found}");
        }
    }
    assert!(!is_error("{}") && !is_error("[]") && !is_error("false") && !is_error(r#"{"message": "error"}"#));
}

/// A form has texts alone, and some providers write numbers as texts in JSON, too.
#[test]
fn a_number_or_a_boolean_that_is_written_as_a_text_states_what_it_states_without_quotes() {
    for name in ["error", "error_code", "errorCode", "errcode", "errors", "ok", "success"] {
        for found in ["0", "00", "1", "5", "61023", "-7", "0.0", "200", "404", "true", "false", "null"] {
            // JSON has no zero before other digits.
            let bare = found.strip_prefix("00").map_or(found, |_| "0");
            let bare = format!(r#"{{"{name}": {bare}}}"#);
            let quoted = format!(r#"{{"{name}": "{found}"}}"#);
            assert_eq!(is_error(&bare), is_error(&quoted), "{quoted}");
        }
    }
}

/// Programs write the outcome of a request beside its status, and some give a success a number or a word of its own.
#[test]
fn an_outcome_a_status_and_a_code_with_a_message_state_an_error_unless_they_are_those_of_a_success() {
    for (json, is_stated) in [
        (r#"{"status": "error", "message": "Service is busy"}"#, true),
        (r#"{"status": " FAILED "}"#, true),
        (r#"{"result": "failure"}"#, true),
        (r#"{"success": "false", "message": "no"}"#, true),
        (r#"{"status": 503}"#, true),
        (r#"{"statusCode": 401, "message": "Unauthorized"}"#, true),
        (r#"{"status_code": "400"}"#, true),
        (r#"{"code": 20014, "msg": "token invalid"}"#, true),
        (r#"{"code": "40100", "message": "Too_many_requests", "request_id": "ab12"}"#, true),
        (r#"{"code": -1, "message": "busy"}"#, true),
        (r#"{"code": 1, "message": "okay is another word"}"#, true),
        (r#"{"code": 1, "message": null, "msg": "no"}"#, true),
        (r#"{"code": 0, "message": "done", "token": "at-2"}"#, false),
        (r#"{"code": "0000", "msg": "done", "token": "at-2"}"#, false),
        (r#"{"code": 200, "message": "done", "token": "at-2"}"#, false),
        (r#"{"code": "200", "message": "done", "token": "at-2"}"#, false),
        (r#"{"code": 201, "message": "done", "token": "at-2"}"#, false),
        (r#"{"code": 10000, "msg": "Success", "token": "at-2"}"#, false),
        (r#"{"code": 1, "message": "OK, token issued", "token": "at-2"}"#, false),
        (r#"{"code": 5, "token": "at-2"}"#, false),
        (r#"{"code": 5, "msg": "", "token": "at-2"}"#, false),
        (r#"{"code": "ok", "message": "done", "token": "at-2"}"#, false),
        (r#"{"code": "4/0AbCd", "message": "done"}"#, false),
        (r#"{"status": "ok", "token": "at-2"}"#, false),
        (r#"{"status": "success", "statusCode": 200, "token": "at-2"}"#, false),
        (r#"{"status": true, "result": {"token": "at-2"}}"#, false),
        (r#"{"status": "1", "status_code": null, "token": "at-2"}"#, false),
    ] {
        assert_eq!(is_error(json), is_stated, "{json}");
    }
}

#[test]
fn each_member_that_states_an_error_is_named() {
    let names = |json: &str| value(json).stated_errors(400).iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ");
    assert_eq!(names(r#"{"success": false, "errcode": "5", "error": 400, "errors": [1]}"#), "errcode errors success");
    assert_eq!(names(r#"{"error": 200}"#), "error", "another status than that of the answer");
}

#[test]
fn words_for_a_missing_value_are_none() {
    for json in ["null", r#""""#, r#"" \n""#, r#""null""#, r#""NULL""#, r#""undefined""#, r#""None""#, r#""nil""#] {
        assert!(value(json).is_missing(), "{json}");
    }
    for json in ["0", "false", "[]", "{}", r#""nullify""#, r#""at-1""#, r#""0""#] {
        assert!(!value(json).is_missing(), "{json}");
    }
}

#[test]
fn a_text_that_hides_a_value_is_none() {
    for text in ["********", "*", "...", "\u{2022}\u{2022}\u{2022}\u{2022}", "\u{25cf}\u{25cf}", " **** \n", "\u{2026}"]
    {
        assert!(Value::from(text).is_missing(), "{text}");
    }
    for text in ["rt-2", "****1234", "rt...2", "a.b", "-", "xxxx"] {
        assert!(!Value::from(text).is_missing(), "{text}");
    }
}
