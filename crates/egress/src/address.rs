//! Which addresses are public, seen through every way of writing IPv4 inside IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far away an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Routed on the internet.
    Public,
    /// This machine or a private network: an allowed host name may lead here.
    Internal,
    /// Link-local, metadata, multicast, reserved: only a rule with the address itself leads here.
    Reserved,
}

/// Internal networks (RFC 1918, RFC 6598, RFC 1122).
const INTERNAL_V4: [([u8; 4], u32); 5] = [
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([172, 16, 0, 0], 12),
    ([192, 168, 0, 0], 16),
];

/// The rest of the IANA IPv4 special-purpose registry, and metadata services that hide in public or shared space.
const RESERVED_V4: [([u8; 4], u32); 12] = [
    ([0, 0, 0, 0], 8),
    ([100, 100, 100, 200], 32),
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// Parts of 2000::/3 that are not routed to hosts: protocol assignments with Teredo, and documentation.
const RESERVED_V6: [([u16; 8], u32); 3] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// Judges an address.
pub(crate) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => embedded_v4(address).map_or_else(|| reach_v6(address), reach_v4),
    }
}

/// The address that the kernel really connects to: a mapped address is an IPv4 connection.
pub(crate) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let inside = |networks: &[([u8; 4], u32)]| {
        networks.iter().any(|(network, prefix)| {
            let shift = 32 - prefix;
            (address.to_bits() >> shift) == (Ipv4Addr::from(*network).to_bits() >> shift)
        })
    };
    if inside(&RESERVED_V4) {
        Reach::Reserved
    } else if inside(&INTERNAL_V4) {
        Reach::Internal
    } else {
        Reach::Public
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let inside = |network: [u16; 8], prefix: u32| {
        let shift = 128 - prefix;
        (address.to_bits() >> shift) == (Ipv6Addr::from(network).to_bits() >> shift)
    };
    let global = inside([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
    let unique_local = inside([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7);
    // fd00:ec2::254 and its neighbours answer with instance credentials
    let metadata = inside([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0], 32);
    if address.is_loopback() || (unique_local && !metadata) {
        Reach::Internal
    } else if global && !RESERVED_V6.iter().any(|(network, prefix)| inside(*network, *prefix)) {
        Reach::Public
    } else {
        Reach::Reserved
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped, NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let halves = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(halves(high, low)),
        [0x2002, high, low, ..] => Some(halves(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_public() {
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "192.0.1.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "169.253.255.255",
            "169.255.0.0",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ];
        for text in public {
            assert_eq!(reach(text.parse().unwrap()), Reach::Public, "{text}");
        }
    }

    #[test]
    fn private_networks_are_internal() {
        let internal = [
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.0",
            "192.168.255.255",
            "::1",
            "fc00::1",
            "fdff::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
        ];
        for text in internal {
            assert_eq!(reach(text.parse().unwrap()), Reach::Internal, "{text}");
        }
    }

    #[test]
    fn link_local_metadata_and_reserved_addresses_are_reserved() {
        let reserved = [
            "0.0.0.0",
            "0.1.2.3",
            "100.100.100.200",
            "168.63.129.16",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.255.255",
            "192.0.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.255",
            "::",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:a9fe:a9fe",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:a9fe:a9fe::",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:2::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "5f00::1",
            "4000::1",
            "::ffff:0:7f00:1",
        ];
        for text in reserved {
            assert_eq!(reach(text.parse().unwrap()), Reach::Reserved, "{text}");
        }
    }
}
