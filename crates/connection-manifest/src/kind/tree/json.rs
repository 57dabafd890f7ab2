//! Reading JSON as a tree. Only JSON of RFC 8259 is accepted: no comments, no trailing commas.

use jsonc_parser::{
    CollectOptions, ParseOptions,
    ast::{ObjectPropName, Value},
    common::Ranged,
    parse_to_ast,
};

use super::{Content, Lines, Node, Problem};

pub(super) fn read(lines: &Lines, text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    match parse_to_ast(text, &CollectOptions::default(), &strict) {
        Ok(parsed) => match parsed.value {
            Some(value) => Some(node(lines, value.range().start, &value, problems)),
            None => {
                problems.push(lines.problem(0, "", "the file is empty; describe a kind in it"));
                None
            }
        },
        Err(error) => {
            let rule =
                "this is not JSON (RFC 8259), which has no comments and no comma after the last member; correct it";
            problems.push(lines.problem(error.range().start, "", rule));
            None
        }
    }
}

fn node(lines: &Lines, at: usize, value: &Value<'_>, problems: &mut Vec<Problem>) -> Node {
    let content = match value {
        Value::Array(array) => {
            let items = array.elements.iter();
            Content::List(items.map(|item| node(lines, item.range().start, item, problems)).collect())
        }
        Value::BooleanLit(flag) => Content::Bool(flag.value),
        Value::NullKeyword(_) => Content::Null,
        Value::NumberLit(number) => match number.value.parse() {
            Ok(integer) => Content::Integer(integer),
            Err(_) => number.value.parse().map_or(Content::Other("a number"), Content::Float),
        },
        Value::Object(object) => {
            let mut members: Vec<(String, Node)> = Vec::new();
            for property in &object.properties {
                let name = match &property.name {
                    ObjectPropName::String(text) => text.value.to_string(),
                    ObjectPropName::Word(word) => word.value.to_owned(),
                };
                let at = property.range().start;
                if members.iter().any(|(known, _)| *known == name) {
                    problems.push(lines.problem(at, &name, "this key occurs twice; remove one of the two"));
                    continue;
                }
                members.push((name, node(lines, at, &property.value, problems)));
            }
            Content::Map(members)
        }
        Value::StringLit(text) => Content::Text(text.value.to_string()),
    };
    Node { place: lines.place(at), content }
}
