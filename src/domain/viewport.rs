//! Which part of the world a picture shows, in Web Mercator.

use super::grid::{Cell, Position, Resolution};
use super::tile::Tile;
use std::f64::consts::PI;

/// Where Web Mercator ends: there it is as high as wide.
const MOST_LATITUDE: f64 = 85.051_128_779_806_6;
/// Pixels of the whole world at zoom 0.
const WORLD_PIXELS: f64 = 512.0;
/// No picture shows less than so many pixels of the world: zoom 10.
const MOST_SCALE: f64 = WORLD_PIXELS * 1_024.0;
/// What part of a picture is left free around what it shows.
const MARGIN: f64 = 0.06;

/// A part of the world on so many pixels. The world is 1 wide and 1 high, y southwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Viewport {
    width: f64,
    height: f64,
    /// The middle, in worlds.
    middle: (f64, f64),
    /// Pixels of the world.
    scale: f64,
}

impl Viewport {
    /// Pixels in which all of a box lies, with some space around it. A west greater than the
    /// east is over the antimeridian.
    #[must_use]
    pub fn around([west, south, east, north]: [f64; 4], (width, height): (f64, f64)) -> Self {
        let east = if east < west { east + 360.0 } else { east };
        let (left, right) = (west / 360.0 + 0.5, east / 360.0 + 0.5);
        let (top, bottom) = (down(north), down(south));
        let fits = |pixels: f64, of: f64| pixels * (1.0 - 2.0 * MARGIN) / of.max(f64::EPSILON);
        let scale = fits(width, right - left).min(fits(height, bottom - top)).min(MOST_SCALE);
        let middle = (f64::midpoint(left, right), f64::midpoint(top, bottom));
        Self { width, height, middle, scale }
    }

    /// The same, where a tile fills the shorter side.
    #[must_use]
    pub fn of_tile(tile: Tile, (width, height): (f64, f64)) -> Self {
        let [west, south, east, north] = tile.bounds().sides();
        let whole = Self::around([west, south, east, north], (width, height));
        Self { scale: width.min(height) * f64::from(1_u32 << tile.zoom()), ..whole }
    }

    /// Width and height in pixels.
    #[must_use]
    pub const fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }

    /// Pixels from the top left, in the turn of the world that is nearest to the middle.
    #[must_use]
    pub fn place(&self, at: Position) -> (f64, f64) {
        let x = at.lon() / 360.0 + 0.5;
        let x = x - (x - self.middle.0).round();
        self.pixels((x, down(at.lat())))
    }

    /// The corners of a cell in pixels, unwrapped; none of a cell that lies elsewhere or
    /// around a pole.
    #[must_use]
    pub fn corners(&self, cell: Cell) -> Option<Vec<(f64, f64)>> {
        let centre = cell.centre().lon() / 360.0 + 0.5;
        let centre = centre - (centre - self.middle.0).round();
        let corner = |at: Position| {
            let x = at.lon() / 360.0 + 0.5;
            self.pixels((x - (x - centre).round(), down(at.lat())))
        };
        let corners: Vec<(f64, f64)> = cell.corners().map(corner).collect();
        let (left, right) = ends(corners.iter().map(|at| at.0));
        let (top, bottom) = ends(corners.iter().map(|at| at.1));
        let is_around_pole = right - left > 0.5 * self.scale;
        let is_inside = left < self.width && 0.0 < right && top < self.height && 0.0 < bottom;
        (is_inside && !is_around_pole).then_some(corners)
    }

    /// The finest cells that are told apart in it.
    #[must_use]
    pub fn resolution(&self) -> Resolution {
        Tile::resolution(self.zoom().round().clamp(0.0, f64::from(Tile::FINEST_ZOOM)) as u8)
    }

    /// Few tiles that it lies in together.
    #[must_use]
    pub fn tiles(&self) -> Vec<Tile> {
        let part = (self.width.max(self.height) / self.scale).min(1.0);
        let zoom = (-part.log2()).floor().clamp(0.0, f64::from(Tile::FINEST_ZOOM)) as u8;
        let across = f64::from(1_u32 << zoom);
        let range = |middle: f64, pixels: f64| {
            let half = pixels / self.scale / 2.0;
            let (from, to) = ((middle - half) * across, (middle + half) * across);
            (from.floor() as i64, to.floor() as i64)
        };
        let (left, right) = range(self.middle.0, self.width);
        let (top, bottom) = range(self.middle.1, self.height);
        let count = i64::from(1_u32 << zoom);
        let mut tiles = Vec::new();
        for x in left..=right.min(left + count - 1) {
            for y in top.max(0)..=bottom.min(count - 1) {
                let x = x.rem_euclid(count) as u32;
                tiles.extend(Tile::new(zoom, x, y as u32).ok());
            }
        }
        tiles
    }

    fn zoom(&self) -> f64 {
        (self.scale / WORLD_PIXELS).log2()
    }

    fn pixels(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (left, top) = self.middle;
        ((x - left) * self.scale + self.width / 2.0, (y - top) * self.scale + self.height / 2.0)
    }
}

