//! Tiles of web maps (Web Mercator, EPSG:3857), and cells on them.

use super::bbox::BoundingBox;
use super::grid::{Cell, Position, Resolution};
use std::f64::consts::PI;

/// A square of the world as web maps cut it: 4^z of them at zoom z, x eastwards and y
/// southwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    zoom: u8,
    x: u32,
    y: u32,
}

/// Why three numbers are no tile: which of them, and what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// Finer than [`Tile::FINEST_ZOOM`].
    #[error("z must be 0 to {finest}: overzoom from {finest}", finest = Tile::FINEST_ZOOM)]
    Zoom,
    /// East of the last one.
    #[error("x must be 0 to {last} at this zoom")]
    X {
        /// The last one.
        last: u32,
    },
    /// South of the last one.
    #[error("y must be 0 to {last} at this zoom")]
    Y {
        /// The last one.
        last: u32,
    },
}

/// The outline of a cell on the map, in units of the whole world of 2^28: unwrapped, so
/// that it may reach over a side of the world, and not closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring(Vec<[i64; 2]>);

const WORLD_BITS: u32 = 28;
const WORLD: i64 = 1 << WORLD_BITS;
/// Where a web map ends: there it is as high as wide.
const MOST_LATITUDE: f64 = 85.051_128_779_806_6;

impl Tile {
    /// The finest zoom of tiles. Maps draw those larger beyond it.
    pub const FINEST_ZOOM: u8 = 10;
    /// Units of a tile from side to side.
    pub const EXTENT: u32 = 1 << EXTENT_BITS;

    /// The tile of three numbers.
    ///
    /// # Errors
    /// Where one of them is out of range.
    pub const fn new(zoom: u8, x: u32, y: u32) -> Result<Self, TileError> {
        if zoom > Self::FINEST_ZOOM {
            return Err(TileError::Zoom);
        }
        let last = (1 << zoom) - 1;
        if x > last {
            return Err(TileError::X { last });
        }
        if y > last {
            return Err(TileError::Y { last });
        }
        Ok(Self { zoom, x, y })
    }

    /// How fine.
    #[must_use]
    pub const fn zoom(self) -> u8 {
        self.zoom
    }

    /// The finest cells that are shown at a zoom: at least 5 pixels from centre to corner
    /// where tiles are 512 pixels wide.
    #[must_use]
    pub fn resolution(zoom: u8) -> Resolution {
        let number = match zoom {
            0 | 1 => 1,
            2 | 3 => usize::from(zoom),
            4 | 5 => 4,
            6 => 5,
            7 | 8 => 6,
            9 => 7,
            _ => 8,
        };
        Resolution::ALL[number]
    }

    /// Its sides in degrees.
    #[must_use]
    pub fn bounds(self) -> BoundingBox {
        let (west, east) = (self.longitude(0), self.longitude(1));
        let (south, north) = (self.latitude(1), self.latitude(0));
        BoundingBox::new(west, south, east, north).expect("a tile lies on the earth")
    }

    fn longitude(self, offset: u32) -> f64 {
        f64::from(self.x + offset) / f64::from(1_u32 << self.zoom) * 360.0 - 180.0
    }

    fn latitude(self, offset: u32) -> f64 {
        let down = f64::from(self.y + offset) / f64::from(1_u32 << self.zoom);
        (PI * (1.0 - 2.0 * down)).sinh().atan().to_degrees()
    }

    /// Whether part of a cell lies in it.
    #[must_use]
    pub fn meets(self, cell: Cell) -> bool {
        Ring::of(cell).is_some_and(|ring| self.shifts(&ring).next().is_some())
    }

