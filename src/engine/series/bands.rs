//! The bands of a series: what was to be expected in each of its points.

use super::SeriesKey;
use crate::domain::detect::Band;
use crate::domain::detect::expectation::{Expectation, InWindow, Share};
use crate::domain::region::Region;
use crate::domain::series::Point;
use crate::domain::time::Window;

/// The band of each point, by what is known now of the brands together. None of any where
/// nothing is.
#[must_use]
pub fn bands(brands: &[Expectation], key: &SeriesKey, points: &[Point]) -> Vec<Option<Band>> {
    // Centres are expensive, and the same for every point.
    let shares: Vec<Share> = brands.iter().map(|brand| share(brand, &key.region)).collect();
    points
        .iter()
        .map(|point| {
            let end = point.start.plus(key.step.as_minutes()).min(key.interval.to);
            band(brands, &shares, Window { from: point.start, to: end })
        })
        .collect()
}

/// What is to be expected of shares of the brands together in a window.
fn band(brands: &[Expectation], shares: &[Share], window: Window) -> Option<Band> {
    let windows: Vec<InWindow<'_>> = brands.iter().map(|brand| brand.window(window)).collect();
    let means: Vec<f64> = windows.iter().zip(shares).map(|(of, share)| of.mean_of(share)).collect();
    // Of a network, the brand that brings most says how its counts scatter.
    let most = windows.iter().zip(&means).max_by(|a, b| a.1.total_cmp(b.1))?;
    Some(most.0.band(means.iter().sum()))
}

fn share(brand: &Expectation, region: &Region) -> Share {
    match region {
        Region::Everywhere => Share::WHOLE,
        Region::Cell(cell) => brand.share_of([*cell]),
        _ => brand.share_where(|cell| region.contains(cell)),
    }
}
