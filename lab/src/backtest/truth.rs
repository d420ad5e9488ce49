//! What really happened in a stream: an outage to be found, or something that must stay
//! silent.

use super::cells::{self, Cells};
use super::entry::{Entry, SetError};
use super::seconds::Seconds;
use groundswell::domain::grid::{Cell, Resolution};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a detector should do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Find it.
    Detect,
    /// Say nothing near its cells.
    Silent,
    /// Say nothing, or something over a wide area.
    CoarseOk,
    /// A word that is not known here: told apart from all others, as the scorer does.
    #[serde(other)]
    Other,
}

/// The provider of something that happens to all of them.
pub const EVERY_PROVIDER: &str = "*";

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Truth {
    /// In which stream.
    pub scenario: String,
    /// Of which kind.
    pub family: String,
    /// To whom; [`EVERY_PROVIDER`] where it is to all.
    pub provider: String,
    /// What should be done about it.
    pub expect: Expect,
    /// When it began.
    pub onset: Seconds,
    /// When it was over.
    pub end: Seconds,
    /// When its last report came.
    pub last_report: Seconds,
    /// Where, as the file says it.
    pub cells: Vec<Cell>,
    /// Those of them that have resolution 7. An incident is judged there, and meets no
    /// cell of another resolution.
    pub grain: Cells,
    /// When its reports came, in seconds after the onset.
    pub received_s: Vec<f64>,
    /// How many of its reports lie in which cell.
    pub reports_by_cell: Vec<(Cell, f64)>,
}

impl Truth {
    /// Whether it is nothing but background, in which every alarm is false and none is
    /// false twice.
    #[must_use]
    pub fn is_background(&self) -> bool {
        matches!(self.family.as_str(), "null" | "holiday")
    }

    /// Whether it was found in the source log and not added: its reports are not known,
    /// and its onset is only known roughly.
    #[must_use]
    pub fn is_natural(&self) -> bool {
        self.family == "natural"
    }

    /// Whether it happens to this provider.
    #[must_use]
    pub fn concerns(&self, provider: &str) -> bool {
        self.provider == EVERY_PROVIDER || self.provider == provider
    }

    /// When it was over for those who only see reports.
    #[must_use]
    pub fn over(&self) -> Seconds {
        self.end.max(self.last_report)
    }

    pub(super) fn read(entry: &Entry) -> Result<Self, SetError> {
        let cells = cells::named(entry, "cells")?;
        let received_s = entry.optional("injected_received_s")?;
        let reports_by_cell: Option<BTreeMap<String, f64>> = entry.optional("reports_by_cell")?;
        let truth = Self {
            scenario: entry.required("scenario")?,
            family: entry.required("family")?,
            provider: entry.required("provider")?,
            expect: entry.required("expect")?,
            onset: entry.required("onset")?,
            end: entry.required("end")?,
            last_report: entry.required("last_report")?,
            grain: cells
                .iter()
                .flatten()
                .copied()
                .filter(|cell| cell.resolution() == Resolution::HOURLY)
                .collect(),
            cells: cells.clone().unwrap_or_default(),
            received_s: received_s.clone().unwrap_or_default(),
            reports_by_cell: by_cell(entry, reports_by_cell.clone().unwrap_or_default())?,
        };
        // Without these an outage could only ever count as missed, and nobody would know
        // why.
        let needed = [
            ("cells", cells.is_none()),
            ("injected_received_s", received_s.is_none()),
            ("reports_by_cell", reports_by_cell.is_none()),
        ];
        match needed.into_iter().find(|(_, missing)| *missing) {
            Some((field, _)) if truth.expect == Expect::Detect && !truth.is_natural() => {
                Err(entry.fault(field, "is missing"))
            }
            _ => Ok(truth),
        }
    }
}

fn by_cell(entry: &Entry, reports: BTreeMap<String, f64>) -> Result<Vec<(Cell, f64)>, SetError> {
    let parsed = reports.into_iter().map(|(text, count)| Ok((Cell::parse(&text)?, count)));
    parsed
        .collect::<Result<_, groundswell::domain::grid::GridError>>()
        .map_err(|error| entry.fault("reports_by_cell", format!("cannot be used: {error}")))
}
