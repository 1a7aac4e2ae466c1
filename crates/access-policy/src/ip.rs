//! IP access rules: which client addresses a rule matches.
//!
//! A pure module over `ipnet`: a rule's value is parsed once, when the document is written, and only ever compared as a
//! network. IPv4-mapped IPv6 addresses (`::ffff:a.b.c.d`) are the IPv4 address on both sides.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What a matching rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The client may use the session.
    Allow,
    /// The session is refused.
    Block,
}

/// Which addresses a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPattern {
    /// `*`: every address, and also an unknown one.
    Any,
    /// One address, whole octets or a CIDR block; IPv4-mapped networks are kept as IPv4.
    Network(IpNet),
}

/// One element of `AccessPolicy.ipAccessRule`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpRule {
    /// Its name, for people.
    pub name: Option<String>,
    /// Which addresses it matches.
    pub pattern: AddressPattern,
    /// What it decides.
    pub action: Action,
}

/// The value of a rule is none of the accepted forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be *, an IPv4 or IPv6 address, whole leading octets of an IPv4 address such as 203.0.113. or 203.0.113, or a CIDR block such as 203.0.113.0/24"
)]
pub struct InvalidPattern;

impl AddressPattern {
    /// Reads the `value` of a rule: `*`, `203.0.113.7`, `2001:db8::1`, `8.8.`, `8.8`, `203.0.113.0/24`,
    /// `2001:db8::/32`. A CIDR block may have bits set beyond its prefix; they are ignored ([`Self::has_host_bits`]).
    pub fn parse(value: &str) -> Result<Self, InvalidPattern> {
        if value == "*" {
            return Ok(AddressPattern::Any);
        }
        if let Ok(address) = value.parse::<IpAddr>() {
            return Ok(AddressPattern::Network(IpNet::from(normalise(address))));
        }
        if value.contains('/') {
            return cidr(value).map(AddressPattern::Network);
        }
        partial(value).map(AddressPattern::Network)
    }

    /// Whether a CIDR block is written with bits set beyond its prefix (`10.1.2.3/8`), which is more likely a slip.
    pub fn has_host_bits(value: &str) -> bool {
        value.contains('/') && value.parse::<IpNet>().is_ok_and(|net| net != net.trunc())
    }

    /// Whether the address matches; an unknown address (`None`) matches `*` only.
    pub fn matches(&self, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (AddressPattern::Any, _) => true,
            (AddressPattern::Network(_), None) => false,
            (AddressPattern::Network(network), Some(address)) => {
                network.contains(&normalise(address))
            }
        }
    }
}

impl fmt::Display for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressPattern::Any => f.write_str("*"),
            AddressPattern::Network(network) => write!(f, "{network}"),
        }
    }
}

/// An IPv4-mapped IPv6 address becomes the IPv4 address it stands for.
pub fn normalise(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
    }
}

fn cidr(value: &str) -> Result<IpNet, InvalidPattern> {
    let network = value.parse::<IpNet>().map_err(|_| InvalidPattern)?.trunc();
    let IpNet::V6(v6) = network else {
        return Ok(network);
    };
    match mapped_network(v6) {
        Some(v4) => Ok(IpNet::V4(v4)),
        None => Ok(network),
    }
}

/// `::ffff:a.b.c.d/n` with n >= 96 is the IPv4 network a.b.c.d/(n - 96).
fn mapped_network(network: Ipv6Net) -> Option<Ipv4Net> {
    let prefix = network.prefix_len().checked_sub(96)?;
    let address: Ipv6Addr = network.network();
    Ipv4Net::new(address.to_ipv4_mapped()?, prefix).ok()
}

/// One to three whole octets, with or without the final dot.
fn partial(value: &str) -> Result<IpNet, InvalidPattern> {
    let body = value.strip_suffix('.').unwrap_or(value);
    let mut octets = [0u8; 4];
    let mut count: u8 = 0;
    for text in body.split('.') {
        let place = octets
            .get_mut(usize::from(count))
            .filter(|_| count < 3)
            .ok_or(InvalidPattern)?;
        *place = octet(text)?;
        count = count.saturating_add(1);
    }
    Ipv4Net::new(Ipv4Addr::from(octets), count.saturating_mul(8))
        .map(IpNet::V4)
        .map_err(|_| InvalidPattern)
}

