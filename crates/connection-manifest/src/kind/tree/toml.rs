//! Reading TOML as a tree.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Content, Lines, Node, Problem};

pub(super) fn read(lines: &Lines, text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let (table, errors) = DeTable::parse_recoverable(text);
    // Errors after the first one often only follow from it.
    if let Some(error) = errors.first() {
        let at = error.span().map_or(0, |span| span.start);
        let message = error.message().lines().next().unwrap_or_default();
        let sentence = match message {
            "duplicate key" => "this key occurs twice; remove one of the two".to_owned(),
            message => format!("this is not TOML: {message}; correct it"),
        };
        problems.push(lines.problem(at, "", sentence));
    }
    let content = members(lines, table.get_ref());
    Some(Node { place: lines.place(0), content })
}

fn members(lines: &Lines, table: &DeTable<'_>) -> Content {
    let mut members: Vec<(usize, String, Node)> = Vec::new();
    for (key, value) in table {
        let at = key.span().start;
        members.push((at, key.get_ref().to_string(), node(lines, at, value)));
    }
    // In the order of the file.
    members.sort_by_key(|(at, ..)| *at);
    Content::Map(members.into_iter().map(|(_, key, node)| (key, node)).collect())
}

fn node(lines: &Lines, at: usize, value: &Spanned<DeValue<'_>>) -> Node {
    let content = match value.get_ref() {
        DeValue::Array(items) => Content::List(items.iter().map(|item| node(lines, item.span().start, item)).collect()),
        DeValue::Boolean(flag) => Content::Bool(*flag),
        DeValue::Datetime(_) => Content::Other("a date"),
        DeValue::Float(float) => {
            float.as_str().replace('_', "").parse().map_or(Content::Other("a number"), Content::Float)
        }
        DeValue::Integer(integer) => i64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix())
            .map_or(Content::Other("a number that is too large"), Content::Integer),
        DeValue::String(text) => Content::Text(text.to_string()),
        DeValue::Table(table) => members(lines, table),
    };
    Node { place: lines.place(at), content }
}
