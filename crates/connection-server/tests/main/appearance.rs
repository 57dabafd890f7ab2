//! The appearance of a host: what is taken as a logo, a colour and a return address.

use connection_server::{Accent, InvalidAppearance, Logo, ReturnAddress};

#[test]
fn a_return_address_is_exact_but_for_its_query() {
    let address: ReturnAddress = "https://app.example.com/settings".parse().unwrap();
    for allowed in ["", "?", "?customer=17&x=%2F", "?a?b"] {
        assert!(address.allows(&format!("https://app.example.com/settings{allowed}")), "{allowed}");
    }
    for other in [
        "https://app.example.com/",
        "https://app.example.com/settings/",
        "https://app.example.com/settings/other",
        "https://app.example.com/settings#top",
        "https://app.example.com/settings?x#top",
        "https://app.example.com/settings?x y",
        "https://app.example.com/settings?x\u{e9}",
        "https://app.example.com/Settings",
        "http://app.example.com/settings",
        "//app.example.com/settings",
    ] {
        assert!(!address.allows(other), "{other}");
    }
}

#[test]
fn only_an_encrypted_address_or_one_of_this_machine_with_a_path_is_a_return_address() {
    for address in ["https://app.example.com/", "http://127.0.0.1:3000/back", "http://localhost/", "https://[::1]/"] {
        assert!(address.parse::<ReturnAddress>().is_ok(), "{address}");
    }
    for address in [
        "",
        "app.example.com",
        "https://app.example.com",
        "http://app.example.com/",
        "https://ada@app.example.com/",
        "https://app.example.com/?a=b",
        "https://app.example.com/#top",
        "javascript:alert(1)//",
        "data:text/html,/",
    ] {
        assert_eq!(address.parse::<ReturnAddress>(), Err(InvalidAppearance::ReturnAddress), "{address}");
    }
}

#[test]
fn a_logo_is_a_small_image_and_a_colour_has_six_digits() {
    let image = |first: &[u8], size: usize| [first, &vec![0; size]].concat();
    for first in [&b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff", b"GIF89a", b"RIFF", b"<svg "] {
        assert!(Logo::new(&image(first, 100)).is_ok(), "{first:?}");
        assert_eq!(Logo::new(&image(first, 64 << 10)), Err(InvalidAppearance::LogoSize));
    }
    for other in [&b""[..], b"<html>", b"<?xml version=\"1.0\"?><svg/>", b"\x89PN"] {
        assert_eq!(Logo::new(other), Err(InvalidAppearance::LogoFormat), "{other:?}");
    }
    assert!("#1F7a5c".parse::<Accent>().is_ok());
    for other in ["", "#", "1f7a5c", "#1f7a5", "#1f7a5cc", "#1f7a5g", "red", "#1f7a5c;x"] {
        assert_eq!(other.parse::<Accent>(), Err(InvalidAppearance::Accent), "{other}");
    }
}
