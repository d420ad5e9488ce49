//! The public twin of an hour: its facts in the cells that the public sees. It is kept
//! beside the exact hour, since it cannot be computed from that.

use super::{Kind, Store, StoreError};
use crate::domain::counts::Counts;
use crate::domain::fact::{FactKey, Tally};
use crate::domain::grid::Resolution;
use crate::domain::provider::ProviderIndex;
use crate::domain::time::Hour;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of the rule that a twin begins with: `k` and `finest`.
pub(super) const RULE_BYTES: usize = 2;
/// Bytes of a row: key (8) and count (4).
const ROW_BYTES: usize = 12;

/// The public twin of an hour of one provider.
#[derive(Debug, Clone)]
pub struct ShownHour {
    /// How many people each of its cells speaks for at least.
    pub k: u8,
    /// The finest resolution of its cells.
    pub finest: Resolution,
    /// Its facts in shown cells, of the lanes of history only. `first` of a tally is not
    /// kept, and read as 0.
    pub counts: Arc<Counts>,
}

/// An hour whose public twin is kept, and the rule that the twin was made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptShownHour {
    /// Which hour.
    pub hour: Hour,
    /// As in [`ShownHour`].
    pub k: u8,
    /// As in [`ShownHour`].
    pub finest: Resolution,
}

impl Store {
    /// Keeps the public twin of an hour, durably, in place of the one that is there.
    /// Maintenance forgets it with the hour.
    ///
    /// # Errors
    /// Where it cannot be written; the same call may be repeated.
    pub async fn keep_shown_hour(
        &self,
        provider: ProviderIndex,
        hour: Hour,
        shown: &ShownHour,
    ) -> Result<(), StoreError> {
        let twin = shown.to_bytes();
        match &self.kind {
            Kind::Embedded(store) => store.keep_shown_hour(provider, hour, twin).await,
            Kind::Redis(store) => store.keep_shown_hour(provider, hour, twin).await,
        }
    }

    /// The public twins of a provider's hours, oldest first, without what was withdrawn.
    /// Those without facts are among them: an hour that is left out has no twin. At most
    /// [`HOURS_KEPT_DAYS`](super::HOURS_KEPT_DAYS) back.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn shown_hours(
        &self,
        provider: ProviderIndex,
        hours: Range<Hour>,
    ) -> Result<Vec<(Hour, ShownHour)>, StoreError> {
        let mut found = match &self.kind {
            Kind::Embedded(store) => store.shown_hours(provider, hours).await?,
            Kind::Redis(store) => store.shown_hours(provider, hours).await?,
        };
        self.hidden().take_from_shown_hours(provider, &mut found);
        Ok(found)
    }

    /// Which of a provider's hours have a public twin, oldest first, and by which rule.
    /// Reads no twin: on Redis one command, in a directory one table of two bytes a row.
    ///
    /// # Errors
    /// Where that cannot be read.
    pub async fn shown_hours_kept(
        &self,
        provider: ProviderIndex,
        hours: Range<Hour>,
    ) -> Result<Vec<KeptShownHour>, StoreError> {
        match &self.kind {
            Kind::Embedded(store) => store.shown_hours_kept(provider, hours).await,
            Kind::Redis(store) => store.shown_hours_kept(provider, hours).await,
        }
    }
}

impl ShownHour {
    /// The rule (`k`, `finest`), then its rows in the order of their keys, compressed. The
    /// same facts are the same bytes in every store.
    fn to_bytes(&self) -> Vec<u8> {
        let mut rows: Vec<(FactKey, Tally)> = self.counts.rows().collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        let mut plain = Vec::with_capacity(rows.len() * ROW_BYTES);
        for (key, tally) in rows {
            plain.extend_from_slice(&key.number().to_le_bytes());
            plain.extend_from_slice(&tally.count.to_le_bytes());
        }
        let packed = zstd::encode_all(&plain[..], zstd::DEFAULT_COMPRESSION_LEVEL)
            .expect("compressing in memory cannot fail");
        [&[self.k, self.finest.number()][..], &packed].concat()
    }

