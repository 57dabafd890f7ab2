//! Files that are not JSON, too large, too deep, or ambiguous.

use connection_manifest::ExtensionFile;

use crate::manifest;

#[track_caller]
fn refused(bytes: &[u8], sentence: &str) {
    assert_eq!(ExtensionFile::parse(bytes).unwrap_err().in_file("a.json").to_string(), sentence);
}

#[test]
fn invalid_json_is_reported_with_its_line() {
    const RULE: &str = "not JSON (RFC 8259), which has no comments and no comma after the last member; correct it";
    refused(b"", &format!("a.json: line 1, column 0 is {RULE}"));
    refused(b"{\n  \"name\": \"a\",\n}", &format!("a.json: line 3, column 1 is {RULE}"));
    refused(b"{ // why\n}", &format!("a.json: line 1, column 3 is {RULE}"));
    refused(b"name = 'a'", &format!("a.json: line 1, column 2 is {RULE}"));
    refused(b"{\"name\": \"\xff\"}", &format!("a.json: line 1, column 11 is {RULE}"));
}

#[test]
fn size_and_depth_have_an_end() {
    refused(
        &vec![b' '; (1 << 20) + 1],
        "a.json: a manifest may have at most 1 MiB; move large content into separate files",
    );
    let nested = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
    let deep = "a.json: a manifest may have at most 64 levels; nest it less deeply";
    refused(nested(63).as_bytes(), deep);
    refused(nested(100_000).as_bytes(), deep);
    refused(nested(62).as_bytes(), "a.json: field '/name': a manifest needs the extension's name; write it as text");
    // Brackets in a text do not count as levels.
    let text = format!("{{\"a\": \"\\\"{}\", }}", "[".repeat(100));
    assert!(ExtensionFile::parse(text.as_bytes()).unwrap_err().rule.contains("not JSON"));
}

/// Each of these files would take minutes if its parts were compared in pairs.
#[test]
fn a_large_file_costs_its_size_and_not_its_square() {
    let many = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join(",");
    let text = manifest().to_string();
    let long = "k".repeat(500_000);
    let small = many(40_000, &|at| format!("\"{at:x}\":0"));
    let files = [
        text.replacen("\"id\":", &format!("\"{long}\": {{{small}}}, \"id\":"), 1),
        text.replacen('{', &format!("{{\"{long}\": {{{small}}}, "), 1),
        text.replacen('{', &format!("{{{}, ", many(60_000, &|at| format!("\"x{at:x}\":0"))), 1),
        text.replacen("\"accessToken\"", &many(50_000, &|at| format!("\"a{at:x}\"")), 1).replacen(
            "\"apiBaseUrl\"]",
            &format!("{}]", many(50_000, &|at| format!("\"b{at:x}\""))),
            1,
        ),
        text.replacen("\"accessToken\"", &many(40_000, &|at| format!("\"a{at:x}\"")), 1).replacen(
            "\"preferences\":[",
            &format!("\"preferences\":[{},", many(25_000, &|at| format!("{{\"name\":\"b{at:x}\"}}"))),
            1,
        ),
    ];
    for file in files {
        let size = file.len();
        assert!((400_000..1 << 20).contains(&size), "{size}");
        ExtensionFile::parse(file.as_bytes()).unwrap();
    }
}

#[test]
fn a_key_stands_once_in_an_object_at_any_depth() {
    let text = manifest().to_string();
    let own = text.replacen('{', "{\"name\": \"others\", ", 1);
    refused(
        own.as_bytes(),
        "a.json: extension 'others', connection 'default', field '/name': an object must not have the same key \
         twice; remove one of the two",
    );
    let deep = text.replacen('{', "{\"x/y\": [{\"a~\": 1, \"b\": 2, \"a~\": 3}], ", 1);
    refused(
        deep.as_bytes(),
        "a.json: extension 'issues', connection 'default', field '/x~1y/0/a~0': an object must not have the same key \
         twice; remove one of the two",
    );
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let bytes = [b"\xef\xbb\xbf", manifest().to_string().as_bytes()].concat();
    assert_eq!(ExtensionFile::parse(&bytes).unwrap().declaration().name, "issues");
}

/// A default that readers would take for infinity is refused; elsewhere the digits of a number are kept.
#[test]
fn numbers_keep_their_digits() {
    let text = manifest().to_string();
    let default = |digits: &str| {
        text.replacen("\"type\":\"textfield\"", &format!("\"type\":\"textfield\",\"default\":{digits}"), 1)
    };
    let kept = "12345678901234567890.50";
    assert!(ExtensionFile::parse(default(kept).as_bytes()).unwrap().to_string().contains(kept));
    let error = ExtensionFile::parse(default("1e400").as_bytes()).unwrap_err();
    assert_eq!(error.field, "/preferences/0/default");
}