/// How far south a latitude lies, in worlds.
fn down(latitude: f64) -> f64 {
    let latitude = latitude.clamp(-MOST_LATITUDE, MOST_LATITUDE).to_radians();
    (1.0 - latitude.tan().asinh() / PI) / 2.0
}

fn ends(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    (values.clone().fold(f64::MAX, f64::min), values.fold(f64::MIN, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (f64, f64) = (800.0, 400.0);

    fn at(lat: f64, lon: f64) -> Position {
        Position::new(lat, lon).unwrap()
    }

    #[test]
    fn a_box_lies_inside_even_over_the_antimeridian() {
        for [west, south, east, north] in [
            [-80.0, 43.0, -79.0, 44.0],
            [177.0, -20.0, -178.0, -15.0],
            [-170.0, -60.0, 170.0, 80.0],
        ] {
            let viewport = Viewport::around([west, south, east, north], SIZE);
            for corner in [at(south, west), at(north, west), at(south, east), at(north, east)] {
                let (x, y) = viewport.place(corner);
                assert!((0.0..=SIZE.0).contains(&x) && (0.0..=SIZE.1).contains(&y), "{x} {y}");
            }
        }
    }

    #[test]
    fn what_it_shows_meets_one_of_its_tiles() {
        let boxes = [[-80.0, 43.0, -79.0, 44.0], [177.0, -20.0, -178.0, -15.0]];
        let tile = Tile::new(6, 17, 23).unwrap();
        let viewports = boxes.map(|of| Viewport::around(of, SIZE));
        for viewport in viewports.into_iter().chain([Viewport::of_tile(tile, SIZE)]) {
            let tiles = viewport.tiles();
            assert!((1..=9).contains(&tiles.len()), "{tiles:?}");
            let [west, south, east, north] = boxes[0];
            for n in 0_i32..200 {
                let lat = south + (north - south) * f64::from(n % 20) / 20.0;
                let lon = west + (east - west) * f64::from(n / 20) / 10.0;
                let cell = Cell::at(at(lat, lon), Resolution::ALL[7]);
                let is_shown = viewport.corners(cell).is_some();
                assert!(!is_shown || tiles.iter().any(|tile| tile.meets(cell)), "{cell}");
            }
        }
    }

    #[test]
    fn a_tile_fills_the_shorter_side() {
        let viewport = Viewport::of_tile(Tile::new(0, 0, 0).unwrap(), SIZE);
        let (x, y) = viewport.place(at(85.05, -179.999));
        assert!((x - 200.0).abs() < 1.0 && y.abs() < 1.0, "{x} {y}");
        assert_eq!(viewport.resolution(), Resolution::ALL[1]);
        // Cells around a pole, and what lies elsewhere, are not drawn.
        assert_eq!(viewport.corners(Cell::at(at(90.0, 0.0), Resolution::ALL[1])), None);
        let near = Viewport::around([-80.0, 43.0, -79.0, 44.0], SIZE);
        assert_eq!(near.corners(Cell::at(at(0.0, 0.0), Resolution::ALL[5])), None);
    }
}