    /// The twin of these bytes.
    ///
    /// # Errors
    /// Where they are none.
    pub(super) fn from_bytes(hour: Hour, bytes: &[u8]) -> Result<Self, StoreError> {
        let KeptShownHour { k, finest, .. } = KeptShownHour::from_bytes(hour, bytes)?;
        let plain = zstd::decode_all(&bytes[RULE_BYTES..]).map_err(|_| unreadable(hour))?;
        let (rows, []) = plain.as_chunks::<ROW_BYTES>() else { return Err(unreadable(hour)) };
        let counts = Counts::from_rows(rows.iter().map(row).collect());
        Ok(Self { k, finest, counts: Arc::new(counts) })
    }
}

impl KeptShownHour {
    /// The rule that these bytes begin with.
    ///
    /// # Errors
    /// Where they begin with none.
    pub(super) fn from_bytes(hour: Hour, bytes: &[u8]) -> Result<Self, StoreError> {
        let Some(&[k, finest]) = bytes.first_chunk::<RULE_BYTES>() else {
            return Err(unreadable(hour));
        };
        let finest = Resolution::new(i64::from(finest)).map_err(|_| unreadable(hour))?;
        Ok(Self { hour, k, finest })
    }
}

fn row(bytes: &[u8; ROW_BYTES]) -> (FactKey, Tally) {
    let [key @ .., c0, c1, c2, c3] = *bytes;
    let count = u32::from_le_bytes([c0, c1, c2, c3]);
    (FactKey::from_number_unchecked(u64::from_le_bytes(key)), Tally { count, first: 0 })
}

fn unreadable(hour: Hour) -> StoreError {
    StoreError::Unavailable(format!("the public twin of hour {} cannot be read", hour.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::{Lane, Source};
    use crate::domain::grid::{Cell, Position};
    use crate::domain::symptom::Symptom;

    const HOUR: Hour = Hour(460_000);

    fn twin(places: impl Iterator<Item = i32>) -> ShownHour {
        let mut counts = Counts::default();
        for place in places {
            let position = Position::new(f64::from(place) / 10.0, 179.0).unwrap();
            let cell = Cell::at(position, Resolution::HOURLY);
            let key = FactKey::new(cell, Symptom::NoTv, Lane::OnTime, Source(16_383));
            counts.add(key, Tally { count: u32::MAX - place.unsigned_abs(), first: 9 });
        }
        ShownHour { k: 3, finest: Resolution::HOURLY, counts: Arc::new(counts) }
    }

    #[test]
    fn a_twin_comes_back_as_it_was_written_but_for_firsts() {
        for places in [0..0, 0..1, -400..400] {
            let (written, reversed) = (twin(places.clone()), twin(places.rev()));
            let bytes = written.to_bytes();
            assert_eq!(bytes, reversed.to_bytes(), "in whatever order it was counted");
            let again = ShownHour::from_bytes(HOUR, &bytes).unwrap();
            let settled = Counts::from_rows(written.counts.rows().collect());
            let expected = settled.rows().map(|(key, tally)| (key, Tally { first: 0, ..tally }));
            assert_eq!((again.k, again.finest), (3, Resolution::HOURLY));
            assert_eq!(again.counts.rows().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            let rule = KeptShownHour { hour: HOUR, k: 3, finest: Resolution::HOURLY };
            assert_eq!(KeptShownHour::from_bytes(HOUR, &bytes).unwrap(), rule);
        }
    }

    #[test]
    fn what_is_no_twin_is_refused_with_its_hour() {
        let whole = twin(0..9).to_bytes();
        let odd = zstd::encode_all(&[0; 13][..], 0).unwrap();
        let not_rows = [&[3, 7][..], &odd].concat();
        let finest = [&[3, 9], &whole[RULE_BYTES..]].concat();
        for bytes in [&[][..], &[3], &[3, 7], &whole[..whole.len() - 1], &not_rows, &finest] {
            let error = ShownHour::from_bytes(HOUR, bytes).unwrap_err();
            assert!(error.to_string().contains("twin of hour 460000"), "{error}");
        }
    }
}
