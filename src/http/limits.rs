//! How much each caller may ask for: by key, else by address, in tables that cannot grow.
//!
//! An address is kept nowhere: the place of its meter is a hash under a key that dies with
//! the process. Two callers may share a place, one in 10,000 where 100 are busy.

use crate::domain::access::key::{KeyId, KeyLimits};
use crate::domain::access::rate::{Meter, Rate};
use crate::engine::access::Admitted;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::OnceLock;

/// Places for meters of addresses: 8 MiB.
const PLACES: usize = 1 << 20;
const SECOND_NS: u64 = 1_000_000_000;
const MINUTE_NS: u64 = 60 * SECOND_NS;
/// Units that a read costs which had to be made; one that was there, or that the reader
/// has already, costs one.
pub const READ_UNITS: u64 = 20;
/// What an address may send of a key's reports, but at most half of what the key may: it
/// may stand for thousands of phones.
const REPORTS_PER_MINUTE_WITHIN_A_KEY: u32 = 6_000;
/// Reports that every key may send at once, however few a second: as many as a batch has
/// without a key.
const LEAST_AT_ONCE: u64 = 50;

/// Which calls are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Calls {
    /// Reports, each of a batch.
    Reports,
    /// Everything else, in twentieths of a read.
    Reads,
}

/// What an address may ask for where no key says more. None: as much as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AddressLimits {
    /// Reports in a minute.
    pub reports_per_minute: Option<NonZeroU32>,
    /// Reads in a minute.
    pub reads_per_minute: Option<NonZeroU32>,
}

/// The meters of all addresses.
#[derive(Debug, Default)]
pub struct Limits {
    of_addresses: AddressLimits,
    /// Made when the first is needed: a server without limits has none.
    meters: OnceLock<Box<[Meter]>>,
    places: RandomState,
}

/// Which meters a caller's call is counted by.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    of_key: Option<KeyBudget>,
    of_address: Option<AddressBudget>,
}

#[derive(Debug, Clone)]
struct KeyBudget {
    admitted: Admitted,
    calls: Calls,
    rate: Rate,
}

#[derive(Debug, Clone, Copy)]
struct AddressBudget {
    place: usize,
    rate: Rate,
}

/// A caller must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// What ran out: `key`, `address` or `quota`.
    pub policy: &'static str,
    /// How much it allows in each window.
    pub quota: u64,
    /// How long a window is.
    pub window_s: u64,
    /// How much is left: less than was asked for.
    pub left: u64,
    /// In how many seconds the same call will be taken, at least one.
    pub wait_s: u64,
}

impl Limits {
    /// Meters, none of which counted anything yet.
    #[must_use]
    pub fn new(of_addresses: AddressLimits) -> Self {
        Self { of_addresses, ..Self::default() }
    }

    /// Whether it matters from which address a call comes.
    #[must_use]
    pub fn look_at_addresses(&self) -> bool {
        self.of_addresses != AddressLimits::default()
    }

    /// What a call of this kind is counted by, on one of so many nodes.
    ///
    /// A call with a key is counted by the key, where that has a limit, and else by the
    /// address within the key. Reports are counted by both: see [`Self::take`].
    #[must_use]
    pub fn budget(
        &self,
        calls: Calls,
        address: Option<IpAddr>,
        admitted: Option<&Admitted>,
        nodes: u32,
    ) -> Budget {
        let of_key = admitted.and_then(|admitted| {
            let rate = calls.rate_of(admitted.key.record.limits)?.shared_by(nodes);
            Some(KeyBudget { admitted: admitted.clone(), calls, rate })
        });
        let per_minute = match (calls, &of_key) {
            (Calls::Reads, Some(_)) => None,
            (Calls::Reads, None) => self.of_addresses.reads_per_minute,
            (Calls::Reports, None) => self.of_addresses.reports_per_minute,
            (Calls::Reports, Some(_)) => {
                let floor = NonZeroU32::new(REPORTS_PER_MINUTE_WITHIN_A_KEY);
                self.of_addresses.reports_per_minute.max(floor)
            }
        };
        let key = admitted.map(|admitted| admitted.key.record.id);
        let of_address = address.zip(per_minute).map(|(address, per_minute)| {
            let own = Rate::new(u64::from(per_minute.get()) * calls.units(), MINUTE_NS);
            let rate = of_key.as_ref().map_or(own, |of_key| own.within_half_of(of_key.rate));
            AddressBudget { place: self.place(calls, address, key), rate }
        });
        Budget { of_key, of_address }
    }