    /// An outline in units of the tile, y downwards, clockwise on the screen and not cut at
    /// its sides: once, twice where it reaches around the world, or not at all where it lies
    /// elsewhere. What reaches over more than a whole tile is cut there: renderers hold
    /// coordinates of two tiles at most.
    pub fn place(self, ring: &Ring) -> impl Iterator<Item = Vec<[i32; 2]>> + '_ {
        let [west, north, east, _] = self.sides();
        self.shifts(ring).map(move |by| {
            let moved: Vec<[i64; 2]> = ring.0.iter().map(|[x, y]| [x + by, *y]).collect();
            let kept = self.cut_beyond(moved, east - west);
            kept.into_iter().map(|[x, y]| self.to_tile([x - west, y - north])).collect()
        })
    }

    /// A ring in degrees that does not reach over the antimeridian, in units of the tile and
    /// cut a sixteenth of a tile outside its sides, where renderers hide the cut. What the
    /// antimeridian cut is drawn as far beyond it, for the same reason. None where nothing
    /// of it is left.
    #[must_use]
    pub fn clip(self, ring: impl IntoIterator<Item = Position>) -> Option<Vec<[i32; 2]>> {
        let [west, north, east, _] = self.sides();
        let beyond = (east - west) / 16;
        let points: Vec<[i64; 2]> = ring.into_iter().map(projected).collect();
        let points = self.cut_beyond(over_antimeridian(&points, beyond), beyond);
        let mut placed: Vec<[i32; 2]> =
            points.into_iter().map(|[x, y]| self.to_tile([x - west, y - north])).collect();
        placed.dedup();
        if placed.len() > 1 && placed.first() == placed.last() {
            placed.pop();
        }
        (placed.len() > 2).then_some(placed)
    }

    /// What of a ring lies no further than so much outside the tile.
    fn cut_beyond(self, mut points: Vec<[i64; 2]>, beyond: i64) -> Vec<[i64; 2]> {
        let [west, north, east, south] = self.sides();
        let limits = [
            (0, west - beyond, 1),
            (1, north - beyond, 1),
            (0, east + beyond, -1),
            (1, south + beyond, -1),
        ];
        for (axis, limit, sign) in limits {
            if points.iter().any(|point| (point[axis] - limit) * sign < 0) {
                points = cut(&points, axis, limit, sign);
            }
        }
        points
    }

    const fn to_tile(self, [x, y]: [i64; 2]) -> [i32; 2] {
        let shift = WORLD_BITS - EXTENT_BITS - self.bits();
        let half = (1_i64 << shift) >> 1;
        [((x + half) >> shift) as i32, ((y + half) >> shift) as i32]
    }

    /// By how much an outline is to be moved eastwards to lie in the tile.
    fn shifts(self, ring: &Ring) -> impl Iterator<Item = i64> + '_ {
        let sides = self.sides();
        [-WORLD, 0, WORLD].into_iter().filter(move |by| ring.meets(sides, *by))
    }

    const fn bits(self) -> u32 {
        self.zoom as u32
    }

    /// West, north, east, south in units of the world.
    const fn sides(self) -> [i64; 4] {
        let width = WORLD >> self.bits();
        let (west, north) = (self.x as i64 * width, self.y as i64 * width);
        [west, north, west + width, north + width]
    }
}

const EXTENT_BITS: u32 = 12;

impl Ring {
    /// The outline of a cell; none of a cell around a pole, and of what lies beyond the end
    /// of the map.
    #[must_use]
    pub fn of(cell: Cell) -> Option<Self> {
        let mut points: Vec<[i64; 2]> = Vec::with_capacity(6);
        let mut is_on_map = false;
        for corner in cell.corners() {
            is_on_map |= corner.lat().abs() < MOST_LATITUDE;
            let [x, y] = projected(corner);
            let x = points.last().map_or(x, |[before, _]| near(x, *before));
            points.push([x, y]);
        }
        // Corners run counter-clockwise on the earth; outlines of tiles run clockwise.
        points.reverse();
        let (first, last) = (points.first()?, points.last()?);
        // Around a pole the way back is a turn further.
        (is_on_map && near(first[0], last[0]) == first[0]).then_some(Self(points))
    }

    /// Whether it shares a point with a square of these sides once it is moved eastwards.
    fn meets(&self, [west, north, east, south]: [i64; 4], by: i64) -> bool {
        let inside = |[x, y]: [i64; 2]| west < x && x < east && north < y && y < south;
        let points = || self.0.iter().map(move |[x, y]| [x + by, *y]);
        let (mut left, mut right, mut top, mut bottom) = (i64::MAX, i64::MIN, i64::MAX, i64::MIN);
        for [x, y] in points() {
            (left, right) = (left.min(x), right.max(x));
            (top, bottom) = (top.min(y), bottom.max(y));
        }
        if right <= west || east <= left || bottom <= north || south <= top {
            return false;
        }
        if points().any(inside) {
            return true;
        }
        // Without a corner inside, they share a point where a side crosses the square, or
        // the square lies within.
        let mut sides = points().zip(points().cycle().skip(1));
        sides.any(|(from, to)| crosses(from, to, [west, north, east, south]))
            || self.surrounds([i64::midpoint(west, east) - by, i64::midpoint(north, south)])
    }

