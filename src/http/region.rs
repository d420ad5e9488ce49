//! Parameters that say where: `bbox`, `area` and `cell`, read into a region.

use super::error::{Code, Problem};
use super::query::{Query, number};
use crate::domain::bbox::{BoundingBox, BoundingBoxError};
use crate::domain::grid::Cell;
use crate::domain::region::Region;
use crate::gazetteer::{AreaCode, AreaCodeError};

/// The region that a query asks about: everywhere, unless it says where.
///
/// # Errors
/// Where a parameter does not say where, or `cell` and `bbox` are both there.
pub fn region(query: &Query<'_>) -> Result<Region, Problem> {
    let place = match (cell(query)?, bbox(query)?) {
        (Some(_), Some(_)) => {
            return Err(Problem::field(
                Code::InvalidValue,
                "bbox",
                "left out where cell is given",
                query.text("bbox").unwrap_or_default(),
            ));
        }
        (Some(cell), None) => Region::Cell(cell),
        (None, Some(bbox)) => Region::Box(bbox),
        (None, None) => Region::Everywhere,
    };
    let area = query.text("area").map(|code| area("area", code, Code::InvalidValue)).transpose()?;
    Ok(area.map_or(Region::Everywhere, Region::from).and(place))
}

/// `bbox`: west, south, east, north.
fn bbox(query: &Query<'_>) -> Result<Option<BoundingBox>, Problem> {
    let expected = "west,south,east,north in degrees";
    let Some([west, south, east, north]) = query.value("bbox", expected, four_numbers)? else {
        return Ok(None);
    };
    let got = query.text("bbox").unwrap_or_default();
    let refused = |error: BoundingBoxError| {
        Problem::field(Code::InvalidValue, "bbox", format!("{expected}: {error}"), got)
    };
    BoundingBox::new(west, south, east, north).map(Some).map_err(refused)
}

/// `cell`: an H3 index.
fn cell(query: &Query<'_>) -> Result<Option<Cell>, Problem> {
    query.value("cell", "an H3 cell index in hexadecimal", |text| Cell::parse(text).ok())
}

/// The area of a code. One without known borders is right: what is missing is ours.
///
/// # Errors
/// Where no area has the code, or its borders are not known: a problem of `refusal`.
pub fn area(field: &str, text: &str, refusal: Code) -> Result<AreaCode, Problem> {
    AreaCode::parse(text).map_err(|error| {
        let problem = Problem::field(refusal, field, error.to_string(), text);
        if error == AreaCodeError::Unknown {
            problem
        } else {
            problem.with_detail(format!("{text}: {error}"))
        }
    })
}

fn four_numbers(text: &str) -> Option<[f64; 4]> {
    let numbers: Vec<f64> = text.split(',').map(number).collect::<Option<_>>()?;
    numbers.try_into().ok()
}
