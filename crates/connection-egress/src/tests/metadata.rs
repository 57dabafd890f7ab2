//! The addresses at which clouds give their machines their secrets are reachable only if the host maps an origin there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use connection_contract::{HttpError, HttpRequest};
use proptest::prelude::*;

use super::{Names, base, client_with, declared, error, named};
use crate::{HttpPolicy, public_address::is_metadata, resolver::Addresses};

/// The addresses, each with the clouds that use it.
const METADATA: [(&str, &str); 24] = [
    ("169.254.169.254", "AWS, Google, Azure, Oracle, OpenStack, DigitalOcean, Hetzner"),
    ("169.254.170.2", "the credentials of AWS's containers"),
    ("169.254.170.23", "the credentials of AWS's pods"),
    ("169.254.42.42", "Scaleway"),
    ("169.254.0.23", "Tencent"),
    ("168.63.129.16", "Azure's wire server"),
    ("100.100.100.200", "Alibaba"),
    ("192.0.0.192", "Oracle's classic instances"),
    ("fe80::a9fe:a9fe", "OpenStack and Akamai"),
    ("febf::1", "the end of what is on the link alone"),
    ("fd00:ec2::254", "AWS"),
    ("fd00:ec2::23", "the credentials of AWS's pods"),
    ("fd20:ce::254", "Google"),
    ("fd00:c1::a9fe:a9fe", "Oracle"),
    ("fd00:42::42", "Scaleway"),
    ("fd00:a9fe:a9fe::1", "Akamai"),
    ("fd00:100::100:200", "Alibaba"),
    ("::ffff:168.63.129.16", "mapped"),
    ("::168.63.129.16", "compatible"),
    ("64:ff9b::168.63.129.16", "translated (RFC 6052)"),
    ("64:ff9b:1::168.63.129.16", "translated here (RFC 8215)"),
    ("2002:a83f:8110::1", "6to4"),
    ("2a00::5efe:168.63.129.16", "ISATAP"),
    ("fd00::200:5efe:169.254.169.254", "ISATAP"),
];

/// Neighbouring addresses in private networks, which a user may name.
const PRIVATE: [&str; 12] = [
    "10.0.0.1",
    "127.0.0.1",
    "169.253.255.255",
    "100.100.100.201",
    "168.63.129.17",
    "192.168.63.129",
    "fd00:ec3::254",
    "fd20:ce::253",
    "fd00:42::43",
    "fec0::1",
    "::1",
    "64:ff9b::10.0.0.1",
];

#[test]
fn an_address_of_metadata_is_refused_to_what_is_declared_and_to_what_a_user_named() {
    for (address, whose) in METADATA {
        let address: IpAddr = address.parse().unwrap();
        assert!(!Addresses::Public.allow(address), "{address}: {whose}");
        assert!(!Addresses::Private.allow(address), "{address}: {whose}");
        assert!(Addresses::Any.allow(address), "{address}: the host may");
    }
    for address in PRIVATE {
        assert!(Addresses::Private.allow(address.parse().unwrap()), "{address}");
    }
}

#[tokio::test]
async fn no_request_goes_to_an_address_of_metadata_by_number_or_by_name() {
    for (address, whose) in METADATA {
        let ip: IpAddr = address.parse().unwrap();
        let literal = if ip.is_ipv6() { format!("http://[{ip}]") } else { format!("http://{ip}") };
        let client = client_with(HttpPolicy::new(), Names::of(&[("meta.example.com", &[address])]));
        for origin in [&*literal, "http://meta.example.com"] {
            for egress in [named(origin), declared(origin)] {
                let denied = client.send(&egress, HttpRequest::get(&base(origin), "/machine?comp=goalstate")).await;
                assert_eq!(error(denied), HttpError::Denied, "{origin}: {whose}");
            }
        }
    }
}

proptest! {
    #[test]
    fn what_carries_an_address_of_metadata_is_one(a in 0_usize..4, last: u8) {
        let v4 = [[169, 254, 169, last], [100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192]][a];
        let v4 = Ipv4Addr::from(v4);
        let [high, low] = [v4.to_bits() >> 16, v4.to_bits() & 0xffff].map(|half| u16::try_from(half).unwrap());
        prop_assert!(is_metadata(v4.into()));
        for carrier in [
            v4.to_ipv6_mapped(),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 7, 7, 7, 7, 7),
            Ipv6Addr::new(0xfd00, 1, 2, 3, 0, 0x5efe, high, low),
        ] {
            prop_assert!(is_metadata(carrier.into()), "{carrier}");
        }
    }
}
