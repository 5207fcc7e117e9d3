//! Networks that an API client may call from.

use std::net::{IpAddr, Ipv4Addr};

/// A network: an address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    bits: u128,
    length: u32,
    is_v4: bool,
}

impl Network {
    /// Reads `192.0.2.0/24`, `2001:db8::/32` or one address.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let (bits, is_v4) = number(address.parse().ok()?);
        let most = if is_v4 { 32 } else { 128 };
        let length = length.unwrap_or(most);
        // bits beyond the length would be ignored silently, so they are refused
        let host = bits & !mask(length, most)?;
        (length <= most && host == 0).then_some(Self { bits, length, is_v4 })
    }

    /// Whether the address lies in it. An IPv4 address that a dual-stack socket reports as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (bits, is_v4) = number(address);
        let most = if is_v4 { 32 } else { 128 };
        is_v4 == self.is_v4 && mask(self.length, most).is_some_and(|mask| bits & mask == self.bits)
    }

    /// Whether it is a network of IPv4.
    pub fn is_v4(&self) -> bool {
        self.is_v4
    }
}

fn number(address: IpAddr) -> (u128, bool) {
    match address.to_canonical() {
        IpAddr::V4(address) => (u128::from(Ipv4Addr::to_bits(address)), true),
        IpAddr::V6(address) => (address.to_bits(), false),
    }
}

/// The `length` highest of `most` bits; `None` when there are not that many.
fn mask(length: u32, most: u32) -> Option<u128> {
    let rest = most.checked_sub(length)?;
    let all = if most == 128 { u128::MAX } else { (1 << most) - 1 };
    Some(all.checked_shr(rest).unwrap_or(0).checked_shl(rest).unwrap_or(0) & all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        Network::parse(network).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn edges_of_networks_are_exact() {
        for (network, inside, outside) in [
            ("192.0.2.0/24", ["192.0.2.0", "192.0.2.255"], ["192.0.1.255", "192.0.3.0"]),
            ("192.0.2.128/25", ["192.0.2.128", "192.0.2.255"], ["192.0.2.127", "192.0.3.0"]),
            ("2001:db8::/33", ["2001:db8::", "2001:db8:7fff::1"], ["2001:db8:8000::", "2001:db7::1"]),
        ] {
            assert!(inside.iter().all(|address| holds(network, address)), "{network}");
            assert!(!outside.iter().any(|address| holds(network, address)), "{network}");
        }
        assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("::/0", "::1") && !holds("::/0", "203.0.113.9"));
        assert!(holds("127.0.0.1", "127.0.0.1") && !holds("127.0.0.1", "127.0.0.2"));
    }

    #[test]
    fn mapped_addresses_are_those_of_ipv4() {
        assert!(holds("192.0.2.0/24", "::ffff:192.0.2.7"));
        assert!(!holds("::/0", "::ffff:192.0.2.7"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for bad in
            ["", "192.0.2.1/24", "192.0.2.0/33", "::/129", "192.0.2", "a/8", "192.0.2.0/-1", "1.2.3.4/", " "]
        {
            assert!(Network::parse(bad).is_none(), "{bad}");
        }
    }
}
