//! Boxes of longitude and latitude. A cell belongs to a box by its centre.

use super::grid::Position;
use std::hash::{Hash, Hasher};

/// A box in degrees, its longitudes within ±180. West of the antimeridian to east of it
/// when `west > east`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

/// Degrees of longitude that are read at most, either way: a hundred turns, more than
/// anybody scrolls a map. Beyond, degrees lose precision.
pub const MOST_LONGITUDE: f64 = 36_000.0;
const TURN: f64 = 360.0;

/// Why four numbers are no box.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum BoundingBoxError {
    /// A longitude is out of range or not a number.
    #[error("bbox longitudes must be -{MOST_LONGITUDE}..={MOST_LONGITUDE}, got {0}")]
    Longitude(f64),
    /// A latitude is not a number, or the whole box lies beyond a pole.
    #[error("bbox latitudes must be within -90..=90 at least in part, got {0}")]
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
    /// A box from its four sides in degrees, as web maps say them: longitudes beyond ±180
    /// count on over the antimeridian (176 to 182), 360 degrees or more from west to east
    /// are all longitudes, and what reaches over a pole ends there.
    ///
    /// # Errors
    /// Where a longitude is further than [`MOST_LONGITUDE`], nothing lies between the
    /// poles, or south lies north of north.
    pub fn new(west: f64, south: f64, east: f64, north: f64) -> Result<Self, BoundingBoxError> {
        let is_longitude = |lon: &f64| (-MOST_LONGITUDE..=MOST_LONGITUDE).contains(lon);
        if let Some(lon) = [west, east].into_iter().find(|lon| !is_longitude(lon)) {
            return Err(BoundingBoxError::Longitude(lon));
        }
        if let Some(lat) = [south, north].into_iter().find(|lat| !lat.is_finite()) {
            return Err(BoundingBoxError::Latitude(lat));
        }
        if south > north {
            return Err(BoundingBoxError::SouthOfNorth { south, north });
        }
        // Latitude and longitude the wrong way round would else be an empty answer.
        if let Some((lat, _)) =
            [(south, south), (north, -north)].into_iter().find(|(_, beyond)| *beyond > 90.0)
        {
            return Err(BoundingBoxError::Latitude(lat));
        }
        let (west, east) =
            if east - west >= TURN { (-180.0, 180.0) } else { (wrapped(west), wrapped(east)) };
        Ok(Self { west, south: south.max(-90.0), east, north: north.min(90.0) })
    }

    /// Whether the position lies in it, sides included.
    #[must_use]
    pub fn contains(&self, position: Position) -> bool {
        let lat = position.lat();
        self.holds_longitude(position.lon()) && self.south <= lat && lat <= self.north
    }

    /// Whether they share a place, sides included.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        let shares_longitude = self.holds_longitude(other.west) || other.holds_longitude(self.west);
        shares_longitude && self.south <= other.north && other.south <= self.north
    }

    /// Whether all of the other lies in it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        // Of two turns that begin at one meridian, the longer holds the shorter.
        let width = |of: &Self, from: f64| (of.east - from).rem_euclid(TURN);
        let is_whole = (self.west, self.east) == (-180.0, 180.0);
        let holds_longitudes = is_whole
            || (self.holds_longitude(other.west)
                && (other.west, other.east) != (-180.0, 180.0)
                && width(other, other.west) <= width(self, other.west));
        holds_longitudes && self.south <= other.south && other.north <= self.north
    }

    fn holds_longitude(&self, lon: f64) -> bool {
        let Self { west, east, .. } = *self;
        if west <= east { west <= lon && lon <= east } else { west <= lon || lon <= east }
    }

    /// West, south, east, north.
    #[must_use]
    pub const fn sides(&self) -> [f64; 4] {
        [self.west, self.south, self.east, self.north]
    }
}

// The sides are finite, so that equality is total; they hash by their bits, and zero is
// written one way.
impl Eq for BoundingBox {}

impl Hash for BoundingBox {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sides().map(|side| (side + 0.0).to_bits()).hash(state);
    }
}

