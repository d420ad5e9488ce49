//! Entries of the journal as bytes: JSON, packed where it is long. A field that is new is
//! read as missing by who does not know it, an entry of a kind that is new is skipped:
//! versions N and N + 1 share a journal. Names in it are its own: those of answers may
//! change.

#[cfg(test)]
mod tests;

use crate::domain::detect::{KINDS, QuietDay};
use crate::domain::fact::Source;
use crate::domain::grid::{Cell, Resolution};
use crate::domain::incident::attribution::{Attribution, Verdict};
use crate::domain::incident::entry::{Entry, Lesson, Note, Void, Withdrew};
use crate::domain::incident::evidence::{PublishedEvidence, Zone};
use crate::domain::incident::figures::{Figures, Peak};
use crate::domain::incident::public::Naming;
use crate::domain::incident::{Brand, Cause, Ending, Incident, IncidentId, Method, State};
use crate::domain::privacy::rule::Rule;
use crate::domain::symptom::Symptom;
use crate::domain::time::{Minute, Timestamp, Window};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An entry longer than this is packed.
const PACKED_FROM_BYTES: usize = 512;
/// An entry unpacks to at most this: the cells of a continent, several times.
const MOST_UNPACKED_BYTES: usize = 64 << 20;
/// Fast, and cells shrink to a tenth.
const ZSTD_LEVEL: i32 = 3;
/// No score of a quiet day is above this: it is held at the score that opens an episode.
const MOST_SCORE: f32 = 100.0;

/// Bytes that are no entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// They do not unpack, or to too much.
    #[error("a packed entry does not unpack: {0}")]
    Packing(#[from] std::io::Error),
    /// They are no JSON of an entry.
    #[error("not an entry: {0}")]
    Json(#[from] serde_json::Error),
    /// A field holds what it cannot.
    #[error("{0} of an entry holds what it cannot")]
    Field(&'static str),
    /// What a quiet day is said to have taught are no scores.
    #[error(
        "the lesson of day {day} for {provider:?} must hold {KINDS} scores from 0 to \
         {MOST_SCORE}: that day is learnt from no more"
    )]
    Lesson {
        /// Of whose reports.
        provider: String,
        /// Which day, counted from 1970-01-01.
        day: i64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Revision(Box<RevisionLine>),
    Note(NoteLine),
    Void(VoidLine),
    Lesson(LessonLine),
    #[serde(other)]
    Unknown,
}

#[derive(Serialize, Deserialize)]
struct RevisionLine {
    id: String,
    revision: u32,
    known_at: i64,
    network: String,
    state: String,
    detected_at: i64,
    onset: i64,
    resolved_at: Option<i64>,
    ending: Option<EndingLine>,
    everywhere: bool,
    cells: Vec<String>,
    brands: Vec<BrandLine>,
    figures: FiguresLine,
    attributions: Vec<AttributionLine>,
    cause: Option<CauseLine>,
    method: MethodLine,
    /// That it is the public form, and how its cells were found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public: Option<NamingLine>,
}

#[derive(Serialize, Deserialize)]
struct NamingLine {
    named: bool,
    k: u8,
    finest: u8,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "because", content = "of", rename_all = "snake_case")]
enum EndingLine {
    Ebbed,
    Merged(String),
    Retired,
    Withdrawn(String),
}

#[derive(Serialize, Deserialize)]
struct BrandLine {
    provider: String,
    episodes: Vec<u64>,
    state: String,
    detected_at: i64,
    onset: i64,
    resolved_at: Option<i64>,
    evidence: EvidenceLine,
}

#[derive(Serialize, Deserialize)]
struct EvidenceLine {
    centre: Option<String>,
    ring: u8,
    from: i64,
    to: i64,
    late_only: bool,
    observed: f64,
    expected: Option<f64>,
    dispersion: f64,
    score: Option<f64>,
    /// Whether the zone is not told.
    #[serde(default, skip_serializing_if = "is_false")]
    hidden: bool,
}

