use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use leeward_wire::{HostPatternError, HostPatterns, Match, is_private};
use proptest::prelude::*;

#[test]
fn names_match_in_full_without_regard_to_case_and_last_dot() {
    let hosts = HostPatterns::new(["Api.Example.com", "localhost"]).unwrap();
    for host in [
        "api.example.com",
        "API.EXAMPLE.COM",
        "api.example.com.",
        "localhost",
    ] {
        assert_eq!(hosts.matches(host), Match::InFull, "{host}");
    }
    for host in [
        "example.com",
        "x.api.example.com",
        "api.example.com.evil",
        "",
        "api.example.com:80",
    ] {
        assert_eq!(hosts.matches(host), Match::No, "{host}");
    }
}

#[test]
fn a_wildcard_stands_for_one_label_or_more() {
    let hosts = HostPatterns::new(["*.example.com"]).unwrap();
    for host in ["a.example.com", "a.b.EXAMPLE.com", "a.example.com."] {
        assert_eq!(hosts.matches(host), Match::ByWildcard, "{host}");
    }
    for host in [
        "example.com",
        ".example.com",
        "aexample.com",
        "a.example.com.evil",
        "a.example.org",
    ] {
        assert_eq!(hosts.matches(host), Match::No, "{host}");
    }
}

#[test]
fn in_full_goes_before_a_wildcard() {
    let hosts = HostPatterns::new(["*", "*.example.com", "db.example.com", "10.0.0.1"]).unwrap();
    assert_eq!(hosts.matches("db.example.com"), Match::InFull);
    assert_eq!(hosts.matches("x.example.com"), Match::ByWildcard);
    assert_eq!(hosts.matches("10.0.0.1"), Match::InFull);
    assert_eq!(hosts.matches("10.0.0.2"), Match::ByWildcard);
}

#[test]
fn addresses_match_exactly() {
    let hosts = HostPatterns::new(["127.0.0.1", "[::1]", "fd00:0:0::1"]).unwrap();
    for host in ["127.0.0.1", "::1", "[::1]", "[0:0:0:0:0:0:0:1]", "fd00::1"] {
        assert_eq!(hosts.matches(host), Match::InFull, "{host}");
    }
    for host in ["127.0.0.2", "[::ffff:127.0.0.1]", "127.1"] {
        assert_eq!(hosts.matches(host), Match::No, "{host}");
    }
    // A wildcard over names never covers an address.
    assert_eq!(
        HostPatterns::new(["*.1"]).unwrap().matches("127.0.0.1"),
        Match::No
    );
}

#[test]
fn nothing_is_allowed_by_an_empty_list_and_everything_by_a_star() {
    assert_eq!(HostPatterns::default().matches("a"), Match::No);
    assert_eq!(HostPatterns::any().matches("a"), Match::ByWildcard);
    assert_eq!(HostPatterns::new(["*"]).unwrap(), HostPatterns::any());
}

#[test]
fn what_is_no_pattern_is_said() {
    for (pattern, error) in [
        ("", HostPatternError::Empty),
        (".", HostPatternError::Empty),
        ("*.", HostPatternError::Empty),
        ("a..b", HostPatternError::Empty),
        ("a.*.b", HostPatternError::Wildcard),
        ("*a.b", HostPatternError::Wildcard),
        ("**", HostPatternError::Wildcard),
        ("*.*.b", HostPatternError::Wildcard),
        ("a:80", HostPatternError::NotAHost),
        ("https://a", HostPatternError::NotAHost),
        ("a/b", HostPatternError::NotAHost),
        ("u@a", HostPatternError::NotAHost),
        ("a b", HostPatternError::NotAHost),
    ] {
        assert_eq!(HostPatterns::new([pattern]), Err(error), "{pattern}");
    }
}

#[test]
fn private_addresses_are_known() {
    for text in [
        "0.0.0.0",
        "0.1.2.3",
        "10.255.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.9.9.9",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "192.0.0.8",
        "198.18.0.1",
        "198.19.255.255",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "64:ff9b:1:2::8.8.8.8",
        "2002:7f00:1::",
        "2002:a00:1::5",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
        "fe80::1",
        "febf::1",
        "fe80::5efe:8.8.8.8",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "100::1",
        "2001:db8::5efe:192.168.0.1",
    ] {
        assert!(is_private(text.parse().unwrap()), "{text}");
    }
}

#[test]
fn public_addresses_are_known() {
    for text in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "126.0.0.1",
        "128.0.0.1",
        "169.253.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.167.0.1",
        "192.0.1.1",
        "198.17.0.1",
        "198.20.0.1",
        "203.0.113.7",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "2606:4700::1111",
        "2a00:1450:4001:800::200e",
        "2001:4860:4860::8888",
    ] {
        assert!(!is_private(text.parse().unwrap()), "{text}");
    }
}

proptest! {
    #[test]
    fn a_carried_address_is_as_private_as_itself(bits in any::<u32>()) {
        let v4 = Ipv4Addr::from(bits);
        let private = is_private(IpAddr::V4(v4));
        prop_assert_eq!(is_private(IpAddr::V6(v4.to_ipv6_mapped())), private);
        let nat64 = Ipv6Addr::from((0x0064_ff9b_u128 << 96) | u128::from(bits));
        prop_assert_eq!(is_private(IpAddr::V6(nat64)), private);
        let six_to_four = Ipv6Addr::from((0x2002_u128 << 112) | (u128::from(bits) << 80) | 1);
        prop_assert_eq!(is_private(IpAddr::V6(six_to_four)), private);
    }

    #[test]
    fn nothing_panics(pattern in any::<String>(), host in any::<String>()) {
        if let Ok(hosts) = HostPatterns::new([&pattern]) {
            let _ = hosts.matches(&host);
        }
        let _ = HostPatterns::new(["*.é.x", "*.example.com"]).map(|hosts| hosts.matches(&host));
        let _ = HostPatterns::new(["*.example.com"]).unwrap().matches(&host);
    }
}
