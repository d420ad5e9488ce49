//! The H3 grid: positions, cells, resolutions. The only file that names h3o.

#[cfg(test)]
mod tests;

use h3o::{CellIndex, LatLng};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

/// A place on earth in degrees (WGS 84), never stored: it becomes a cell at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    lat: f64,
    lon: f64,
}

/// How fine a cell is: 0 (continents) to 8 (about 0.7 km²), the finest that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resolution(u8);

/// A hexagon (or one of twelve pentagons a resolution) of the H3 grid, of any resolution
/// from 0 to 8.
///
/// Cells sort by hierarchy: the descendants of a cell are one contiguous range, which
/// ends with the cell itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell(u64);

/// Which third of a cell of the finest resolution a report came from, so that a flood
/// from one street corner can be told from an outage.
///
/// The seven children of the cell carry three marks, neighbours always different ones.
/// Nothing finer is ever known of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Spot {
    /// The place is not known so well.
    #[default]
    Unknown = 0,
    /// The middle.
    Middle = 1,
    /// One half of the rim: every second child.
    Even = 2,
    /// The other half.
    Odd = 3,
}

impl Spot {
    /// All of them, in the order of their stored numbers.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Middle, Self::Even, Self::Odd];
}

/// Why something is no place on the grid.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GridError {
    /// Not between the poles, or not a number.
    #[error("latitude must be -90..=90, got {0}")]
    Latitude(f64),
    /// Not once around, or not a number.
    #[error("longitude must be -180..=180, got {0}")]
    Longitude(f64),
    /// Finer than 8 or below 0.
    #[error("resolution must be 0..=8, got {0}")]
    Resolution(i64),
    /// Not the index of an H3 cell.
    #[error("cell must be an H3 cell index in hexadecimal, got {0:?}")]
    Cell(String),
}

impl Position {
    /// A position from degrees north and degrees east.
    ///
    /// # Errors
    /// Where a coordinate is out of range or not finite.
    pub fn new(lat: f64, lon: f64) -> Result<Self, GridError> {
        if !(-90.0..=90.0).contains(&lat) {
            return Err(GridError::Latitude(lat));
        }
        if !(-180.0..=180.0).contains(&lon) {
            return Err(GridError::Longitude(lon));
        }
        Ok(Self { lat, lon })
    }

    /// Whether this is where phones say they are that do not know: within a kilometre of
    /// 0° north, 0° east.
    #[must_use]
    pub const fn is_nowhere(self) -> bool {
        const NEAR_DEGREES: f64 = 0.01;
        self.lat.abs() <= NEAR_DEGREES && self.lon.abs() <= NEAR_DEGREES
    }

    /// Degrees north.
    #[must_use]
    pub const fn lat(self) -> f64 {
        self.lat
    }

    /// Degrees east.
    #[must_use]
    pub const fn lon(self) -> f64 {
        self.lon
    }
}

impl Resolution {
    /// The coarsest: 122 cells cover the earth.
    pub const COARSEST: Self = Self(0);
    /// The finest that is kept.
    pub const FINEST: Self = Self(8);
    /// The finest that survives in hours.
    pub const HOURLY: Self = Self(7);
    /// What maps show when nothing was asked for.
    pub const DEFAULT: Self = Self(7);
    /// All of them, coarsest first.
    pub const ALL: [Self; 9] =
        [Self(0), Self(1), Self(2), Self(3), Self(4), Self(5), Self(6), Self(7), Self(8)];

