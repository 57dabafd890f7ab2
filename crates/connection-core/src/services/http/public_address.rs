//! Which addresses belong to the public Internet, by the registries of special purpose addresses (RFC 6890 and after).
//!
//! An IPv6 address that carries an IPv4 one is as public as that one; what is in doubt is not public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether anybody on the Internet may be there: no loopback, private, link-local, shared, documentation, benchmark,
/// multicast or reserved address.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        [0 | 10 | 127, ..] => true,                    // This network, private use, loopback.
        [100, 64..=127, ..] => true,                   // Shared between carriers (RFC 6598).
        [169, 254, ..] => true,                        // Link-local, where clouds keep their metadata.
        [172, 16..=31, ..] => true,                    // Private use.
        [192, 0, 0, _] => true,                        // Protocol assignments.
        [192, 0, 2, _] => true,                        // Documentation.
        [192, 31, 196, _] | [192, 52, 193, _] => true, // AS112, AMT.
        [192, 88, 99, _] => true,                      // Former 6to4 relays.
        [192, 168, ..] => true,                        // Private use.
        [192, 175, 48, _] => true,                     // AS112.
        [198, 18..=19, ..] => true,                    // Benchmarks.
        [198, 51, 100, _] => true,                     // Documentation.
        [203, 0, 113, _] => true,                      // Documentation.
        [224..=255, ..] => true,                       // Multicast, reserved, broadcast.
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let carried = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // Global unicast is 2000::/3; of the rest only translated IPv4 leads anywhere.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => carried(high, low), // NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low] => carried(high, low),    // IPv4-mapped.
        [0x2001, 0..=0x01ff, ..] => false,                           // Protocol assignments, Teredo among them.
        [0x2001, 0xdb8, ..] => false,                                // Documentation.
        [0x2002, high, low, ..] => carried(high, low),               // 6to4.
        [0x2620, 0x4f, 0x8000, ..] => false,                         // AS112.
        [0x3fff, 0..=0x0fff, ..] => false,                           // Documentation (RFC 9637).
        // ISATAP (RFC 5214) puts an IPv4 address at the end of any prefix.
        [0x2000..=0x3fff, _, _, _, 0 | 0x200, 0x5efe, high, low] => carried(high, low),
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

/// Whether it is on the link alone, where clouds keep what only their machines should know, or one of the addresses apart
/// from those at which some do the same. Nobody's service is there.
pub(super) fn is_metadata(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let alone = [[100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192]];
            address.is_link_local() || alone.contains(&address.octets())
        }
        IpAddr::V6(address) => {
            let alone = [[0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]];
            let carried = match address.segments() {
                // NAT64 and 6to4, as above.
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some((high, low)),
                _ => None,
            };
            let carried = carried.map(|(high, low)| {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            });
            address.is_unicast_link_local() || alone.contains(&address.segments()) || carried.is_some_and(is_metadata)
        }
    }
}

/// The address that a URL's host is, when it is one.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether a URL's host is on loopback by what it says: an address, or a name that never leaves the machine (RFC 6761).
pub(super) fn is_loopback_host(host: &str) -> bool {
    match literal(host) {
        Some(address) => address.to_canonical().is_loopback(),
        None => is_localhost(host),
    }
}

/// `localhost` and what is below it.
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}
