//! Characters that a person does not see.

/// Returns `true` for a character that is drawn as nothing, such as a zero width space or joiner, a direction mark, a word
/// joiner, a byte order mark, a variation selector or a soft hyphen.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'
            ..='\u{180f}' | '\u{200b}'
            ..='\u{200f}' | '\u{2028}'
            ..='\u{202e}' | '\u{2060}'
            ..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'
            ..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'
            ..='\u{fffb}' | '\u{e0000}'
            ..='\u{e01ef}'
    )
}