#[derive(Serialize, Deserialize)]
struct FiguresLine {
    reports: u64,
    expected: Option<f64>,
    symptoms: Vec<(String, u64)>,
    /// When the first failed emergency call was observed, where that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    emergency_since: Option<i64>,
    peak: Option<(i64, u64)>,
    area_km2: f64,
    users: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct AttributionLine {
    provider: String,
    verdict: String,
    minutes: i64,
    observed: f64,
    expected: Option<f64>,
    expected_beside: Option<f64>,
    share: Option<f64>,
    score: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct CauseLine {
    incident: String,
    provider: String,
}

#[derive(Serialize, Deserialize)]
struct MethodLine {
    version: String,
    parameters: u64,
    catalogue: u64,
}

#[derive(Serialize, Deserialize)]
struct NoteLine {
    incident: String,
    official: bool,
    said_at: i64,
    known_at: i64,
    source: String,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct VoidLine {
    source: u16,
    from: i64,
    to: i64,
    provider: Option<String>,
    reason: String,
    known_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withdrew: Option<WithdrewLine>,
}

#[derive(Serialize, Deserialize)]
struct WithdrewLine {
    reports: u64,
    late: u64,
    beyond: u64,
}

#[derive(Serialize, Deserialize)]
struct LessonLine {
    provider: String,
    version: String,
    parameters: u64,
    day: i64,
    highest: Vec<f32>,
}

/// The bytes of an entry.
#[must_use]
pub fn to_bytes(entry: &Entry) -> Vec<u8> {
    let line = match entry {
        Entry::Revision(incident) => Line::Revision(Box::new(RevisionLine::of(incident))),
        Entry::Note(note) => Line::Note(NoteLine::of(note)),
        Entry::Void(void) => Line::Void(VoidLine::of(void)),
        Entry::Lesson(lesson) => Line::Lesson(LessonLine::of(lesson)),
    };
    let plain = serde_json::to_vec(&line).expect("an entry is plain data");
    if plain.len() < PACKED_FROM_BYTES {
        return plain;
    }
    // JSON begins with a brace, a zstd frame with 0x28: the first byte tells them apart.
    zstd::bulk::compress(&plain, ZSTD_LEVEL).unwrap_or(plain)
}

/// The bytes of an entry that says nothing: it is read as one of a kind that is not known.
#[must_use]
pub fn nothing() -> Vec<u8> {
    serde_json::to_vec(&Line::Unknown).expect("an entry is plain data")
}

/// The entry of these bytes; None where a newer version wrote a kind that this one does
/// not know.
///
/// # Errors
/// Where they are no entry.
pub fn from_bytes(bytes: &[u8]) -> Result<Option<Entry>, EntryError> {
    let line = if bytes.first() == Some(&b'{') {
        serde_json::from_slice(bytes)?
    } else {
        serde_json::from_slice(&zstd::bulk::decompress(bytes, MOST_UNPACKED_BYTES)?)?
    };
    Ok(match line {
        Line::Revision(line) => Some(Entry::Revision(Arc::new(line.read()?))),
        Line::Note(line) => Some(Entry::Note(line.read()?)),
        Line::Void(line) => Some(Entry::Void(line.read())),
        Line::Lesson(line) => Some(Entry::Lesson(line.read()?)),
        Line::Unknown => None,
    })
}

fn cell(text: &str) -> Result<Cell, EntryError> {
    Cell::parse(text).map_err(|_| EntryError::Field("cells"))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

fn id(text: &str) -> Result<IncidentId, EntryError> {
    IncidentId::parse(text).ok_or(EntryError::Field("id"))
}

fn state(text: &str) -> Result<State, EntryError> {
    State::from_name(text).ok_or(EntryError::Field("state"))
}

impl RevisionLine {
    fn of(incident: &Incident) -> Self {
        let Incident {
            id,
            revision,
            known_at,
            network,
            state,
            detected_at,
            onset,
            resolved_at,
            ending,
            everywhere,
            cells,
            ..
        } = incident;
        Self {
            id: id.to_string(),
            revision: *revision,
            known_at: known_at.0,
            network: network.clone(),
            state: state.name().to_owned(),
            detected_at: detected_at.0,
            onset: onset.0,
            resolved_at: resolved_at.map(|at| at.0),
            ending: ending.as_ref().map(EndingLine::of),
            everywhere: *everywhere,
            cells: cells.iter().map(ToString::to_string).collect(),
            brands: incident.brands.iter().map(BrandLine::of).collect(),
            figures: FiguresLine::of(&incident.figures),
            attributions: incident.attributions.iter().map(AttributionLine::of).collect(),
            cause: incident.cause.as_ref().map(|cause| CauseLine {
                incident: cause.incident.to_string(),
                provider: cause.provider.clone(),
            }),
            method: MethodLine {
                version: incident.method.version.clone(),
                parameters: incident.method.parameters,
                catalogue: incident.method.catalogue,
            },
            public: incident.naming.map(NamingLine::of),
        }
    }

    fn read(self) -> Result<Incident, EntryError> {
        Ok(Incident {
            id: id(&self.id)?,
            revision: self.revision,
            known_at: Timestamp(self.known_at),
            network: self.network,
            state: state(&self.state)?,
            detected_at: Timestamp(self.detected_at),
            onset: Timestamp(self.onset),
            resolved_at: self.resolved_at.map(Timestamp),
            ending: self.ending.map(EndingLine::read).transpose()?,
            everywhere: self.everywhere,
            cells: self.cells.iter().map(|text| cell(text)).collect::<Result<_, _>>()?,
            brands: self.brands.into_iter().map(BrandLine::read).collect::<Result<_, _>>()?,
            figures: self.figures.read()?,
            attributions: self
                .attributions
                .into_iter()
                .map(AttributionLine::read)
                .collect::<Result<_, _>>()?,
            cause: match self.cause {
                Some(line) => {
                    Some(Cause { incident: id(&line.incident)?, provider: line.provider })
                }
                None => None,
            },
            method: Method {
                version: self.method.version,
                parameters: self.method.parameters,
                catalogue: self.method.catalogue,
            },
            naming: self.public.map(NamingLine::read).transpose()?,
        })
    }
}

impl NamingLine {
    const fn of(naming: Naming) -> Self {
        let Naming { is_named, rule: Rule { k, finest } } = naming;
        Self { named: is_named, k, finest: finest.number() }
    }

    fn read(self) -> Result<Naming, EntryError> {
        let finest =
            Resolution::new(self.finest.into()).map_err(|_| EntryError::Field("finest"))?;
        Ok(Naming { is_named: self.named, rule: Rule { k: self.k, finest } })
    }
}

impl EndingLine {
    fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Ebbed => Self::Ebbed,
            Ending::Merged(into) => Self::Merged(into.to_string()),
            Ending::Retired => Self::Retired,
            Ending::Withdrawn(reason) => Self::Withdrawn(reason.clone()),
        }
    }

    fn read(self) -> Result<Ending, EntryError> {
        Ok(match self {
            Self::Ebbed => Ending::Ebbed,
            Self::Merged(into) => Ending::Merged(id(&into)?),
            Self::Retired => Ending::Retired,
            Self::Withdrawn(reason) => Ending::Withdrawn(reason),
        })
    }
}

impl BrandLine {
    fn of(brand: &Brand) -> Self {
        Self {
            provider: brand.provider.clone(),
            episodes: brand.episodes.clone(),
            state: brand.state.name().to_owned(),
            detected_at: brand.detected_at.0,
            onset: brand.onset.0,
            resolved_at: brand.resolved_at.map(|at| at.0),
            evidence: EvidenceLine::of(&brand.evidence),
        }
    }

    fn read(self) -> Result<Brand, EntryError> {
        Ok(Brand {
            provider: self.provider,
            episodes: self.episodes,
            state: state(&self.state)?,
            detected_at: Timestamp(self.detected_at),
            onset: Timestamp(self.onset),
            resolved_at: self.resolved_at.map(Timestamp),
            evidence: self.evidence.read()?,
        })
    }
}

impl EvidenceLine {
    fn of(evidence: &PublishedEvidence) -> Self {
        let PublishedEvidence { zone, window, late_only, observed, expected, dispersion, score } =
            *evidence;
        let Zone { centre, ring } = zone.unwrap_or(Zone { centre: None, ring: 0 });
        let (centre, from, to) =
            (centre.map(|centre| centre.to_string()), window.from.0, window.to.0);
        let hidden = zone.is_none();
        Self { centre, ring, from, to, late_only, observed, expected, dispersion, score, hidden }
    }

    fn read(self) -> Result<PublishedEvidence, EntryError> {
        let centre = self.centre.as_deref().map(cell).transpose()?;
        let zone = (!self.hidden).then_some(Zone { centre, ring: self.ring });
        let window = Window { from: Minute(self.from), to: Minute(self.to) };
        let Self { late_only, observed, expected, dispersion, score, .. } = self;
        Ok(PublishedEvidence { zone, window, late_only, observed, expected, dispersion, score })
    }
}

impl FiguresLine {
    fn of(figures: &Figures) -> Self {
        Self {
            reports: figures.reports,
            expected: figures.expected,
            symptoms: figures
                .symptoms
                .iter()
                .map(|(symptom, n)| (symptom.name().to_owned(), *n))
                .collect(),
            emergency_since: figures.emergency_since.map(|at| at.0),
            peak: figures.peak.map(|peak| (peak.at.0, peak.reports)),
            area_km2: figures.area_km2,
            users: figures.users,
        }
    }

    fn read(self) -> Result<Figures, EntryError> {
        let symptom = |(name, n): (String, u64)| Some((Symptom::from_name(&name)?, n));
        Ok(Figures {
            reports: self.reports,
            expected: self.expected,
            symptoms: self
                .symptoms
                .into_iter()
                .map(symptom)
                .collect::<Option<_>>()
                .ok_or(EntryError::Field("symptoms"))?,
            emergency_since: self.emergency_since.map(Timestamp),
            peak: self.peak.map(|(at, reports)| Peak { at: Timestamp(at), reports }),
            area_km2: self.area_km2,
            users: self.users,
        })
    }
}

impl AttributionLine {
    fn of(of: &Attribution) -> Self {
        Self {
            provider: of.provider.clone(),
            verdict: of.verdict.name().to_owned(),
            minutes: of.minutes,
            observed: of.observed,
            expected: of.expected,
            expected_beside: of.expected_beside,
            share: of.share,
            score: of.score,
        }
    }

    fn read(self) -> Result<Attribution, EntryError> {
        let Self { provider, verdict, minutes, observed, expected, expected_beside, share, score } =
            self;
        let verdict = Verdict::from_name(&verdict).ok_or(EntryError::Field("verdict"))?;
        Ok(Attribution {
            provider,
            verdict,
            minutes,
            observed,
            expected,
            expected_beside,
            share,
            score,
        })
    }
}

impl NoteLine {
    fn of(note: &Note) -> Self {
        Self {
            incident: note.incident.to_string(),
            official: note.official,
            said_at: note.said_at.0,
            known_at: note.known_at.0,
            source: note.source.clone(),
            text: note.text.clone(),
        }
    }

    fn read(self) -> Result<Note, EntryError> {
        let Self { incident, official, said_at, known_at, source, text } = self;
        let (said_at, known_at) = (Timestamp(said_at), Timestamp(known_at));
        Ok(Note { incident: id(&incident)?, official, said_at, known_at, source, text })
    }
}

impl VoidLine {
    fn of(void: &Void) -> Self {
        let Void { source, window, provider, reason, known_at, withdrew } = void.clone();
        let line = |Withdrew { reports, late, beyond }| WithdrewLine { reports, late, beyond };
        Self {
            source: source.0,
            from: window.from.0,
            to: window.to.0,
            provider,
            reason,
            known_at: known_at.0,
            withdrew: withdrew.map(line),
        }
    }

    fn read(self) -> Void {
        let Self { source, from, to, provider, reason, known_at, withdrew } = self;
        let window = Window { from: Minute(from), to: Minute(to) };
        let read = |WithdrewLine { reports, late, beyond }| Withdrew { reports, late, beyond };
        Void {
            source: Source(source),
            window,
            provider,
            reason,
            known_at: Timestamp(known_at),
            withdrew: withdrew.map(read),
        }
    }
}

impl LessonLine {
    fn of(lesson: &Lesson) -> Self {
        let Lesson { provider, version, parameters, quiet_day: QuietDay { day, highest } } =
            lesson.clone();
        Self { provider, version, parameters, day, highest: highest.to_vec() }
    }

    fn read(self) -> Result<Lesson, EntryError> {
        let Self { provider, version, parameters, day, highest } = self;
        let scores = <[f32; KINDS]>::try_from(highest)
            .ok()
            .filter(|scores| scores.iter().all(|score| (0.0..=MOST_SCORE).contains(score)));
        match scores {
            Some(highest) => {
                Ok(Lesson { provider, version, parameters, quiet_day: QuietDay { day, highest } })
            }
            None => Err(EntryError::Lesson { provider, day }),
        }
    }
}
