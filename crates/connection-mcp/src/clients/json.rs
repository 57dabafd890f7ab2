//! Reading JSON with comments, and replacing one entry in its text.

use jsonc_parser::{
    CollectOptions, ParseOptions,
    ast::{self, Object, ObjectProp},
    common::{Range, Ranged as _},
    parse_to_ast,
};

use super::{
    error::ConfigError,
    replace::{Edit, Member, NewEntry},
    value::{Table, Value},
};

/// The values in a text. An empty text is an empty table.
pub(super) fn value(text: &str) -> Result<Value, ConfigError> {
    Ok(parse(text)?.map_or(Value::Table(Table::default()), |value| plain(text, &value)))
}

/// Returns the edit that replaces the entry at a path, or `None` if there is no table at the path.
pub(super) fn edit(text: &str, path: &[&str], entry: &NewEntry<'_>) -> Result<Option<Edit>, ConfigError> {
    let root = parse(text)?;
    let object = path.iter().try_fold(root.as_ref(), |value, name| {
        Some(value?.as_object().and_then(|object| property(object, name)).map(|property| &property.value))
    });
    let Some(object) = object.flatten().and_then(ast::Value::as_object) else { return Ok(None) };
    let layout = Layout::of(text, object);
    let added = entry.members.iter().map(|(name, member)| layout.member(&quoted(name), &written(member, &layout)));
    let kept = entry.kept.iter().filter_map(|name| property(object, name));
    let mut kept: Vec<&ObjectProp<'_>> = kept.collect();
    kept.sort_by_key(|property| property.range.start);
    let kept = kept
        .into_iter()
        .map(|property| layout.member(slice(text, property.name.range()), slice(text, property.value.range())));
    let members: Vec<String> = added.chain(kept).collect();
    Ok(Some(Edit { range: object.range.start..object.range.end, text: layout.object(&members) }))
}

fn parse(text: &str) -> Result<Option<ast::Value<'_>>, ConfigError> {
    let options = ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: true,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options);
    let parsed = parsed.map_err(|error| ConfigError::syntax("JSON", text, error.range().start))?;
    Ok(parsed.value)
}

fn plain(text: &str, value: &ast::Value<'_>) -> Value {
    match value {
        ast::Value::StringLit(literal) => Value::Text(literal.value.clone().into_owned()),
        ast::Value::BooleanLit(literal) => Value::Bool(literal.value),
        ast::Value::NumberLit(_) | ast::Value::NullKeyword(_) => Value::Other(slice(text, value.range()).to_owned()),
        ast::Value::Array(array) => Value::List(array.elements.iter().map(|element| plain(text, element)).collect()),
        ast::Value::Object(object) => {
            let member = |property: &ObjectProp<'_>| (property.name.as_str().to_owned(), plain(text, &property.value));
            Value::Table(Table(object.properties.iter().map(member).collect()))
        }
    }
}

fn property<'o, 'a>(object: &'o Object<'a>, name: &str) -> Option<&'o ObjectProp<'a>> {
    object.properties.iter().rev().find(|property| property.name.as_str() == name)
}

fn slice(text: &str, range: Range) -> &str {
    text.get(range.start..range.end).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn written(member: &Member<'_>, layout: &Layout<'_>) -> String {
    match member {
        Member::Text(text) => quoted(text),
        Member::List(items) => {
            let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
            format!("[{}]", items.join(layout.list_comma))
        }
    }
}

/// The white space of an object, which its replacement keeps.
struct Layout<'a> {
    /// The text between `{` and the first member.
    opening: String,
    /// The text between two members, after the comma.
    between: String,
    /// The text between the last member and `}`.
    closing: &'a str,
    colon: &'static str,
    list_comma: &'static str,
}

impl<'a> Layout<'a> {
    fn of(text: &'a str, object: &Object<'_>) -> Self {
        let inside = text.get(object.range.start + 1..object.range.end - 1).unwrap_or_default();
        let first = object.properties.first();
        let before_first = first.and_then(|first| text.get(object.range.start + 1..first.range.start));
        let before_first = before_first.unwrap_or_default();
        let is_dense = first
            .is_some_and(|first| slice(text, Range::new(first.name.range().end, first.value.range().start)) == ":");
        let (colon, list_comma) = if is_dense { (":", ",") } else { (": ", ", ") };
        let Some(newline) = inside.find('\n') else {
            let padding = if inside.starts_with(' ') { " " } else { "" };
            let between = if is_dense { "" } else { " " }.to_owned();
            return Self { opening: padding.to_owned(), between, closing: padding, colon, list_comma };
        };
        let ends_with_return = inside.get(..newline).is_some_and(|line| line.ends_with('\r'));
        let line_end = if ends_with_return { "\r\n" } else { "\n" };
        // The white space in front of `}`, if that is on a line of its own.
        let closing_line = inside.rfind('\n').and_then(|at| inside.get(at + 1..)).unwrap_or_default();
        let is_own_line = closing_line.chars().all(char::is_whitespace);
        let outer = if is_own_line { closing_line } else { indent_at(text, object.range.start) };
        let indent = match before_first.rfind('\n').and_then(|at| before_first.get(at + 1..)) {
            Some(indent) if indent.chars().all(char::is_whitespace) => indent.to_owned(),
            _ => format!("{outer}{}", if outer.contains('\t') { "\t" } else { "  " }),
        };
        let closing = if is_own_line { closing_from(inside) } else { "" };
        let opening = format!("{line_end}{indent}");
        Self { between: opening.clone(), opening, closing, colon, list_comma }
    }

    fn member(&self, name: &str, value: &str) -> String {
        format!("{name}{}{value}", self.colon)
    }

    fn object(&self, members: &[String]) -> String {
        let Self { opening, between, closing, .. } = self;
        format!("{{{opening}{}{closing}}}", members.join(&format!(",{between}")))
    }
}

/// Returns the end of the last line and the white space after it.
fn closing_from(inside: &str) -> &str {
    let end = inside.trim_end_matches([' ', '\t']);
    let end = end.strip_suffix('\n').map_or(end, |end| end.strip_suffix('\r').unwrap_or(end));
    inside.get(end.len()..).unwrap_or_default()
}

/// Returns the white space at the beginning of the line with this byte.
fn indent_at(text: &str, at: usize) -> &str {
    let line = text.get(..at).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
    line.get(..line.len() - line.trim_start().len()).unwrap_or_default()
}
