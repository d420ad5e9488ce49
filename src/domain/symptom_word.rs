//! What a sender's word for a symptom means, however it is spelt.
//!
//! A word must never count as its opposite: `WORKING` is no problem, and `not working` is
//! one. Where neither is sure, it counts nowhere.

use super::symptom::Symptom;

/// What a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// This symptom.
    Known(Symptom),
    /// A problem that this version does not know: counts as [`Symptom::Other`].
    Unknown,
    /// Perhaps that it works, perhaps not: counts nowhere.
    Unclear,
}

/// Words that say that it works.
const WORKING: [&str; 4] = ["working", "works", "ok", "fine"];
/// Letters by which a word may differ from `working` and still be meant as it: inserted,
/// left out, replaced, or two that changed places.
const TYPING_ERRORS: usize = 2;
/// Words that turn what stands beside them into its opposite, as letters in lower case.
const NEGATIONS: [&str; 41] = [
    "no", "not", "non", "nor", "never", "none", "nothing", "nobody", "without", "un", "nt",
    "cannot", "cant", "dont", "doesnt", "didnt", "isnt", "arent", "aint", "wasnt", "werent",
    "wont", "wouldnt", "couldnt", "hasnt", "havent", "stop", "stops", "stopped", "stopping",
    "cease", "ceased", "quit", "fail", "fails", "failed", "failing", "unable", "hardly", "barely",
    "less",
];
/// What is denied where all is well: `no problems`, `works without issues`, `not down`.
const TROUBLES: [&str; 15] = [
    "problem", "problems", "issue", "issues", "outage", "outages", "trouble", "troubles", "error",
    "errors", "fault", "faults", "failure", "failures", "down",
];
/// Words that say that it works again, or that nothing is wrong, though none says `work`.
const RECOVERED: [&str; 5] = ["restored", "resolved", "recovered", "fixed", "solved"];
/// The same, where nothing else stands beside them.
const WELL: [&str; 9] =
    ["up", "upagain", "backup", "online", "normal", "operational", "healthy", "none", "nothing"];
/// Of these, what may stand at the end of what is written in one with `work`, as in
/// `itsnotworking`.
const JOINED: [&str; 8] = ["no", "not", "non", "un", "nt", "never", "stopped", "cannot"];

/// What a word means. Case, blanks and signs do not matter: `No-Service`, `NO_SERVICE`
/// and `noService` are `no_service`.
#[must_use]
pub fn meaning(word: &str) -> Meaning {
    let parts = parts(word);
    let whole = parts.concat();
    if let Some(symptom) = Symptom::ALL.into_iter().find(|symptom| is_spelt(symptom.name(), &whole))
    {
        return Meaning::Known(symptom);
    }
    if WORKING.contains(&&*whole) {
        return Meaning::Known(Symptom::Working);
    }
    let is_negated = parts.iter().any(|part| is_negation(part))
        || parts.windows(2).any(|two| two[0].ends_with('n') && two[1] == "t");
    let denies_trouble =
        parts.windows(2).any(|two| is_negation(&two[0]) && TROUBLES.contains(&&*two[1]));
    let is_well = WELL.contains(&&*whole)
        || !is_negated && parts.iter().any(|part| RECOVERED.contains(&&**part));
    if denies_trouble || is_well {
        return Meaning::Unclear;
    }
    let holds_work = whole.contains("work");
    let is_near = strsim::osa_distance(&whole, "working") <= TYPING_ERRORS;
    if is_near && !(holds_work && is_negated)
        || parts.iter().any(|part| says_working(part)) && !is_negated
    {
        return Meaning::Unclear;
    }
    Meaning::Unknown
}

/// Whether a symptom's name is these letters.
fn is_spelt(name: &str, letters: &str) -> bool {
    name.chars().filter(|c| *c != '_').eq(letters.chars())
}

/// Whether a part of a word says by itself that something works. `network` does not,
/// though it ends in `work`.
fn says_working(part: &str) -> bool {
    part.starts_with("work") || matches!(part, "ok" | "okay" | "fine")
}

/// Whether a part of a word denies the rest: by itself, or written in one with `work`.
fn is_negation(part: &str) -> bool {
    let joined = || {
        part.split_once("work").is_some_and(|(before, after)| {
            JOINED.iter().any(|negation| before.ends_with(negation)) || after.ends_with("not")
        })
    };
    NEGATIONS.contains(&part) || joined()
}

