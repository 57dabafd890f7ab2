//! The addresses at which a host may be reached.

use connection_contract::Kind;
use connection_core::InboundEndpoint as _;
use connection_inbound::{PublicEndpoint, PublicUrl};

#[test]
fn a_public_url_is_https_or_this_machine() {
    for good in
        ["https://host.example", "https://host.example:8443/a/b-c", "http://127.0.0.1:8080", "http://[::1]:8080/x"]
    {
        assert_eq!(good.parse::<PublicUrl>().unwrap().as_str(), good);
    }
    assert_eq!("https://HOST.example:443/a/".parse::<PublicUrl>().unwrap().as_str(), "https://host.example/a");
    for bad in [
        "",
        "host.example",
        "http://host.example",
        "http://10.0.0.1",
        // A name may resolve to another host (RFC 8252, section 8.3).
        "http://localhost:8080",
        "ftp://host.example",
        "javascript:alert(1)",
        "https://user@host.example",
        "https://:secret@host.example",
        "https://host.example?x",
        "https://host.example#x",
        "https://host.example//x",
        "https://host.example/a%2fb",
        "https://host.example/<x>",
    ] {
        let error = bad.parse::<PublicUrl>().unwrap_err();
        assert!(error.to_string().starts_with("the public URL "), "{bad}: {error}");
        assert!(!error.to_string().contains("secret") && !error.remedy().is_empty());
    }
}

/// Such an address is for a device without TLS, and only where a person chose it: no other parser accepts it.
#[test]
fn an_address_without_tls_is_of_a_private_network_and_a_number() {
    for good in ["http://192.168.1.20:8745", "http://10.0.0.1", "http://172.31.0.1/in", "http://[fd00::1]:8745"] {
        let url = PublicUrl::on_private_network(good).unwrap();
        assert_eq!((url.as_str(), url.is_secure(), url.reaches_others()), (good, false, true));
        assert!(good.parse::<PublicUrl>().is_err(), "{good} is taken by name alone");
    }
    for bad in [
        "http://192.0.2.1",
        "http://172.32.0.1",
        "http://169.254.169.254",
        "http://[fe80::1]",
        "http://127.0.0.1:8745",
        "http://printer.local",
        "https://192.168.1.20",
        "http://user@192.168.1.20",
        "http://192.168.1.20/?x",
        "http://192.168.1.20//x",
        "192.168.1.20",
    ] {
        assert!(PublicUrl::on_private_network(bad).is_err(), "{bad}");
    }
}

/// S3: each kind has its own address, which is the same at each start.
#[tokio::test]
async fn a_redirect_uri_is_stable_and_of_one_kind() {
    let kinds = ["one", "two"].map(|name| Kind::parse(name).unwrap());
    for _ in 0..2 {
        let endpoint = PublicEndpoint::new("https://host.example/in/".parse().unwrap());
        assert_eq!(endpoint.redirect_uri(&kinds[0]).await.unwrap(), "https://host.example/in/callback/one");
        assert_eq!(endpoint.redirect_uri(&kinds[1]).await.unwrap(), "https://host.example/in/callback/two");
        assert!(endpoint.rebind("https://host.example/in/callback/one").await);
        let of_extension = endpoint.redirect_uri(&Kind::parse("one/two").unwrap()).await.unwrap();
        assert_eq!(of_extension, "https://host.example/in/callback/one.two");
        assert!(endpoint.rebind(&of_extension).await);
        for other in [
            "https://host.example/callback/one",
            "https://host.example/in/callback/",
            "https://host.example/inn/callback/one",
            "http://127.0.0.1:1/callback/one",
        ] {
            assert!(!endpoint.rebind(other).await, "{other}");
        }
    }
}
