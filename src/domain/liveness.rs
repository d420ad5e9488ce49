//! The minutes in which somebody was here to take reports. A zero outside them means
//! nothing.

use super::time::Minute;
use std::ops::Range;

/// Minutes in which the service ran, as sorted spans that do not touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Liveness {
    spans: Vec<Range<Minute>>,
}

impl Liveness {
    /// Liveness of these spans, in any order.
    #[must_use]
    pub fn from_spans(spans: impl IntoIterator<Item = Range<Minute>>) -> Self {
        let mut liveness = Self::default();
        for span in spans {
            liveness.mark(span);
        }
        liveness
    }

    /// Says that the service ran in these minutes.
    pub fn mark(&mut self, minutes: Range<Minute>) {
        if minutes.is_empty() {
            return;
        }
        let touching =
            |span: &Range<Minute>| span.start <= minutes.end && minutes.start <= span.end;
        let first = self.spans.partition_point(|span| span.end < minutes.start);
        let end = first + self.spans[first..].iter().take_while(|span| touching(span)).count();
        let joined = self.spans[first..end]
            .iter()
            .fold(minutes.clone(), |a, b| a.start.min(b.start)..a.end.max(b.end));
        self.spans.splice(first..end, [joined]);
    }

    /// Whether it ran in all of these minutes.
    #[must_use]
    pub fn covers(&self, minutes: Range<Minute>) -> bool {
        self.spans.iter().any(|span| span.start <= minutes.start && minutes.end <= span.end)
    }

    /// In how many of these minutes it ran.
    #[must_use]
    pub fn minutes_within(&self, minutes: Range<Minute>) -> u32 {
        let first = self.spans.partition_point(|span| span.end <= minutes.start);
        let within = self.spans[first..].iter().take_while(|span| span.start < minutes.end);
        within
            .map(|span| (span.end.min(minutes.end).0 - span.start.max(minutes.start).0) as u32)
            .sum()
    }

    /// Forgets everything before `minute`.
    pub fn forget_before(&mut self, minute: Minute) {
        self.spans.retain_mut(|span| {
            span.start = span.start.max(minute);
            !span.is_empty()
        });
    }

    /// The spans, sorted.
    #[must_use]
    pub fn spans(&self) -> &[Range<Minute>] {
        &self.spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_covers_exactly_the_minutes_that_were_marked(
            marks in prop::collection::vec((0_i64..60, 0_i64..8), 0..20),
        ) {
            let spans = marks.iter().map(|(from, length)| Minute(*from)..Minute(from + length));
            let liveness = Liveness::from_spans(spans.clone());
            for minute in 0..70 {
                let marked = spans.clone().any(|span| span.contains(&Minute(minute)));
                let covered = liveness.covers(Minute(minute)..Minute(minute + 1));
                prop_assert_eq!(covered, marked, "minute {}", minute);
            }
            for (from, to) in [(0, 70), (7, 21), (30, 30), (59, 60)] {
                let is_covered =
                    |minute: &i64| spans.clone().any(|span| span.contains(&Minute(*minute)));
                let expected = (from..to).filter(is_covered).count() as u32;
                let within = liveness.minutes_within(Minute(from)..Minute(to));
                prop_assert_eq!(within, expected, "{}..{}", from, to);
            }
            prop_assert!(liveness.spans().windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }

    #[test]
    fn what_is_forgotten_is_no_longer_covered() {
        let mut liveness = Liveness::from_spans([Minute(0)..Minute(10), Minute(20)..Minute(30)]);
        liveness.forget_before(Minute(25));
        assert_eq!(liveness.spans(), [Minute(25)..Minute(30)]);
    }
}
