//! The command with which a person authorizes a connection again, for remedies of the core and of kinds, which know no
//! commands.

use connection_contract::reason;

/// Returns the advice to authorize a connection again. `named` is the name of the connection in a command.
pub fn authorize_again(named: &str) -> String {
    format!("authorize it again with `connections reauthorize {named}`")
}

/// Returns a remedy with the command in place of [the phrase](reason::AUTHORIZE_AGAIN) for it.
pub fn with_command(remedy: &str, named: &str) -> String {
    remedy.replace(reason::AUTHORIZE_AGAIN, &authorize_again(named))
}

/// Returns the remedy of a reason with the command, if it advises another step before the re-authorization that it names.
/// `None` means that the command alone is the remedy, or that the remedy names no re-authorization.
pub fn after_another_step(remedy: Option<&str>, named: &str) -> Option<String> {
    let own = remedy?;
    let is_later = own.contains(reason::AUTHORIZE_AGAIN) && !own.starts_with(reason::AUTHORIZE_AGAIN);
    is_later.then(|| with_command(own, named))
}

#[cfg(test)]
mod tests {
    use connection_contract::reason::AUTHORIZE_AGAIN;

    use super::{after_another_step, with_command};

    #[test]
    fn a_remedy_with_another_step_first_is_told_whole() {
        let own = format!("check the application; if that is right, {AUTHORIZE_AGAIN}");
        let told = after_another_step(Some(&own), "acme:ada").unwrap();
        let expected =
            "check the application; if that is right, authorize it again with `connections reauthorize acme:ada`";
        assert_eq!(told, expected);
        let plain = format!("{AUTHORIZE_AGAIN} and accept");
        for own in [None, Some(plain.as_str()), Some("raise the limit of the account")] {
            assert_eq!(after_another_step(own, "acme:ada"), None, "{own:?}");
        }
    }

    #[test]
    fn a_remedy_of_the_core_keeps_its_times_and_its_advice_about_a_machine() {
        let of_machine = "authorize this connection again now, or wait until that machine runs again, whose processes \
                          conclude the attempt; the next attempt is at 2026-01-02T03:04:05Z, and without a sign of \
                          life the token is sent again after 24 hours";
        let expected = "authorize it again with `connections reauthorize acme:ada` now, or wait until that machine \
                        runs again, whose processes conclude the attempt; the next attempt is at \
                        2026-01-02T03:04:05Z, and without a sign of life the token is sent again after 24 hours";
        assert_eq!(with_command(of_machine, "acme:ada"), expected);
        let other = "raise the limit of the account";
        assert_eq!(with_command(other, "acme:ada"), other);
    }
}
