//! Reading TOML, and replacing one entry in its text.

use std::ops::Range;

use toml_edit::{Document, InlineTable, Item, Key, TableLike};

use super::{
    error::ConfigError,
    replace::{Edit, Member, NewEntry},
    value::{Table, Value},
};

/// The values in a text.
pub(super) fn value(text: &str) -> Result<Value, ConfigError> {
    Ok(plain(text, parse(text)?.as_item()))
}

/// Returns the edits that replace the entry at a path, or `None` if the entry is in a form without lines of its own.
pub(super) fn edits(text: &str, path: &[&str], entry: &NewEntry<'_>) -> Result<Option<Vec<Edit>>, ConfigError> {
    let document = parse(text)?;
    let item = path.iter().try_fold(document.as_item(), |item, name| Some(child(item, name)?.1));
    Ok(match item {
        Some(Item::Value(toml_edit::Value::InlineTable(table))) => {
            inline_edit(text, table, entry).map(|edit| vec![edit])
        }
        Some(item @ Item::Table(_)) => line_edits(text, item, entry),
        _ => None,
    })
}

fn parse(text: &str) -> Result<Document<&str>, ConfigError> {
    let parsed = Document::parse(text);
    parsed.map_err(|error| ConfigError::syntax("TOML", text, error.span().map_or(0, |span| span.start)))
}

fn plain(text: &str, item: &Item) -> Value {
    match item {
        Item::Value(value) => plain_value(text, value),
        Item::ArrayOfTables(tables) => Value::List(tables.iter().map(|table| plain_table(text, table)).collect()),
        Item::Table(table) => plain_table(text, table),
        Item::None => Value::Other(String::new()),
    }
}

fn plain_value(text: &str, value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(string) => Value::Text(string.value().clone()),
        toml_edit::Value::Boolean(flag) => Value::Bool(*flag.value()),
        toml_edit::Value::Array(array) => Value::List(array.iter().map(|item| plain_value(text, item)).collect()),
        toml_edit::Value::InlineTable(table) => plain_table(text, table),
        _ => Value::Other(value.span().and_then(|span| text.get(span)).unwrap_or_default().to_owned()),
    }
}

fn plain_table(text: &str, table: &dyn TableLike) -> Value {
    Value::Table(Table(table.iter().map(|(name, item)| (name.to_owned(), plain(text, item))).collect()))
}

fn child<'a>(item: &'a Item, name: &str) -> Option<(&'a Key, &'a Item)> {
    match item {
        Item::Table(table) => table.get_key_value(name),
        Item::Value(toml_edit::Value::InlineTable(table)) => table.get_key_value(name),
        _ => None,
    }
}

fn children(item: &Item) -> Vec<(&Key, &Item)> {
    let table = item.as_table_like().into_iter();
    table.flat_map(|table| table.iter()).filter_map(|(name, _)| child(item, name)).collect()
}

/// Replaces an entry of the form `name = { … }`.
fn inline_edit(text: &str, table: &InlineTable, entry: &NewEntry<'_>) -> Option<Edit> {
    // The entry of a dotted key, such as `name.url`, has no braces of its own.
    let range = table.span().filter(|_| !table.is_dotted())?;
    let added = entry.members.iter().map(|(name, member)| format!("{name} = {}", written(member)));
    let kept = table.iter().filter(|(name, _)| entry.kept.contains(name));
    let kept = kept.filter_map(|(name, value)| {
        let (key, _) = table.get_key_value(name)?;
        Some(format!("{} = {}", text.get(key.span()?)?, text.get(value.span()?)?))
    });
    let members: Vec<String> = added.chain(kept).collect();
    Some(Edit { range, text: format!("{{ {} }}", members.join(", ")) })
}

/// Replaces lines of an entry of the form `[mcp_servers.name]`, or with keys such as `name.url`. The first line that is
/// removed gives way to those that are added, and has the start of its line in common with them.
fn line_edits(text: &str, item: &Item, entry: &NewEntry<'_>) -> Option<Vec<Edit>> {
    let removed: Vec<(&Key, &Item)> =
        children(item).into_iter().filter(|(key, _)| !entry.kept.contains(&key.get())).collect();
    let (anchor, _) = removed.iter().find(|(_, item)| item.is_value())?;
    let anchor = anchor.span()?;
    let mut lines = Vec::new();
    for (key, item) in removed {
        collect_lines(text, key, item, &mut lines)?;
    }
    let edits = lines.into_iter().map(|range| {
        let text =
            if range.contains(&anchor.start) { added_lines(text, &range, &anchor, entry)? } else { String::new() };
        Some(Edit { range, text })
    });
    edits.collect()
}

fn added_lines(text: &str, line: &Range<usize>, key: &Range<usize>, entry: &NewEntry<'_>) -> Option<String> {
    let start = text.get(line.start..key.start)?;
    let replaced = text.get(line.clone())?;
    let line_end = if replaced.ends_with("\r\n") { "\r\n" } else { "\n" };
    let added = entry.members.iter().map(|(name, member)| format!("{start}{name} = {}", written(member)));
    let mut added = added.collect::<Vec<_>>().join(line_end);
    if replaced.ends_with('\n') {
        added.push_str(line_end);
    }
    Some(added)
}

/// Collects the lines of a member: its key with its value, or the heading of its table and the lines of its members.
fn collect_lines(text: &str, key: &Key, item: &Item, lines: &mut Vec<Range<usize>>) -> Option<()> {
    match item {
        Item::Value(value) => lines.push(whole_lines(text, key.span()?.start, value.span()?.end)),
        Item::Table(table) => {
            if !table.is_implicit() {
                let heading = table.span()?;
                lines.push(whole_lines(text, heading.start, heading.end));
            }
            for (key, item) in children(item) {
                collect_lines(text, key, item, lines)?;
            }
        }
        // No member of an entry is a list of tables.
        Item::ArrayOfTables(_) | Item::None => return None,
    }
    Some(())
}

/// Extends a range to whole lines, with the end of the last one.
fn whole_lines(text: &str, start: usize, end: usize) -> Range<usize> {
    let start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let end = text.get(end..).and_then(|after| after.find('\n')).map_or(text.len(), |at| end + at + 1);
    start..end
}

fn written(member: &Member<'_>) -> String {
    let value = match member {
        Member::Text(text) => toml_edit::Value::from(*text),
        Member::List(items) => toml_edit::Value::Array(items.iter().copied().collect()),
    };
    value.to_string().trim().to_owned()
}
