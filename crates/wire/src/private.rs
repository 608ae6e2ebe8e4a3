//! Addresses that are not the public internet's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is not one of the public internet: loopback, unspecified, link-local (with
/// it the clouds' metadata servers), private, shared (100.64.0.0/10), unique local, multicast,
/// reserved.
///
/// An IPv6 address that carries an IPv4 one (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) is
/// as private as that. Ranges for documentation count as public: they lead nowhere.
///
/// After the special-purpose registries of the IANA (RFC 6890).
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        [0 | 10 | 127, ..] => true,  // this network, private, loopback
        [100, 64..=127, ..] => true, // shared by carriers, RFC 6598
        [169, 254, ..] => true,      // link-local
        [172, 16..=31, ..] => true,  // private
        [192, 168, ..] => true,      // private
        [192, 0, 0, _] => true,      // protocol assignments, RFC 6890
        [198, 18 | 19, ..] => true,  // benchmarks, RFC 2544
        [224..=255, ..] => true,     // multicast, reserved, broadcast
        _ => false,
    }
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    carried_v4(&s).is_some_and(is_private_v4)
        || address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || s[0] & 0xfe00 == 0xfc00 // unique local, RFC 4193
        || s[0] & 0xffc0 == 0xfe80 // link-local
        || s[0] & 0xffc0 == 0xfec0 // site-local, deprecated
        || s[..3] == [0x64, 0xff9b, 1] // NAT64 of local use, RFC 8215
        || s[..4] == [0x100, 0, 0, 0] // discarded, RFC 6666
        || s[0] == 0x5f00 // segment routing, RFC 9602
}

/// The IPv4 address that an IPv6 one carries.
fn carried_v4(s: &[u16; 8]) -> Option<Ipv4Addr> {
    let two = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match *s {
        [0, 0, 0, 0, 0, 0, high, low] => Some(two(high, low)), // compatible, RFC 4291
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(two(high, low)), // mapped
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(two(high, low)), // translated, RFC 2765
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(two(high, low)), // NAT64, RFC 6052
        [0x2002, high, low, ..] => Some(two(high, low)),       // 6to4, RFC 3056
        [0x2001, 0, _, _, _, _, high, low] => Some(two(!high, !low)), // Teredo, RFC 4380
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(two(high, low)), // ISATAP, RFC 5214
        _ => None,
    }
}
