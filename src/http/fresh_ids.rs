//! How many ids may be new in a day from one network: a brake for who makes them up.
//!
//! Opt-in. It blinds detection where a carrier has thousands of phones behind one address,
//! most of all in an outage.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Bits that remember which ids were let in: 2 MiB. At a million ids a day one in 16 that
/// is made up is taken for one of them.
const ID_BITS: usize = 1 << 24;
/// Networks that are told apart: 1 MiB. Two of them may share a place.
const NETWORKS: usize = 1 << 18;

/// The ids that were new today, and how many from each network. Nothing is kept of an
/// address or id but a hash under a key that dies with the process.
#[derive(Debug)]
pub struct FreshIds {
    most: NonZeroU32,
    hashes: RandomState,
    /// Held for one look-up.
    today: Mutex<Today>,
}

#[derive(Debug)]
struct Today {
    day: i64,
    let_in: Box<[u64]>,
    fresh: Box<[u32]>,
}

impl FreshIds {
    /// A brake that lets so many new ids in from a network each day.
    #[must_use]
    pub fn new(most: NonZeroU32) -> Self {
        let today = Today {
            day: i64::MIN,
            let_in: vec![0; ID_BITS / 64].into(),
            fresh: vec![0; NETWORKS].into(),
        };
        Self { most, hashes: RandomState::new(), today: Mutex::new(today) }
    }

    /// Whether a reporter, by its hash of this day, was let in before or may be now. Who
    /// was not stays out until tomorrow.
    pub fn lets_in(&self, address: IpAddr, reporter: u64, day: i64) -> bool {
        let network = network(address);
        let id = self.hashes.hash_one((network, reporter)) as usize % ID_BITS;
        let place = self.hashes.hash_one(network) as usize % NETWORKS;
        let (word, bit) = (id / 64, 1 << (id % 64));
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        if today.day != day {
            today.day = day;
            today.let_in.fill(0);
            today.fresh.fill(0);
        }
        if today.let_in[word] & bit != 0 {
            return true;
        }
        let is_let_in = today.fresh[place] < self.most.get();
        if is_let_in {
            today.fresh[place] += 1;
            today.let_in[word] |= bit;
        }
        is_let_in
    }
}

/// The network of an address: the 24 first bits of one of IPv4, the 56 first of one of
/// IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() >> 8 << 8)),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 72 << 72).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_brings_so_many_new_ids_a_day_and_those_stay_known() {
        let brake = FreshIds::new(NonZeroU32::new(20).unwrap());
        let near = |n: u8| IpAddr::V4(Ipv4Addr::new(198, 51, 100, n));
        let let_in =
            |day| (0..100_u64).filter(|id| brake.lets_in(near(*id as u8), *id, day)).count();
        assert_eq!([let_in(1), let_in(1), let_in(2)], [20, 20, 20]);
        assert!(brake.lets_in(near(200), 0, 2), "who was let in stays, wherever in the network");
        assert!(!brake.lets_in(near(0), 99, 2));
        assert!(brake.lets_in("203.0.113.1".parse().unwrap(), 99, 2), "another network");
    }

    #[test]
    fn addresses_of_one_household_are_one_network() {
        let brake = FreshIds::new(NonZeroU32::MIN);
        assert!(brake.lets_in("2001:db8:0:a00::1".parse().unwrap(), 1, 1));
        assert!(!brake.lets_in("2001:db8:0:aff:1:2:3:4".parse().unwrap(), 2, 1));
        assert!(brake.lets_in("2001:db8:0:b00::1".parse().unwrap(), 2, 1));
    }
}
