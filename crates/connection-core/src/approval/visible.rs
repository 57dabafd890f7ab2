//! Text of an agent, made visible to a person.

use std::fmt::Write as _;

/// Returns the text of bytes with everything made visible that a screen would not show, or would show in another order.
///
/// Line feeds and tabs stay. Other control characters, characters that are invisible or change the direction of text,
/// and unusual spaces are written as `⟨U+202E⟩`, and a byte that is not UTF-8 as `⟨FF⟩`. The brackets `⟨` and `⟩`
/// themselves are written in this way, too, so that no text can look like one that was made visible.
///
/// ```
/// use connection_core::visible;
///
/// assert_eq!(visible("pay \u{202e}01 EUR\r\n".as_bytes()), "pay ⟨U+202E⟩01 EUR⟨U+000D⟩\n");
/// assert_eq!(visible(b"\xff\xfeok"), "⟨FF⟩⟨FE⟩ok");
/// assert_eq!(visible("⟨U+202E⟩".as_bytes()), "⟨U+27E8⟩U+202E⟨U+27E9⟩");
/// ```
pub fn visible(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match is_shown(character) {
                true => shown.push(character),
                // Writing into a text does not fail.
                false => write!(shown, "\u{27e8}U+{:04X}\u{27e9}", u32::from(character)).unwrap_or_default(),
            }
        }
        for byte in chunk.invalid() {
            write!(shown, "\u{27e8}{byte:02X}\u{27e9}").unwrap_or_default();
        }
    }
    shown
}

/// Returns `true` for a character that a screen shows, in its place.
fn is_shown(character: char) -> bool {
    if matches!(character, '\n' | '\t' | ' ') {
        return true;
    }
    let is_hidden = character.is_control()
        || character.is_whitespace()
        || matches!(
            character,
            '\u{27e8}' | '\u{27e9}'
            // Soft hyphen, and marks and letters without a width.
            | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            // Blank letters, variation selectors, private use, and what is no character.
            | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{10ffff}'
        );
    !is_hidden
}
