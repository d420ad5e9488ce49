//! Words of the catalogue and of reports, as parameters and answers hold them.

use crate::domain::provider::Category;
use crate::domain::symptom::Symptom;
use crate::gazetteer::AreaCode;
use serde::Serialize;
use utoipa::ToSchema;

/// Kind of service.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = ProviderCategory)]
#[serde(rename_all = "snake_case")]
pub enum CategoryWord {
    /// Mobile telephony and data.
    Mobile,
    /// Fixed internet.
    Internet,
    /// Something that depends on both.
    Service,
}

/// Whether reports that came late are counted.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "documents what Query reads")]
pub enum LateWord {
    /// They are, in the minute they were observed.
    Yes,
    /// They are not.
    No,
}

/// On what a style draws the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StyleBase {
    /// A plain ground.
    Plain,
    /// Nothing: for a basemap of one's own.
    None,
}

impl StyleBase {
    /// The word as a query says it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "plain" => Some(Self::Plain),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// What an area is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AreaKind)]
#[serde(rename_all = "snake_case")]
pub enum AreaKindWord {
    /// A country of ISO 3166-1.
    Country,
    /// A subdivision of ISO 3166-2.
    Subdivision,
}

impl AreaKindWord {
    /// The word as a query says it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "country" => Some(Self::Country),
            "subdivision" => Some(Self::Subdivision),
            _ => None,
        }
    }
}

impl From<AreaCode> for AreaKindWord {
    fn from(area: AreaCode) -> Self {
        if area.is_subdivision() { Self::Subdivision } else { Self::Country }
    }
}

/// By what areas are ranked, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = AreaSort)]
#[serde(rename_all = "snake_case")]
pub enum AreaSortWord {
    /// How surprising the reports are.
    Score,
    /// Reports.
    Reports,
    /// Reports per head.
    #[serde(rename = "reports_per_100k")]
    ReportsPer100k,
}

impl AreaSortWord {
    /// The word as a query says it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "score" => Some(Self::Score),
            "reports" => Some(Self::Reports),
            "reports_per_100k" => Some(Self::ReportsPer100k),
            _ => None,
        }
    }
}

/// What people notice.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Symptom)]
#[serde(rename_all = "snake_case")]
pub enum SymptomWord {
    NoService,
    NoData,
    SlowData,
    NoCalls,
    NoMessages,
    NoEmergencyCalls,
    NoInternet,
    NoTv,
    PaymentFailed,
    LoginFailed,
    Other,
    Working,
}

impl From<Category> for CategoryWord {
    fn from(category: Category) -> Self {
        match category {
            Category::Mobile => Self::Mobile,
            Category::Internet => Self::Internet,
            Category::Service => Self::Service,
        }
    }
}

impl From<Symptom> for SymptomWord {
    fn from(symptom: Symptom) -> Self {
        match symptom {
            Symptom::NoService => Self::NoService,
            Symptom::NoData => Self::NoData,
            Symptom::SlowData => Self::SlowData,
            Symptom::NoCalls => Self::NoCalls,
            Symptom::NoMessages => Self::NoMessages,
            Symptom::NoEmergencyCalls => Self::NoEmergencyCalls,
            Symptom::NoInternet => Self::NoInternet,
            Symptom::NoTv => Self::NoTv,
            Symptom::PaymentFailed => Self::PaymentFailed,
            Symptom::LoginFailed => Self::LoginFailed,
            Symptom::Other => Self::Other,
            Symptom::Working => Self::Working,
        }
    }
}
