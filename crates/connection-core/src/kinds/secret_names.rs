//! The names of the secrets that a kind hands out.

/// Returns the name by which a kind hands out the secret that a requirement calls `name`; `None` if it does not hand it
/// out.
///
/// If a requirement and a kind have one secret each, they are the same: an extension may call `accessToken` what a kind
/// calls `apiKey`.
pub(crate) fn held_name<'n>(kind: &'n [impl AsRef<str>], declared: usize, name: &'n str) -> Option<&'n str> {
    match kind {
        [only] if declared == 1 => Some(only.as_ref()),
        known => known.iter().any(|known| known.as_ref() == name).then_some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::held_name;

    #[test]
    fn one_secret_each_is_the_same_one_and_of_several_each_has_its_own_name() {
        assert_eq!(held_name(&["apiKey"], 1, "accessToken"), Some("apiKey"));
        assert_eq!(held_name(&["apiKey"], 2, "accessToken"), None);
        assert_eq!(held_name(&["apiKey"], 2, "apiKey"), Some("apiKey"));
        assert_eq!(held_name(&["apiKey", "apiSecret"], 1, "accessToken"), None);
        assert_eq!(held_name(&["apiKey", "apiSecret"], 1, "apiSecret"), Some("apiSecret"));
        assert_eq!(held_name(&[""; 0], 1, "apiKey"), None);
    }
}
