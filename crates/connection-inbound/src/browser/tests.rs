//! The addresses that are opened, and their normalized form (T13).

use super::address::normalized;

#[test]
fn an_address_is_opened_as_it_is_meant_or_not_at_all() {
    let opened = [
        ("https://login.example/authorize?state=x&scope=a%20b", "https://login.example/authorize?state=x&scope=a%20b"),
        ("HTTPS://LOGIN.example", "https://login.example/"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
        ("http://localhost:8080/x", "http://localhost:8080/x"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("https://a.example/$(calc)", "https://a.example/%24%28calc%29"),
        ("https://a.example/?x=`calc`;calc|calc", "https://a.example/?x=%60calc%60%3Bcalc%7Ccalc"),
        ("https://a.example/?x=\"&calc&'", "https://a.example/?x=%22&calc&%27"),
        ("https://a.example/?x=%0acalc%00", "https://a.example/?x=%0acalc%00"),
        ("https://a.example/^!{calc}<x>", "https://a.example/%5E%21%7Bcalc%7D%3Cx%3E"),
        ("https://a.example/ü#é", "https://a.example/%C3%BC#%C3%A9"),
        ("https://ü.example/", "https://xn--tda.example/"),
        ("https://a.example/..//-flag", "https://a.example//-flag"),
    ];
    for (address, written) in opened {
        assert_eq!(normalized(address).as_deref(), Some(written), "{address}");
    }
    let long = format!("https://a.example/{}", "x".repeat(9 << 10));
    let refused = [
        "",
        "calc.exe",
        "-flag",
        "--version https://a.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "vscode://x",
        "ms-settings:x",
        "\\\\host\\share",
        "//host/share",
        "https:\\\\a.example",
        "https://a.example\\b",
        "http://a.example",
        "http://127.0.0.1.a.example",
        "http://localhost.a.example",
        "http://0177.0.0.1@a.example",
        "https://user@a.example",
        "https://user:secret@a.example",
        "https://",
        "https://a.example/\n-flag",
        "https://a.example/\t",
        "https://a.example/ x",
        " https://a.example/",
        "https://a.example/\u{1b}[2J",
        "https://a.example/\0",
        "https://a.example:99999/",
        &long,
    ];
    for address in refused {
        assert_eq!(normalized(address), None, "{address}");
    }
}
