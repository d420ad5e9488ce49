//! The bands of a series: what was to be expected in each of its points.

use super::{SeriesKey, Within};
use crate::domain::detect::Band;
use crate::domain::detect::expectation::{Expectation, InWindow, Share};
use crate::domain::series::Point;
use crate::domain::time::Window;

/// The band of each point, by what is known now of the brands together. None of any where
/// nothing is.
#[must_use]
pub fn bands(brands: &[Expectation], key: &SeriesKey, points: &[Point]) -> Vec<Option<Band>> {
    // Centres are dear, and the same for every point.
    let shares: Vec<Share> = brands.iter().map(|brand| share(brand, key.place)).collect();
    let band = |point: &Point| {
        let window = Window {
            from: point.start,
            to: point.start.plus(key.step.as_minutes()).min(key.interval.to),
        };
        let windows: Vec<InWindow<'_>> = brands.iter().map(|brand| brand.window(window)).collect();
        let means: Vec<f64> =
            windows.iter().zip(&shares).map(|(of, share)| of.mean_of(share)).collect();
        // Of a network, the brand that brings most says how its counts scatter.
        let most = windows.iter().zip(&means).max_by(|a, b| a.1.total_cmp(b.1))?;
        Some(most.0.band(means.iter().sum()))
    };
    points.iter().map(band).collect()
}

fn share(brand: &Expectation, place: Within) -> Share {
    match place {
        Within::Anywhere => Share::WHOLE,
        Within::Cell(cell) => brand.share_of([cell]),
        Within::Box(bbox) => brand.share_where(|cell| bbox.contains(cell.centre())),
    }
}
