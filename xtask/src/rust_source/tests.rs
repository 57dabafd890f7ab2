//! Tests of distinguishing code, text and test code.

use super::{Shape, Token, tokens, without_tests};

#[test]
fn comments_of_every_form_are_no_code() {
    check("a // b\nc /* d /* e */ f */ g //! h\n/// i\nj", "a c g j");
}

#[test]
fn strings_of_every_form_are_text() {
    check(r##"a "b \" c" r"d\" r#"e " f"# b"g" br#"h"# c"i" j"##, r#"a "b \" c" "d\" "e " f" "g" "h" "i" j"#);
}

#[test]
fn a_comment_in_a_string_and_a_string_in_a_comment_end_where_they_end() {
    check("\"// not a comment\" a /* \" */ b // \"\nc", "\"// not a comment\" a b c");
}

#[test]
fn characters_and_lifetimes_are_told_apart() {
    check("'a' &'a str '\"' '\\'' '\\u{1F600}' b'x' b'\\'' 'static end", "· & · str · · · · · · end");
}

#[test]
fn raw_identifiers_are_what_they_name() {
    check("r#cfg r#host", "cfg host");
}

#[test]
fn numbers_are_no_names() {
    check("1_000u64 0xff a1", "· · a1");
}

#[test]
fn lines_are_counted_through_comments_and_strings() {
    let lines: Vec<usize> = tokens("a\n/* \n */ b \"\n\" c").iter().map(|token| token.line).collect();
    assert_eq!(lines, [1, 3, 3, 4]);
}

#[test]
fn a_text_that_is_not_rust_has_no_tokens() {
    check("a \"b", "");
    check("a { b", "");
}

#[test]
fn test_items_at_the_top_level_are_cut_out() {
    check_cut("a; #[cfg(test)] mod tests { fn b() {} } c;", "a ; c ;", "mod tests { fn b ( ) { } }");
    check_cut("#[cfg(test)] mod tests; c;", "c ;", "mod tests ;");
    check_cut("#[cfg(test)] use x::{y, z}; c;", "c ;", "use x :: { y , z } ;");
}

#[test]
fn test_attributes_whose_end_is_uncertain_stay_in_the_code() {
    for source in [
        "m! { #[cfg(test)] mod tests { a } }",
        "#[cfg(test)] fn a() {}",
        "struct S { #[cfg(test)] a: u8 }",
        "#[cfg(any(test, b))] mod c {}",
    ] {
        let tokens = tokens(source);
        assert_eq!(without_tests(&tokens).code, tokens, "{source}");
    }
}

#[track_caller]
fn check(source: &str, expected: &str) {
    assert_eq!(show(&tokens(source)), expected);
}

#[track_caller]
fn check_cut(source: &str, code: &str, tests: &str) {
    let cut = without_tests(&tokens(source));
    assert_eq!(show(&cut.code), code.replace("::", ": :"));
    assert_eq!(show(&cut.tests), tests.replace("::", ": :"));
}

fn show(tokens: &[Token]) -> String {
    let shown = tokens.iter().map(|token| match &token.shape {
        Shape::Atom => "·".to_owned(),
        Shape::Name(name) => name.clone(),
        Shape::Sign(sign) => sign.to_string(),
        Shape::Text(text) => format!("\"{text}\""),
    });
    shown.collect::<Vec<_>>().join(" ")
}
