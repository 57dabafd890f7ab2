//! The text of a configuration, and its values.

use super::{
    client::Format,
    error::ConfigError,
    json, toml,
    value::{Table, Value},
};

/// The mark at the beginning of some files of Windows.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Returns the byte order mark, which may be empty, and the text after it.
pub(super) fn text(bytes: &[u8]) -> Result<(&str, &str), ConfigError> {
    let text = str::from_utf8(bytes).map_err(|_| ConfigError::NotText)?;
    let length = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    Ok(text.split_at(length))
}

/// Returns the values in a text.
pub(super) fn values(format: Format, text: &str) -> Result<Table, ConfigError> {
    let value = match format {
        Format::Json => json::value(text)?,
        Format::Toml => toml::value(text)?,
    };
    Ok(match value {
        Value::Table(table) => table,
        // No client finds a server in such a file.
        _ => Table::default(),
    })
}