    /// Whether a point lies inside: a ray from it eastwards crosses the outline an odd
    /// number of times.
    fn surrounds(&self, [x, y]: [i64; 2]) -> bool {
        let next = self.0.iter().cycle().skip(1);
        let crossings = self.0.iter().zip(next).filter(|([ax, ay], [bx, by])| {
            let is_between = (*ay <= y) != (*by <= y);
            // The side lies east of the point, multiplied out to stay whole.
            let cross = (bx - ax) * (y - ay) - (x - ax) * (by - ay);
            is_between && (cross > 0) == (by > ay)
        });
        crossings.count() % 2 == 1
    }
}

/// Whether the line between two points, both outside, passes through a square.
fn crosses(from: [i64; 2], to: [i64; 2], [west, north, east, south]: [i64; 4]) -> bool {
    let (left, right) = (from[0].min(to[0]), from[0].max(to[0]));
    let (top, bottom) = (from[1].min(to[1]), from[1].max(to[1]));
    if right <= west || east <= left || bottom <= north || south <= top {
        return false;
    }
    let side = |[x, y]: [i64; 2]| {
        ((to[0] - from[0]) * (y - from[1]) - (to[1] - from[1]) * (x - from[0])).signum()
    };
    let sides = [[west, north], [east, north], [east, south], [west, south]].map(side);
    sides.iter().any(|of| *of > 0) && sides.iter().any(|of| *of < 0)
}

/// A ring whose sides along an end of the world lie so far beyond it. Its other sides stay
/// as they are, up to that end: there they meet those of the piece on the other side.
fn over_antimeridian(ring: &[[i64; 2]], beyond: i64) -> Vec<[i64; 2]> {
    let mut moved = Vec::with_capacity(ring.len() + 4);
    for (n, [x, y]) in ring.iter().copied().enumerate() {
        let outside = match x {
            0 => -beyond,
            WORLD => WORLD + beyond,
            _ => x,
        };
        let [before, after] =
            [n + ring.len() - 1, n + 1].map(|near| outside != x && ring[near % ring.len()][0] == x);
        if !before {
            moved.push([x, y]);
        }
        if before || after {
            moved.push([outside, y]);
        }
        if before && !after {
            moved.push([x, y]);
        }
    }
    moved
}

/// What of a ring lies on one side of a line along an axis (Sutherland, Hodgman: Reentrant
/// polygon clipping, 1974).
fn cut(ring: &[[i64; 2]], axis: usize, limit: i64, sign: i64) -> Vec<[i64; 2]> {
    let is_inside = |point: &[i64; 2]| (point[axis] - limit) * sign >= 0;
    let mut kept = Vec::with_capacity(ring.len() + 4);
    for (n, to) in ring.iter().enumerate() {
        let from = &ring[(n + ring.len() - 1) % ring.len()];
        if is_inside(from) != is_inside(to) {
            let other = 1 - axis;
            let along = (limit - from[axis]) as f64 / (to[axis] - from[axis]) as f64;
            let mut crossing = [limit; 2];
            crossing[other] =
                from[other] + ((to[other] - from[other]) as f64 * along).round() as i64;
            kept.push(crossing);
        }
        if is_inside(to) {
            kept.push(*to);
        }
    }
    kept
}

fn projected(position: Position) -> [i64; 2] {
    let x = (position.lon() + 180.0) / 360.0;
    let lat = position.lat().clamp(-MOST_LATITUDE, MOST_LATITUDE).to_radians();
    let y = (1.0 - lat.tan().asinh() / PI) / 2.0;
    [x, y].map(|part| (part * WORLD as f64).round() as i64)
}