/// The same meridian within ±180.
fn wrapped(lon: f64) -> f64 {
    if (-180.0..=180.0).contains(&lon) { lon } else { (lon + 180.0).rem_euclid(TURN) - 180.0 }
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
            assert_eq!(
                bbox.contains(Position::new(lat, lon).unwrap()),
                inside,
                "{bbox:?} {lat} {lon}"
            );
        }
    }

    #[test]
    fn longitudes_beyond_the_antimeridian_count_on_as_web_maps_say_them() {
        let sides = |west, east| {
            let [west, _, east, _] = BoundingBox::new(west, -20.0, east, -15.0).unwrap().sides();
            (west, east)
        };
        let rows = [
            ((176.0, 182.0), (176.0, -178.0)),
            ((-184.0, -178.0), (176.0, -178.0)),
            ((176.0, -178.0), (176.0, -178.0)),
            ((536.0, 542.0), (176.0, -178.0)),
            ((-190.0, -170.0), (170.0, -170.0)),
            ((180.0, 190.0), (180.0, -170.0)),
            ((190.0, 200.0), (-170.0, -160.0)),
            ((350.0, 370.0), (-10.0, 10.0)),
            ((350.0, 10.0), (-10.0, 10.0)),
            ((-180.0, 180.0), (-180.0, 180.0)),
            ((0.0, 360.0), (-180.0, 180.0)),
            ((-200.0, 200.0), (-180.0, 180.0)),
            ((10.0, 700.0), (-180.0, 180.0)),
            ((0.0, 359.0), (0.0, -1.0)),
            ((-36_000.0, 36_000.0), (-180.0, 180.0)),
        ];
        for ((west, east), expected) in rows {
            assert_eq!(sides(west, east), expected, "{west} to {east}");
        }
    }

    #[test]
    fn boxes_share_a_place_and_hold_each_other_across_the_antimeridian_too() {
        let of = |west, east| BoundingBox::new(west, 0.0, east, 1.0).unwrap();
        // Whether they intersect, whether the first covers the second, and the reverse.
        let rows = [
            ((0.0, 10.0), (2.0, 8.0), [true, true, false]),
            ((0.0, 10.0), (5.0, 15.0), [true, false, false]),
            ((0.0, 10.0), (10.0, 15.0), [true, false, false]),
            ((0.0, 10.0), (11.0, 15.0), [false, false, false]),
            ((170.0, -170.0), (175.0, -175.0), [true, true, false]),
            ((170.0, -170.0), (-175.0, -172.0), [true, true, false]),
            ((170.0, -170.0), (-175.0, 175.0), [true, false, false]),
            ((170.0, -170.0), (160.0, 171.0), [true, false, false]),
            ((170.0, -170.0), (-10.0, 10.0), [false, false, false]),
            ((-180.0, 180.0), (170.0, -170.0), [true, true, false]),
            ((-180.0, 180.0), (-180.0, 180.0), [true, true, true]),
            ((-179.0, 179.0), (-180.0, 180.0), [true, false, true]),
        ];
        for ((west, east), (other_west, other_east), [intersect, covers, is_covered]) in rows {
            let (a, b) = (of(west, east), of(other_west, other_east));
            assert_eq!((a.intersects(&b), b.intersects(&a)), (intersect, intersect), "{a:?} {b:?}");
            assert_eq!((a.covers(&b), b.covers(&a)), (covers, is_covered), "{a:?} {b:?}");
        }
        let taller = BoundingBox::new(0.0, 0.0, 10.0, 2.0).unwrap();
        assert!(taller.covers(&of(0.0, 10.0)) && !of(0.0, 10.0).covers(&taller));
    }

    #[test]
    fn latitudes_end_at_the_poles() {
        let [_, south, _, north] = BoundingBox::new(0.0, -123.4, 1.0, 91.0).unwrap().sides();
        assert_eq!((south, north), (-90.0, 90.0));
        assert_eq!(BoundingBox::new(0.0, 91.0, 1.0, 92.0), Err(BoundingBoxError::Latitude(91.0)));
        assert_eq!(
            BoundingBox::new(0.0, -99.0, 1.0, -91.0),
            Err(BoundingBoxError::Latitude(-91.0))
        );
        assert_eq!(
            BoundingBox::new(-20.0, 176.0, -15.0, 182.0),
            Err(BoundingBoxError::Latitude(176.0)),
            "latitude first"
        );
    }

    #[test]
    fn what_is_no_number_of_degrees_or_upside_down_is_refused() {
        assert_eq!(
            BoundingBox::new(-36_001.0, 0.0, 0.0, 1.0),
            Err(BoundingBoxError::Longitude(-36_001.0))
        );
        assert_eq!(
            BoundingBox::new(0.0, 2.0, 0.0, 1.0),
            Err(BoundingBoxError::SouthOfNorth { south: 2.0, north: 1.0 })
        );
        for side in 0..4 {
            for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let mut sides = [0.0, 0.0, 1.0, 1.0];
                sides[side] = number;
                let [west, south, east, north] = sides;
                assert!(BoundingBox::new(west, south, east, north).is_err(), "{sides:?}");
            }
        }
    }
}
