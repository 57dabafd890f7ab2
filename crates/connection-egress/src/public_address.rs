//! Decides which addresses belong to the public Internet, by the registries of special purpose addresses (RFC 6890 and
//! later).
//!
//! An IPv6 address that contains an IPv4 address is public if that one is. In doubt, an address is not public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns `true` for an address of the public Internet: not a loopback, private, link-local, shared, documentation,
/// benchmark, multicast or reserved address.
///
/// ```
/// use connection_egress::is_public;
///
/// assert!(is_public([93, 184, 215, 14].into()));
/// assert!(!is_public([169, 254, 169, 254].into()));
/// ```
pub fn is_public(address: IpAddr) -> bool {
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
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // Global unicast is 2000::/3. Among the other addresses, only translated IPv4 ones lead anywhere.
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

/// Returns `true` for an address at which a cloud gives its machines their secrets or instructions.
///
/// These are all link-local addresses, and others that the documentation of a cloud names. No other service uses them.
pub(super) fn is_metadata(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_metadata_v4(address),
        IpAddr::V6(address) => is_metadata_v6(address),
    }
}

fn is_metadata_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        // AWS, Google, Azure, Oracle, OpenStack, Scaleway, Tencent and others use link-local addresses (RFC 3927).
        [169, 254, ..] => true,
        // Alibaba: <https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata>.
        [100, 100, 100, 200] => true,
        // Azure: <https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16>.
        [168, 63, 129, 16] => true,
        // Oracle's classic compute instances.
        [192, 0, 0, 192] => true,
        _ => false,
    }
}

fn is_metadata_v6(address: Ipv6Addr) -> bool {
    let carried = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_metadata_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0xfe80..=0xfebf, ..] => true, // Link-local.
        // AWS keeps its metadata (::254) and the credentials of pods (::23) in one block:
        // <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>,
        // <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html>.
        [0xfd00, 0xec2, ..] => true,
        // Google: <https://cloud.google.com/compute/docs/metadata/querying-metadata>.
        [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => true,
        // Oracle, as in its development kit (`instance_principals_security_token_signer.py` of oci-python-sdk).
        [0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe] => true,
        // Scaleway: <https://docs.cloud-init.io/en/latest/reference/datasources/scaleway.html>.
        [0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42] => true,
        // Akamai: <https://techdocs.akamai.com/cloud-computing/docs/overview-of-the-metadata-service>.
        [0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1] => true,
        // Alibaba, as documented on the page that is named above.
        [0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200] => true,
        // NAT64 (RFC 6052, RFC 8215), IPv4-compatible (RFC 4291), 6to4 and ISATAP, as above.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, 0, 0, 0, high, low] => carried(high, low),
        [0, 0, 0, 0, 0, 0, high, low] => carried(high, low),
        [0x2002, high, low, ..] => carried(high, low),
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => carried(high, low),
        _ => false,
    }
}

/// Returns the address if the host of a URL is one.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Returns `true` if the host of a URL is on loopback: an address, or a name that never leaves the machine (RFC 6761).
pub(super) fn is_loopback_host(host: &str) -> bool {
    match literal(host) {
        Some(address) => address.to_canonical().is_loopback(),
        None => is_localhost(host),
    }
}

/// Returns `true` for `localhost` and the names below it.
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}
