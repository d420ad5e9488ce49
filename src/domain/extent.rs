//! The box round outlines, as GeoJSON wants it: over the antimeridian its west is greater
//! than its east (RFC 7946, section 5.2).

use geo::{BoundingRect, MultiPolygon};

/// West, south, east and north of the smallest box round outlines in degrees; none where
/// there is nothing.
#[must_use]
pub fn extent<'a>(outlines: impl IntoIterator<Item = &'a MultiPolygon>) -> Option<[f64; 4]> {
    let parts: Vec<_> = outlines
        .into_iter()
        .flat_map(|outline| &outline.0)
        .filter_map(BoundingRect::bounding_rect)
        .collect();
    let south = parts.iter().map(|part| part.min().y).reduce(f64::min)?;
    let north = parts.iter().map(|part| part.max().y).reduce(f64::max)?;
    let (west, east) = longitudes(parts.iter().map(|part| (part.min().x, part.max().x)).collect())?;
    Some([west, south, east, north])
}

/// Where the shortest arc over all of these begins and ends: it leaves out the longest
/// stretch between them.
fn longitudes(mut spans: Vec<(f64, f64)>) -> Option<(f64, f64)> {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (first, mut reached) = *spans.first()?;
    let (mut longest, mut arc) = (0.0, None);
    for (begin, end) in spans {
        if begin - reached > longest {
            (longest, arc) = (begin - reached, Some((begin, reached)));
        }
        reached = reached.max(end);
    }
    let round_the_back = first + 360.0 - reached;
    Some(arc.filter(|_| round_the_back < longest).unwrap_or((first, reached)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_is_the_smallest_even_over_the_antimeridian() {
        let rows = [
            (vec![(-80.0, -79.0)], Some((-80.0, -79.0))),
            (vec![(-124.0, -123.0), (-80.0, -79.0)], Some((-124.0, -79.0))),
            (vec![(-180.0, -179.0), (177.0, 180.0)], Some((177.0, -179.0))),
            (vec![(-180.0, 180.0)], Some((-180.0, 180.0))),
            (vec![(-180.0, -170.0), (0.0, 10.0), (170.0, 180.0)], Some((0.0, -170.0))),
            (vec![], None),
        ];
        for (spans, expected) in rows {
            assert_eq!(longitudes(spans.clone()), expected, "{spans:?}");
        }
    }
}
