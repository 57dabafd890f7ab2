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

#[cfg(test)]
mod tests {
    use super::with_command;

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