    /// Counts so many units, where they are left. Where they are not, nothing is counted.
    ///
    /// Within a key, an address that asks for more than its share still has what others
    /// leave: half of what the key may at once is kept for those who ask for less. So one
    /// who has taken the key out of an app cannot use up what the app may, and a backend
    /// that speaks for all its users can.
    ///
    /// # Errors
    /// Where they are not left.
    pub fn take(&self, budget: &Budget, now_ns: u64, units: u64) -> Result<(), Exceeded> {
        let of_address = budget.of_address.map(|AddressBudget { place, rate }| {
            let meter = &self.meters()[place];
            (meter, rate, meter.take(rate, now_ns, units))
        });
        if let Some((_, rate, Err(wait))) = of_address
            && budget.of_key.as_ref().is_none_or(|of_key| of_key.is_half_used(now_ns, units))
        {
            return Err(Exceeded::of(rate, "address", rate.period_ns(), wait.for_ns));
        }
        let Some(of_key) = &budget.of_key else { return Ok(()) };
        let taken = of_key.meter().take(of_key.rate, now_ns, units);
        if let (Err(_), Some((meter, rate, Ok(_)))) = (taken, of_address) {
            meter.give_back(rate, units);
        }
        let window_ns = of_key.calls.window_of_key_ns();
        taken.map(drop).map_err(|wait| Exceeded::of(of_key.rate, "key", window_ns, wait.for_ns))
    }

    /// Gives so many units back that were counted for nothing.
    pub fn give_back(&self, budget: &Budget, units: u64) {
        if let Some(AddressBudget { place, rate }) = budget.of_address {
            self.meters()[place].give_back(rate, units);
        }
        if let Some(of_key) = &budget.of_key {
            of_key.meter().give_back(of_key.rate, units);
        }
    }

    /// Counts so many units, whether they are left or not: the caller then waits longer.
    pub fn owe(&self, budget: &Budget, now_ns: u64, units: u64) {
        if let Some(AddressBudget { place, rate }) = budget.of_address {
            self.meters()[place].owe(rate, now_ns, units);
        }
        if let Some(of_key) = &budget.of_key {
            of_key.meter().owe(of_key.rate, now_ns, units);
        }
    }

    fn meters(&self) -> &[Meter] {
        self.meters.get_or_init(|| (0..PLACES).map(|_| Meter::default()).collect())
    }

    fn place(&self, calls: Calls, address: IpAddr, key: Option<KeyId>) -> usize {
        self.places.hash_one((calls, limited_part(address), key)) as usize % PLACES
    }
}

impl Budget {
    /// Units that one call may take of a key at once: more would keep all others waiting.
    #[must_use]
    pub fn most_at_once(&self) -> Option<u64> {
        self.of_key.as_ref().map(|of_key| of_key.rate.capacity().max(LEAST_AT_ONCE))
    }
}

impl Calls {
    const fn units(self) -> u64 {
        match self {
            Self::Reports => 1,
            Self::Reads => READ_UNITS,
        }
    }

    /// How long a window of a key's limit is.
    const fn window_of_key_ns(self) -> u64 {
        match self {
            Self::Reports => SECOND_NS,
            Self::Reads => MINUTE_NS,
        }
    }

    fn rate_of(self, limits: KeyLimits) -> Option<Rate> {
        match self {
            Self::Reports => {
                limits.reports_per_second.map(|most| Rate::new(u64::from(most), SECOND_NS))
            }
            Self::Reads => limits
                .reads_per_minute
                .map(|most| Rate::new(u64::from(most) * READ_UNITS, MINUTE_NS)),
        }
    }
}

impl KeyBudget {
    fn meter(&self) -> &Meter {
        match self.calls {
            Calls::Reports => &self.admitted.usage.reports,
            Calls::Reads => &self.admitted.usage.reads,
        }
    }

    /// Whether half of it is used before the last of so many units.
    fn is_half_used(&self, now_ns: u64, units: u64) -> bool {
        let left = self.rate.left(self.meter().schedule(), now_ns);
        left.saturating_sub(units.saturating_sub(1)) * 2 <= self.rate.capacity()
    }
}

impl Exceeded {
    fn of(rate: Rate, policy: &'static str, window_ns: u64, wait_ns: u64) -> Self {
        Self {
            policy,
            quota: rate.capacity(),
            window_s: window_ns.div_ceil(SECOND_NS),
            left: 0,
            wait_s: wait_ns.div_ceil(SECOND_NS).max(1),
        }
    }
}

/// The part of an address that is limited: one of IPv4, or the 56 first bits of one of
/// IPv6, which a household or a phone can fill as it likes.
fn limited_part(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 72 << 72).into()),
        IpAddr::V4(address) => IpAddr::V4(address),
    }
}

#[cfg(test)]
mod tests;