/// The parts of a word between blanks, signs and humps, as letters and digits in lower
/// case.
///
/// A dotless i is an i: phones set to Turkish make `no_servıce` of `NO_SERVICE`.
fn parts(word: &str) -> Vec<String> {
    let (mut parts, mut after_small) = (vec![String::new()], false);
    for sign in word.chars() {
        if matches!(sign, '\'' | '’' | '\u{307}') {
            continue;
        }
        let begins = !sign.is_alphanumeric() || after_small && sign.is_uppercase();
        if begins && parts.last().is_some_and(|part| !part.is_empty()) {
            parts.push(String::new());
        }
        after_small = sign.is_lowercase();
        let last = parts.last_mut().expect("there is always one");
        last.extend(
            sign.to_lowercase()
                .filter(|c| c.is_alphanumeric())
                .map(|c| if c == 'ı' { 'i' } else { c }),
        );
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use Meaning::{Known, Unclear, Unknown};

    #[track_caller]
    fn check(words: &[&str], expected: Meaning) {
        for word in words {
            assert_eq!(meaning(word), expected, "{word:?}");
        }
    }

    #[test]
    fn names_are_compared_without_case_blanks_and_signs() {
        for symptom in Symptom::ALL {
            let name = symptom.name();
            let spelt = [
                name.into(),
                name.to_uppercase(),
                name.replace('_', "-"),
                name.replace('_', " "),
                format!(" {name}\n"),
            ];
            for word in spelt {
                assert_eq!(meaning(&word), Known(symptom), "{word:?}");
            }
        }
        check(
            &["noService", "NO SERVICE", "No-Service", "noservice", "no_servıce", "NO__SERVICE"],
            Known(Symptom::NoService),
        );
    }

    #[test]
    fn what_works_is_no_problem() {
        let words = [
            "working",
            "WORKING",
            "Working",
            " working ",
            "WORKİNG",
            "works",
            "WORKS",
            "ok",
            "OK",
            "O.K.",
            "Fine",
            "FINE!",
        ];
        check(&words, Known(Symptom::Working));
    }

    #[test]
    fn what_does_not_work_is_a_problem() {
        let words = [
            "not_working",
            "NOT-WORKING",
            "notWorking",
            "notworking",
            "itsnotworking",
            "stopped working",
            "stopped_working",
            "isn't working",
            "isnt_working",
            "doesn’t work",
            "does not work",
            "doesntwork",
            "unworking",
            "nonworking",
            "never works",
            "no longer working",
            "working_not",
            "nowork",
            "not ok",
            "not fine",
            "no network",
        ];
        check(&words, Unknown);
    }

    #[test]
    fn what_says_that_all_is_well_in_other_words_counts_nowhere() {
        let words = [
            "no problem",
            "NO_PROBLEMS",
            "no issue",
            "no-outage",
            "not down",
            "isn't down",
            "works without problems",
            "restored",
            "service_restored",
            "resolved",
            "recovered",
            "fixed",
            "up",
            "up again",
            "online",
            "normal",
            "operational",
            "healthy",
            "none",
        ];
        check(&words, Unclear);
        check(
            &[
                "no service problem",
                "not restored",
                "never fixed",
                "outage",
                "down",
                "isn_t_working",
                "hangs up",
            ],
            Unknown,
        );
    }

    #[test]
    fn what_may_mean_that_it_works_counts_nowhere() {
        let words = [
            "workin",
            "workng",
            "wroking",
            "wrokign",
            "workign",
            "workıngg",
            "worling",
            "w0rking",
            "parking",
        ];
        check(&words, Unclear);
        check(
            &[
                "works again",
                "it_works",
                "isWorking",
                "working_now",
                "now working",
                "okay",
                "all fine",
                "work",
            ],
            Unclear,
        );
    }

    #[test]
    fn any_other_word_is_a_problem_that_is_not_known() {
        check(
            &[
                "network_down",
                "networking",
                "network",
                "broken",
                "no_wifi",
                "лежит",
                "",
                "  ",
                "slow",
                "down",
            ],
            Unknown,
        );
    }
}