    /// A resolution from its number.
    ///
    /// # Errors
    /// Where the number is not 0 to 8.
    pub fn new(number: i64) -> Result<Self, GridError> {
        match u8::try_from(number) {
            Ok(small) if small <= 8 => Ok(Self(small)),
            _ => Err(GridError::Resolution(number)),
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The finest resolution that a position of this accuracy (68 % radius, metres)
    /// supports: a coarse report never pretends to be fine.
    ///
    /// Each step is about the radius of the circle inside a cell of that resolution. An
    /// unknown accuracy is taken as resolution 6.
    #[must_use]
    pub fn supported_by(accuracy_m: Option<f64>) -> Self {
        let Some(metres) = accuracy_m else { return Self(6) };
        let steps = [(300.0, 8), (1_000.0, 7), (3_000.0, 6), (8_000.0, 5), (25_000.0, 4)];
        steps
            .into_iter()
            .find(|(limit, _)| metres <= *limit)
            .map_or(Self(3), |(_, number)| Self(number))
    }

    /// The finest resolution whose cells are at least eight pixels wide from centre to
    /// corner, on a web map at this zoom (512 pixel tiles, equator).
    ///
    /// Below eight pixels neighbouring cells can no longer be told apart or touched.
    #[must_use]
    pub fn for_zoom(zoom: f64) -> Self {
        const EQUATOR_KM: f64 = 40_075.017;
        const TILE_PIXELS: f64 = 512.0;
        let pixels_per_km = TILE_PIXELS * zoom.exp2() / EQUATOR_KM;
        let wide_enough = |r: &&Self| r.edge_km() * pixels_per_km >= 8.0;
        Self::ALL.iter().rev().find(wide_enough).copied().unwrap_or(Self::COARSEST)
    }

    /// How long the sides of its cells are on average, in kilometres.
    #[must_use]
    pub fn edge_km(self) -> f64 {
        self.h3().edge_length_km()
    }

    fn h3(self) -> h3o::Resolution {
        h3o::Resolution::try_from(self.0).expect("0 to 8 are H3 resolutions")
    }
}

// An H3 index, from its top: reserved 1, mode 4 (1 for a cell), reserved 3, resolution 4,
// base cell 7, fifteen digits of 3 (7 where unused). Resolutions 0 to 8 need the base
// cell and eight digits: 31 bits, and 4 for the resolution.
const H3_RESOLUTION_SHIFT: u32 = 52;
const H3_PATH_SHIFT: u32 = 21;
const PATH_MASK: u64 = (1 << 31) - 1;
const CELL_MODE: u64 = 1 << 59;
const UNUSED_DIGITS: u64 = (1 << H3_PATH_SHIFT) - 1;

/// The cells of 0° north, 0° east, by resolution. They do not all lie in each other, as
/// cells of H3 overlap their parents' borders.
static AT_ZERO: LazyLock<[Cell; 9]> = LazyLock::new(|| {
    Resolution::ALL.map(|resolution| Cell::at(Position { lat: 0.0, lon: 0.0 }, resolution))
});

impl Cell {
    /// Bits that [`Cell::packed`] uses.
    pub const PACKED_BITS: u32 = 35;
    /// The place of reports without one: the cell of resolution 7 around 0° north, 0°
    /// east, open sea 570 km off the nearest coast.
    ///
    /// Phones that do not know where they are say that they are there. Facts in this
    /// cell, and in those within, count in totals and in no cell. It is a cell of the
    /// grid, so that a store keeps such facts as any other, and an hour's roll-up leaves
    /// them there.
    pub const NOWHERE: Self = Self::from_bits(0x0877_54e6_4dff_ffff);

    /// The cell of that resolution in which the position lies.
    #[must_use]
    pub fn at(position: Position, resolution: Resolution) -> Self {
        let lat_lng = LatLng::new(position.lat, position.lon).expect("a position is finite");
        Self::from_h3(lat_lng.to_cell(resolution.h3()))
    }

    /// The cell of that hexadecimal H3 index. One finer than 8 is rolled up to 8.
    ///
    /// # Errors
    /// Where the text is not the index of an H3 cell.
    pub fn parse(text: &str) -> Result<Self, GridError> {
        let index: CellIndex =
            text.parse().map_err(|_| GridError::Cell(text.chars().take(32).collect()))?;
        let finest = Resolution::FINEST.h3();
        Ok(Self::from_h3(index.parent(finest).unwrap_or(index)))
    }

    /// The cell of an H3 index. One finer than 8 is rolled up to 8.
    ///
    /// # Errors
    /// Where the number is not the index of an H3 cell.
    pub fn from_index(index: u64) -> Result<Self, GridError> {
        let index =
            CellIndex::try_from(index).map_err(|_| GridError::Cell(format!("{index:x}")))?;
        Ok(Self::from_h3(index.parent(Resolution::FINEST.h3()).unwrap_or(index)))
    }

    /// Whether it is [`Cell::NOWHERE`] or lies within: facts there have no place.
    #[must_use]
    pub const fn is_nowhere(self) -> bool {
        self.rolled_up_to(Resolution::HOURLY).0 == Self::NOWHERE.0
    }

    /// Whether a sender that names this cell does not know where it is: the cell of 0°
    /// north, 0° east at any resolution from 3 on.
    #[must_use]
    pub fn means_nowhere(self) -> bool {
        // Coarser ones reach the coast.
        const COARSEST: Resolution = Resolution(3);
        self.is_nowhere()
            || COARSEST <= self.resolution() && AT_ZERO[usize::from(self.resolution().0)] == self
    }

    /// Its H3 index.
    #[must_use]
    pub const fn h3(self) -> u64 {
        let resolution = self.0 & 0xf;
        CELL_MODE
            | resolution << H3_RESOLUTION_SHIFT
            | (self.0 >> 4) << H3_PATH_SHIFT
            | UNUSED_DIGITS
    }

    /// A number of [`Cell::PACKED_BITS`] bits that sorts as the cell does.
    #[must_use]
    pub const fn packed(self) -> u64 {
        self.0
    }

    /// The cell of that packed number, if there is one.
    #[must_use]
    pub fn from_packed(packed: u64) -> Option<Self> {
        let cell = Self(packed);
        let fits = packed >> Self::PACKED_BITS == 0 && packed & 0xf <= 8;
        (fits && CellIndex::try_from(cell.h3()).is_ok()).then_some(cell)
    }

    /// The cell of a packed number that this program packed itself, and that a checksum
    /// has guarded since.
    ///
    /// Skips the check that [`Cell::from_packed`] makes: it would be most of the time of
    /// reading a store.
    #[must_use]
    pub(crate) const fn from_packed_unchecked(packed: u64) -> Self {
        Self(packed)
    }

    /// How fine it is.
    #[must_use]
    pub const fn resolution(self) -> Resolution {
        Resolution((self.0 & 0xf) as u8)
    }

    /// The cell itself, or its ancestor at `resolution` where that is coarser.
    #[must_use]
    pub const fn rolled_up_to(self, resolution: Resolution) -> Self {
        if self.resolution().0 <= resolution.0 {
            return self;
        }
        let unused_digits = 8 - resolution.0 as u32;
        Self((self.0 | ((1 << (3 * unused_digits)) - 1) << 4) & !0xf | resolution.0 as u64)
    }

    /// All coarser cells that it lies in, coarsest first.
    pub fn ancestors(self) -> impl Iterator<Item = Self> {
        self.with_ancestors().take(usize::from(self.resolution().0))
    }

    /// The same, and at last itself.
    pub fn with_ancestors(self) -> impl Iterator<Item = Self> {
        let resolutions = Resolution::ALL
            .into_iter()
            .take_while(move |resolution| *resolution <= self.resolution());
        resolutions.map(move |resolution| self.rolled_up_to(resolution))
    }

    /// Whether this is `other` or one of its ancestors.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.resolution() <= other.resolution() && other.rolled_up_to(self.resolution()) == self
    }

    /// Packed numbers between which lie those of the cell and of all its descendants, and
    /// of no other cell.
    #[must_use]
    pub const fn packed_within(self) -> RangeInclusive<u64> {
        let unused_digits = 8 - self.resolution().0 as u32;
        self.0 & !((1 << (3 * unused_digits + 4)) - 1)..=self.0
    }

    /// Its centre.
    #[must_use]
    pub fn centre(self) -> Position {
        let centre = LatLng::from(self.index());
        Position { lat: centre.lat(), lon: centre.lng() }
    }

    /// Its corners, counter-clockwise, the first not repeated: 6 or 5, up to 10 where
    /// edges cross a face of the icosahedron.
    #[must_use]
    pub fn corners(self) -> impl ExactSizeIterator<Item = Position> {
        let boundary = self.index().boundary();
        (0..boundary.len())
            .map(move |n| Position { lat: boundary[n].lat(), lon: boundary[n].lng() })
    }

    /// Its area on the sphere in square kilometres.
    #[must_use]
    pub fn area_km2(self) -> f64 {
        self.index().area_km2()
    }

    /// Whether it is one of the twelve pentagons of its resolution.
    #[must_use]
    pub fn is_pentagon(self) -> bool {
        self.index().is_pentagon()
    }

    /// The cells of resolution 0, which together cover the earth.
    pub fn of_the_earth() -> impl Iterator<Item = Self> {
        CellIndex::base_cells().map(Self::from_h3)
    }

    /// How many cells of `resolution` lie within: itself where that is its own, none
    /// where it is finer.
    #[must_use]
    pub fn descendant_count(self, resolution: Resolution) -> u64 {
        self.index().children_count(resolution.h3())
    }

    /// The cells of `resolution` within, in order: itself where that is its own, none
    /// where it is finer.
    pub fn descendants(self, resolution: Resolution) -> impl Iterator<Item = Self> {
        self.index().children(resolution.h3()).map(Self::from_h3)
    }

    /// The cells of its resolution up to `steps` steps away, itself among them, each with
    /// how many steps. Nearest first.
    #[must_use]
    pub fn disk(self, steps: u8) -> Vec<(Self, u8)> {
        let around: Vec<(CellIndex, u32)> = self.index().grid_disk_distances(u32::from(steps));
        let mut cells: Vec<(Self, u8)> =
            around.into_iter().map(|(index, away)| (Self::from_h3(index), away as u8)).collect();
        cells.sort_unstable_by_key(|(cell, away)| (*away, *cell));
        cells
    }

    /// In which third of the cell of the finest resolution a position lies.
    #[must_use]
    pub fn spot_at(position: Position) -> Spot {
        let lat_lng = LatLng::new(position.lat, position.lon).expect("a position is finite");
        let below = lat_lng.to_cell(h3o::Resolution::Nine);
        match below.direction_at(h3o::Resolution::Nine).map(u8::from) {
            // Around the middle child the others follow each other as 1, 5, 4, 6, 2, 3:
            // every second one has the same mark.
            Some(1 | 4 | 2) => Spot::Odd,
            Some(5 | 6 | 3) => Spot::Even,
            _ => Spot::Middle,
        }
    }

    fn index(self) -> CellIndex {
        CellIndex::try_from(self.h3()).expect("a cell holds the bits of an H3 cell index")
    }

    fn from_h3(index: CellIndex) -> Self {
        Self::from_bits(u64::from(index))
    }

    const fn from_bits(bits: u64) -> Self {
        Self((bits >> H3_PATH_SHIFT & PATH_MASK) << 4 | (bits >> H3_RESOLUTION_SHIFT & 0xf))
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}", self.h3())
    }
}
