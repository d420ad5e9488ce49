//! What a reporter says is wrong, and the claim that this amounts to.

use super::word_enum::word_enum;

/// What a reporter noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Symptom {
    /// Nothing works at all.
    NoService = 0,
    /// Mobile data is gone.
    NoData = 1,
    /// Mobile data crawls.
    SlowData = 2,
    /// Calls fail.
    NoCalls = 3,
    /// Messages fail.
    NoMessages = 4,
    /// The emergency number cannot be reached.
    NoEmergencyCalls = 5,
    /// The fixed line has no internet.
    NoInternet = 6,
    /// Television is gone.
    NoTv = 7,
    /// A payment was refused by the network.
    PaymentFailed = 8,
    /// Signing in fails.
    LoginFailed = 9,
    /// Anything else, and every symptom this version does not know.
    Other = 10,
    /// A counter-report: it works for me. Feeds recovery, never a spike.
    Working = 11,
}

/// What a reporter's symptom amounts to. One reporter counts once per provider, period
/// and claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Claim {
    /// Something is broken: every ordinary symptom.
    Problem = 0,
    /// Emergency calls fail. Kept apart, so that it is heard even from those who already
    /// reported a problem.
    Emergency = 1,
    /// It works.
    Working = 2,
}

// In the order of their stored numbers.
word_enum! {
    Symptom:
    NoService = "no_service",
    NoData = "no_data",
    SlowData = "slow_data",
    NoCalls = "no_calls",
    NoMessages = "no_messages",
    NoEmergencyCalls = "no_emergency_calls",
    NoInternet = "no_internet",
    NoTv = "no_tv",
    PaymentFailed = "payment_failed",
    LoginFailed = "login_failed",
    Other = "other",
    Working = "working",
}

impl Symptom {
    /// The symptom of that stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// What it amounts to.
    #[must_use]
    pub const fn claim(self) -> Claim {
        match self {
            Self::NoEmergencyCalls => Claim::Emergency,
            Self::Working => Claim::Working,
            _ => Claim::Problem,
        }
    }
}

/// Which symptoms a reader asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Symptoms {
    /// Every symptom but `working`.
    AllProblems,
    /// One symptom.
    Only(Symptom),
}

impl Symptoms {
    /// Whether `symptom` is asked for.
    #[must_use]
    pub fn include(self, symptom: Symptom) -> bool {
        match self {
            Self::AllProblems => symptom != Symptom::Working,
            Self::Only(only) => symptom == only,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back_to_the_symptom() {
        for (number, symptom) in (0_u8..).zip(Symptom::ALL) {
            assert_eq!(symptom as u8, number);
            assert_eq!(Symptom::from_number(number), Some(symptom));
            assert_eq!(Symptom::from_name(symptom.name()), Some(symptom));
        }
        assert_eq!(Symptom::from_number(12), None);
        assert_eq!(Symptom::from_name("No_Service"), None);
    }

    #[test]
    fn working_is_a_problem_only_when_asked_for_by_name() {
        assert!(!Symptoms::AllProblems.include(Symptom::Working));
        assert!(Symptoms::AllProblems.include(Symptom::NoEmergencyCalls));
        assert!(Symptoms::Only(Symptom::Working).include(Symptom::Working));
        assert!(!Symptoms::Only(Symptom::NoTv).include(Symptom::NoData));
    }
}
