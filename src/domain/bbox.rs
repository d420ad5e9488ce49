//! Boxes of longitude and latitude. A cell belongs to a box by its centre.

use super::grid::Position;

/// A box in degrees. West of the antimeridian to east of it when `west > east`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

/// Why four numbers are no box.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum BoundingBoxError {
    /// A longitude is out of range or not a number.
    #[error("bbox longitudes must be -180..=180, got {0}")]
    Longitude(f64),
    /// A latitude is out of range or not a number.
    #[error("bbox latitudes must be -90..=90, got {0}")]
    Latitude(f64),
    /// Upside down.
    #[error("bbox south must not be north of north, got {south} > {north}")]
    SouthOfNorth {
        /// The second number.
        south: f64,
        /// The fourth.
        north: f64,
    },
}

impl BoundingBox {
    /// A box from its four sides in degrees.
    ///
    /// # Errors
    /// Where a side is out of range or south lies north of north.
    pub fn new(west: f64, south: f64, east: f64, north: f64) -> Result<Self, BoundingBoxError> {
        if let Some(lon) = [west, east].into_iter().find(|lon| !(-180.0..=180.0).contains(lon)) {
            return Err(BoundingBoxError::Longitude(lon));
        }
        if let Some(lat) = [south, north].into_iter().find(|lat| !(-90.0..=90.0).contains(lat)) {
            return Err(BoundingBoxError::Latitude(lat));
        }
        if south > north {
            return Err(BoundingBoxError::SouthOfNorth { south, north });
        }
        Ok(Self { west, south, east, north })
    }

    /// Whether the position lies in it, sides included.
    #[must_use]
    pub fn contains(&self, position: Position) -> bool {
        let Self { west, south, east, north } = *self;
        let (lat, lon) = (position.lat(), position.lon());
        let within_longitudes = if west <= east { west <= lon && lon <= east } else { west <= lon || lon <= east };
        within_longitudes && south <= lat && lat <= north
    }

    /// West, south, east, north.
    #[must_use]
    pub const fn sides(&self) -> [f64; 4] {
        [self.west, self.south, self.east, self.north]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_holds_what_lies_between_its_sides_across_the_antimeridian_too() {
        let toronto = BoundingBox::new(-80.0, 43.0, -79.0, 44.0).unwrap();
        let fiji = BoundingBox::new(176.0, -20.0, -178.0, -15.0).unwrap();
        let earth = BoundingBox::new(-180.0, -90.0, 180.0, 90.0).unwrap();
        let rows = [
            (toronto, 43.65, -79.38, true),
            (toronto, 43.65, -81.0, false),
            (toronto, 44.0, -80.0, true),
            (fiji, -17.0, 179.0, true),
            (fiji, -17.0, -179.0, true),
            (fiji, -17.0, 0.0, false),
            (earth, 90.0, 0.0, true),
            (earth, 0.0, 180.0, true),
        ];
        for (bbox, lat, lon, inside) in rows {
            assert_eq!(bbox.contains(Position::new(lat, lon).unwrap()), inside, "{bbox:?} {lat} {lon}");
        }
    }

    #[test]
    fn sides_out_of_range_or_upside_down_are_refused() {
        assert_eq!(BoundingBox::new(-181.0, 0.0, 0.0, 1.0), Err(BoundingBoxError::Longitude(-181.0)));
        assert_eq!(BoundingBox::new(0.0, 0.0, 0.0, 91.0), Err(BoundingBoxError::Latitude(91.0)));
        assert_eq!(BoundingBox::new(0.0, 2.0, 0.0, 1.0), Err(BoundingBoxError::SouthOfNorth { south: 2.0, north: 1.0 }));
        assert!(BoundingBox::new(f64::NAN, 0.0, 0.0, 1.0).is_err());
    }
}
