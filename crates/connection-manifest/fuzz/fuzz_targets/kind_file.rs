//! Reads arbitrary bytes as the file of a kind.
//!
//! The bytes before the first NUL are a file; those after it are the base address of a file that is otherwise right,
//! so that the templates of addresses are reached without a whole file. For both, the reader must return either a kind
//! or a problem, every origin that it declares must use HTTPS, and the requests of a kind that it accepts must render
//! without a panic.
#![no_main]

use connection_contract::ConnectionDefinition;
use connection_manifest::KindSet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    read(parts.next().unwrap_or_default());
    if let Some(address) = parts.next().and_then(|bytes| std::str::from_utf8(bytes).ok()) {
        read(file_with_address(address).as_bytes());
    }
});

fn read(bytes: &[u8]) {
    let (kinds, problems) = KindSet::new().bytes("fuzz.toml", bytes).read();
    assert_ne!(kinds.is_empty(), problems.is_empty(), "a file is a kind, or it has problems");
    for kind in kinds {
        let definition = kind.definition();
        for origin in &definition.descriptor().origins {
            assert!(origin.starts_with("https://"), "{origin} is declared");
        }
        // A file whose requests cannot be rendered is reported here; only a panic is a fault.
        drop(definition.rendering());
    }
}

fn file_with_address(address: &str) -> String {
    // Each character is written as an escape of TOML, so that the address cannot end its string.
    let address: String = address.chars().map(|letter| format!("\\U{:08X}", u32::from(letter))).collect();
    format!(
        r#"
format = 1
id = "acme"
name = "Acme"
mechanism = "api_key"

[[fields]]
name = "site"
label = "Site"
choices = [{{ value = "eu", label = "Europe" }}, {{ value = "us", label = "America" }}]

[[fields]]
name = "key"
label = "Key"
secret = true

[request]
base = "{address}"
headers = {{ Authorization = "Bearer ${{secret.key}}" }}

[verify]
path = "/me"

[account]
id = "/id"
"#
    )
}
