//! Text from a configuration that may be a secret.

use std::fmt;

/// Text that may be a secret, such as the value of a header. `Debug` does not show it.
///
/// ```
/// use connection_mcp::clients::SecretText;
///
/// let value = SecretText::new("Bearer s3cret");
/// assert_eq!(format!("{value:?}"), "SecretText(..)");
/// assert_eq!(value.expose(), "Bearer s3cret");
/// ```
#[derive(Default)]
pub struct SecretText(Vec<u8>);

impl SecretText {
    /// Creates a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into_bytes())
    }

    /// Returns the text. Every access goes through this method.
    pub fn expose(&self) -> &str {
        // The bytes come from a `String`.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.fill(0);
        core::hint::black_box(&self.0);
    }
}