/// Decimal, 0 to 255, no leading zero (which some readers take for octal).
fn octet(text: &str) -> Result<u8, InvalidPattern> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return Err(InvalidPattern);
    }
    text.parse().map_err(|_| InvalidPattern)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(value: &str, address: &str) -> bool {
        AddressPattern::parse(value)
            .unwrap()
            .matches(Some(address.parse().unwrap()))
    }

    #[test]
    fn the_forms_of_the_semantics() {
        for (value, address, expected) in [
            ("*", "203.0.113.7", true),
            ("*", "2001:db8::1", true),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.70", false),
            ("8.8.", "8.8.8.8", true),
            ("8.8.", "8.7.8.8", false),
            ("8.8", "8.8.0.1", true),
            ("8.8", "8.80.0.1", false),
            ("8", "8.255.0.1", true),
            ("8", "80.0.0.1", false),
            ("192.168.1", "192.168.1.9", true),
            ("192.168.1.", "192.168.10.9", false),
            ("10.0.0.0/8", "10.9.9.9", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.1.2.3/8", "10.9.9.9", true),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "1.2.3.4", false),
            ("2001:db8::/32", "2001:db8:1::5", true),
            ("2001:db8::/32", "2001:db9::5", false),
            ("2001:db8::1", "2001:DB8:0::1", true),
            ("::ffff:203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "::ffff:203.0.113.7", true),
            ("::ffff:203.0.113.0/120", "203.0.113.99", true),
            ("::ffff:203.0.113.0/120", "203.0.114.99", false),
            ("8.8.", "::ffff:8.8.4.4", true),
        ] {
            assert_eq!(
                matches(value, address),
                expected,
                "{value} against {address}"
            );
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for value in [
            "",
            " ",
            ".",
            "8..",
            "8.8..",
            ".8",
            "8.8.8.8.",
            "8.8.8.8.8",
            "256.1",
            "256.",
            "08.8",
            "8.08",
            "0x8.1",
            "8.8/16",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "2001:db8:",
            "2001:db8::/129",
            "fe80::1%eth0",
            " 8.8.8.8",
            "8.8.8.8 ",
            "8.8.8.*",
            "**",
            "localhost",
            "10.0.0.1-10.0.0.9",
            "١.٢",
            "+8.8",
        ] {
            assert_eq!(
                AddressPattern::parse(value),
                Err(InvalidPattern),
                "{value:?}"
            );
        }
    }

    #[test]
    fn an_unknown_address_matches_only_the_wildcard() {
        assert!(AddressPattern::parse("*").unwrap().matches(None));
        for value in ["0.0.0.0/0", "::/0", "8.8."] {
            assert!(!AddressPattern::parse(value).unwrap().matches(None));
        }
    }

    #[test]
    fn host_bits_are_noticed() {
        assert!(AddressPattern::has_host_bits("10.1.2.3/8"));
        assert!(AddressPattern::has_host_bits("2001:db8::1/32"));
        for value in ["10.0.0.0/8", "10.1.2.3", "8.8.", "*", "10.1.2.3/99"] {
            assert!(!AddressPattern::has_host_bits(value), "{value}");
        }
    }

    /// The obvious, slow meaning: bits compared one by one.
    fn slow_cidr(network: &[u8], prefix: usize, address: &[u8]) -> bool {
        let bit = |bytes: &[u8], n: usize| bytes[n / 8] >> (7 - n % 8) & 1;
        network.len() == address.len() && (0..prefix).all(|n| bit(network, n) == bit(address, n))
    }

    /// Addresses that share octets with rules often enough to be interesting.
    fn small_octets() -> impl Strategy<Value = [u8; 4]> {
        prop::array::uniform4(prop_oneof![
            Just(0u8),
            Just(8),
            Just(80),
            Just(88),
            Just(255),
            any::<u8>()
        ])
    }

    proptest! {
        #[test]
        fn partial_addresses_match_as_dotted_text(rule in small_octets(), count in 1usize..=3, dot: bool,
                                                  address in small_octets()) {
            let octets: Vec<String> = rule[..count].iter().map(u8::to_string).collect();
            let mut value = octets.join(".");
            let text = Ipv4Addr::from(address).to_string();
            let expected = text.starts_with(&format!("{value}."));
            if dot {
                value.push('.');
            }
            prop_assert_eq!(matches(&value, &text), expected);
            prop_assert_eq!(matches(&value, &format!("::ffff:{text}")), expected);
        }

        #[test]
        fn cidr_v4_matches_bit_by_bit(rule in small_octets(), prefix in 0usize..=32, address in small_octets()) {
            let text = Ipv4Addr::from(address).to_string();
            let expected = slow_cidr(&rule, prefix, &address);
            prop_assert_eq!(matches(&format!("{}/{prefix}", Ipv4Addr::from(rule)), &text), expected);
            let mapped = format!("::ffff:{}/{}", Ipv4Addr::from(rule), prefix + 96);
            prop_assert_eq!(matches(&mapped, &text), expected);
        }

        #[test]
        fn cidr_v6_matches_bit_by_bit(rule: [u8; 16], prefix in 0usize..=128, flip in prop::option::of(0usize..128)) {
            let mut address = rule;
            if let Some(bit) = flip {
                address[bit / 8] ^= 1 << (7 - bit % 8);
            }
            prop_assume!(Ipv6Addr::from(address).to_ipv4_mapped().is_none());
            prop_assume!(Ipv6Addr::from(rule).to_ipv4_mapped().is_none());
            let expected = slow_cidr(&rule, prefix, &address);
            let value = format!("{}/{prefix}", Ipv6Addr::from(rule));
            prop_assert_eq!(matches(&value, &Ipv6Addr::from(address).to_string()), expected);
        }

        #[test]
        fn any_text_is_parsed_or_refused_without_panic(value in "[0-9a-f:./*%]{0,24}|\\PC{0,24}") {
            if let Ok(pattern) = AddressPattern::parse(&value) {
                prop_assert!(matches!(pattern, AddressPattern::Any) == (value == "*"));
            }
        }
    }
}
