//! The rule for addresses that a provider names: they are encrypted, and lead to this machine only if a person did.

use connection_contract::{Origin, host};

/// Returns the origin of an address that the provider named, if it may be used by its text.
///
/// `typed` are the origins that a person entered. The network address of a name is checked when a request is sent.
pub fn admitted(url: &str, typed: &[Origin]) -> Option<Origin> {
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains(['\\', '#']);
    let origin = host::origin(url).filter(|_| is_plain)?;
    if typed.contains(&origin) {
        return Some(origin);
    }
    let is_encrypted = origin.as_str().starts_with("https://");
    let fits = match host::is_loopback(&origin) {
        true => typed.iter().any(host::is_loopback),
        false => is_encrypted,
    };
    fits.then_some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, url: &str, fits: bool) {
        let typed = host::origin(typed).unwrap();
        assert_eq!(admitted(url, &[typed]).is_some(), fits, "{url}");
    }

    #[test]
    fn an_address_that_a_server_names_is_encrypted_and_elsewhere() {
        let typed = "https://mcp.example";
        check(typed, "https://auth.example/token?tenant=1", true);
        check(typed, "http://auth.example/token", false);
        check(typed, "http://127.0.0.1:8080/token", false);
        check(typed, "https://localhost/token", false);
        check(typed, "javascript:alert(1)", false);
        check(typed, "https://user@auth.example/", false);
        check(typed, "https://auth.example/#fragment", false);
    }

    #[test]
    fn an_address_of_this_machine_follows_one_that_a_person_entered() {
        check("http://localhost:3000", "http://localhost:4000/token", true);
        check("http://127.0.0.1:3000", "http://localhost:4000/token", true);
        check("http://localhost:3000", "http://auth.example/token", false);
        check("http://192.168.1.20", "http://192.168.1.20/token", true);
        check("http://192.168.1.20", "http://192.168.1.21/token", false);
    }
}