/// The same place in the turn of the world that is nearest to another.
const fn near(x: i64, other: i64) -> i64 {
    x - (x - other + WORLD / 2).div_euclid(WORLD) * WORLD
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell(lat: f64, lon: f64, resolution: usize) -> Cell {
        Cell::at(Position::new(lat, lon).unwrap(), Resolution::ALL[resolution])
    }

    fn tile_at(lat: f64, lon: f64, zoom: u8) -> Tile {
        let [x, y] = projected(Position::new(lat, lon).unwrap());
        let of = |units: i64| (units.clamp(0, WORLD - 1) >> (WORLD_BITS - u32::from(zoom))) as u32;
        Tile::new(zoom, of(x), of(y)).unwrap()
    }

    #[test]
    fn a_tile_has_the_sides_that_web_maps_give_it() {
        let [west, south, east, north] = Tile::new(10, 286, 373).unwrap().bounds().sides();
        let expected = [-79.453_125, 43.580_390_855_607_86, -79.101_562_5, 43.834_526_782_236_84];
        for (side, expected) in [west, south, east, north].into_iter().zip(expected) {
            assert!((side - expected).abs() < 1e-9, "{side} {expected}");
        }
        let earth = Tile::new(0, 0, 0).unwrap().bounds().sides();
        assert!((earth[3] - MOST_LATITUDE).abs() < 1e-9 && earth[0] < -179.999, "{earth:?}");
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert_eq!(Tile::new(11, 0, 0), Err(TileError::Zoom));
        assert_eq!(Tile::new(1, 2, 0), Err(TileError::X { last: 1 }));
        assert_eq!(Tile::new(0, 0, 1), Err(TileError::Y { last: 0 }));
        assert!(Tile::new(10, 1023, 1023).is_ok());
    }

    #[test]
    fn cells_on_the_antimeridian_lie_in_tiles_on_both_sides_of_it() {
        // The first on Taveuni, Fiji, that reaches over it.
        let on_it = (-180..180).map(|n| cell(-17.0 + f64::from(n) / 900.0, 180.0, 4));
        let over = on_it.clone().find(|cell| {
            let lons: Vec<f64> = cell.corners().map(Position::lon).collect();
            lons.iter().any(|lon| *lon > 0.0) && lons.iter().any(|lon| *lon < 0.0)
        });
        let over = over.expect("one lies over it");
        let ring = Ring::of(over).unwrap();
        for (lon, zoom) in [(179.9, 5), (-179.9, 5), (179.9, 8), (-179.9, 8)] {
            let tile = tile_at(over.centre().lat(), lon, zoom);
            let placed: Vec<_> = tile.place(&ring).collect();
            assert_eq!(placed.len(), 1, "{tile:?}");
            let is_near = |[x, y]: &[i32; 2]| {
                let near = -(Tile::EXTENT as i32)..=2 * Tile::EXTENT as i32;
                near.contains(x) && near.contains(y)
            };
            assert!(placed[0].iter().all(is_near), "what renderers can hold: {placed:?}");
            let widest = placed[0].iter().map(|[x, _]| *x).max().unwrap()
                - placed[0].iter().map(|[x, _]| *x).min().unwrap();
            assert!(widest < 8 * Tile::EXTENT as i32, "{placed:?}");
        }
        let earth: Vec<_> = Tile::new(0, 0, 0).unwrap().place(&ring).collect();
        assert_eq!(earth.len(), 2, "it is drawn at both ends of the world");
    }

    #[test]
    fn cells_around_a_pole_are_on_no_tile() {
        for lat in [-90.0, 90.0] {
            for resolution in 0..=8 {
                assert_eq!(Ring::of(cell(lat, 0.0, resolution)), None, "{lat} {resolution}");
            }
        }
        assert!(Ring::of(cell(78.2, 15.6, 7)).is_some(), "Svalbard is on the map");
    }

    #[test]
    fn a_tile_inside_a_cell_meets_it() {
        let around = cell(43.65, -79.38, 2);
        let tile = tile_at(around.centre().lat(), around.centre().lon(), 10);
        assert!(tile.meets(around));
        assert!(!tile.meets(cell(0.0, 0.0, 2)));
    }

    #[test]
    fn a_ring_is_cut_a_little_outside_the_tile() {
        let tile = Tile::new(1, 0, 0).unwrap();
        let position = |lat, lon| Position::new(lat, lon).unwrap();
        let box_of = |south, west, north, east| {
            [(south, west), (south, east), (north, east), (north, west)]
                .map(|(lat, lon)| position(lat, lon))
        };
        // The quarter of the world is 4096 wide, and the cut 256 beyond.
        let around = tile.clip(box_of(-10.0, -170.0, 80.0, 90.0)).unwrap();
        let (xs, ys): (Vec<i32>, Vec<i32>) = around.iter().map(|[x, y]| (*x, *y)).unzip();
        assert_eq!((xs.iter().max(), ys.iter().max()), (Some(&4_352), Some(&4_325)), "{around:?}");
        let beyond = tile.clip(box_of(-60.0, -170.0, 80.0, 170.0)).unwrap();
        assert!(beyond.iter().all(|[x, y]| *x <= 4_352 && *y <= 4_352), "{beyond:?}");
        assert_eq!(tile.clip(box_of(-60.0, 100.0, -50.0, 110.0)), None);
    }

    #[test]
    fn what_the_antimeridian_cuts_ends_beyond_it_and_reaches_it_straight() {
        let position = |(lat, lon)| Position::new(lat, lon).unwrap();
        for (lon, inner, x, end, outside) in
            [(-180.0, -170.0, 0, 0, -256), (180.0, 170.0, 1, 4_096, 4_352)]
        {
            let tile = Tile::new(1, x, 0).unwrap();
            let at_height = |lat| {
                let [_, y] = projected(position((lat, 0.0)));
                (y >> (WORLD_BITS - EXTENT_BITS - 1)) as i32
            };
            // Its sides come to the antimeridian from above and from below.
            let slanted = [(10.0, lon), (20.0, lon), (30.0, inner), (0.5, inner)].map(position);
            for turn in 0..4 {
                let mut corners = slanted;
                corners.rotate_left(turn);
                let ring = tile.clip(corners).unwrap();
                assert_eq!(ring.len(), 6, "{ring:?}");
                for lat in [10.0, 20.0] {
                    let near = |of: i32| {
                        let is_there =
                            |[x, y]: &&[i32; 2]| *x == of && (y - at_height(lat)).abs() <= 1;
                        ring.iter().filter(is_there).count()
                    };
                    assert_eq!((near(end), near(outside)), (1, 1), "{lat}: {ring:?}");
                }
            }
        }
        let touching = [(10.0, -180.0), (5.0, -170.0), (15.0, -170.0)].map(position);
        assert_eq!(Tile::new(1, 0, 0).unwrap().clip(touching).unwrap().len(), 3);
    }

    proptest! {
        #[test]
        fn a_cell_lies_in_the_tile_of_its_centre_and_outlines_run_clockwise(
            lat in -84.0..84.0, lon in -180.0..180.0, resolution in 2_usize..=8, zoom in 0_u8..=10,
        ) {
            let cell = cell(lat, lon, resolution);
            let centre = cell.centre();
            let tile = tile_at(centre.lat(), centre.lon(), zoom);
            prop_assert!(tile.meets(cell), "{cell} {tile:?}");
            let ring = Ring::of(cell).unwrap();
            for placed in tile.place(&ring) {
                let next = placed.iter().cycle().skip(1);
                let area: i64 = placed.iter().zip(next).map(|(a, b)| {
                    i64::from(a[0]) * i64::from(b[1]) - i64::from(b[0]) * i64::from(a[1])
                }).sum();
                prop_assert!(area > 0 || zoom + 2 < resolution as u8 * 2, "{placed:?}");
            }
        }

        #[test]
        fn the_tiles_of_its_corners_meet_a_cell_and_those_far_off_do_not(
            lat in -84.0..84.0, lon in -180.0..180.0, resolution in 2_usize..=8, zoom in 3_u8..=10,
        ) {
            let cell = cell(lat, lon, resolution);
            let centre = cell.centre();
            for corner in cell.corners() {
                // A little inside, since a corner may lie on a side of a tile.
                let towards = |from: f64, to: f64| from + (to - from) * 0.01;
                let lons = if (corner.lon() - centre.lon()).abs() > 180.0 { None } else {
                    Some(towards(corner.lon(), centre.lon()))
                };
                if let Some(lon) = lons {
                    let tile = tile_at(towards(corner.lat(), centre.lat()), lon, zoom);
                    prop_assert!(tile.meets(cell), "{cell} {tile:?}");
                }
            }
            let far = tile_at(-centre.lat(), (centre.lon() + 360.0) % 360.0 - 180.0, zoom);
            prop_assert!(!far.meets(cell), "{cell} {far:?}");
        }
    }
}
