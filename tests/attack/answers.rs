//! Every answer is a sum of the rows that maps of single minutes show: it tells no more
//! than those.

use super::NOTHING;
use super::reading::{Reader, Rows, number, rows_of};
use super::world::{World, sparse};
use crate::support::{instant, text};
use fast_mvt::{MvtReaderRef, MvtValueRef};
use groundswell::domain::grid::{Cell, Position, Resolution};
use groundswell::domain::tile::Tile;
use groundswell::domain::time::Minute;
use groundswell::gazetteer::areas_at;
use serde_json::Value;
use std::collections::BTreeMap;
use std::f64::consts::PI;

/// What rows of minutes are together, at a resolution.
fn together(rows: &BTreeMap<Minute, Rows>, from: i64, to: i64, resolution: Resolution) -> Rows {
    let mut sums = Rows::new();
    for (cell, count) in rows.range(Minute(from)..Minute(to)).flat_map(|(_, rows)| rows) {
        *sums.entry(cell.map(|cell| cell.rolled_up_to(resolution))).or_default() += count;
    }
    sums
}

fn minutes(world: &World) -> BTreeMap<Minute, Rows> {
    let reader = Reader::of(world);
    reader.minutes().map(|minute| (minute, reader.rows(minute))).collect()
}

/// The rows of a map in columns.
fn of_columns(map: &Value) -> Rows {
    let mut rows = Rows::new();
    for part in [&map["columns"], &map["coarser"]] {
        let cells = part["hex"].as_array().unwrap().iter().zip(part["count"].as_array().unwrap());
        rows.extend(cells.map(|(hex, count)| (Some(cell(hex)), number(count))));
    }
    with_unplaced(rows, &map["unplaced"])
}

/// The rows of a map as a list of cells with their properties.
fn of_list(cells: &Value, hex: &str, unplaced: &Value) -> Rows {
    let of = |one: &Value| {
        let of = if one["properties"].is_object() { &one["properties"] } else { one };
        (Some(cell(&of[hex])), number(&of["count"]))
    };
    with_unplaced(cells.as_array().unwrap().iter().map(of).collect(), unplaced)
}

/// The rows of a map as CSV, which says nothing of what has no place.
fn of_csv(lines: &[u8]) -> Rows {
    let lines = str::from_utf8(lines).unwrap().lines().skip(1);
    let row = |line: &str| {
        let columns: Vec<&str> = line.split(',').collect();
        (Some(Cell::parse(columns[0]).unwrap()), columns[2].parse().unwrap())
    };
    lines.map(row).collect()
}

/// Pictures are drawn of the same rows as tiles: of cells that maps show, and of no others.
#[test]
fn pictures_show_no_cell_that_maps_do_not() {
    let world = sparse(4, NOTHING);
    let (rows, reader) = (minutes(&world), Reader::of(&world));
    let (began, end) = (world.began.0, world.server.now().minute().0);
    for zoom in [3, 6, 9] {
        let (tile, x, y) = tile_around(zoom, world.children[0].centre());
        for to in (began + 60..end).step_by(499) {
            let at = text(Minute(to).start());
            let bytes = reader.bytes(&format!(
                "/v1/map.svg?provider=alpha&region={zoom}/{x}/{y}&window=60m&to={at}\
                 &width=800&height=800"
            ));
            let svg = String::from_utf8(bytes).unwrap();
            let paths = svg.lines().filter(|line| line.contains("stroke-opacity"));
            let drawn: usize = paths.map(|path| path.matches('M').count()).sum();
            let resolution = Tile::resolution(zoom).min(Resolution::ALL[7]);
            let shown = together(&rows, to - 60, to, resolution);
            // What surrounds the tile in a picture is nothing: everybody lives in it.
            let on_it = shown.keys().filter(|cell| cell.is_some_and(|cell| tile.meets(cell)));
            assert!(drawn <= on_it.count() + 1, "{zoom} {to}: {svg}");
        }
    }
}

/// The same as NDJSON.
fn of_ndjson(lines: &[u8]) -> Rows {
    let row = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (Some(cell(&line["hex"])), number(&line["count"]))
    };
    str::from_utf8(lines).unwrap().lines().map(row).collect()
}

/// The rows of these layers of a tile.
fn of_tile(bytes: &[u8], layers: &[&str]) -> Rows {
    let tile = MvtReaderRef::new(bytes).unwrap();
    let mut rows = Rows::new();
    for layer in tile.layers().filter(|layer| layers.contains(&layer.name())) {
        for feature in layer.features() {
            let (mut hex, mut count) = (None, 0);
            for property in feature.properties() {
                match property.unwrap() {
                    ("hex", MvtValueRef::String(text)) => hex = Some(Cell::parse(text).unwrap()),
                    ("count", MvtValueRef::UInt(number)) => count = u32::try_from(number).unwrap(),
                    _ => {}
                }
            }
            assert!(hex.is_some() && rows.insert(hex, count).is_none(), "{hex:?} is on it twice");
        }
    }
    rows
}

fn with_unplaced(mut rows: Rows, unplaced: &Value) -> Rows {
    if number(unplaced) > 0 {
        rows.insert(None, number(unplaced));
    }
    rows
}

fn cell(hex: &Value) -> Cell {
    Cell::parse(hex.as_str().unwrap()).unwrap()
}

#[test]
fn maps_of_every_window_resolution_and_format_are_sums_of_minutes() {
    let world = sparse(1, NOTHING);
    let (rows, reader) = (minutes(&world), Reader::of(&world));
    let (began, end) = (world.began.0, world.server.now().minute().0);
    for (window, shift) in [(5, 0), (15, 1), (60, 3), (360, 7), (1_440, 11)] {
        for to in (began + 60..end).step_by(311).map(|to| to + shift) {
            let to = to.min(end);
            for resolution in Resolution::ALL {
                let ask = |suffix: &str| {
                    reader.get(&format!(
                        "/v1/heatmap{suffix}?provider=alpha&window={window}m&to={}&resolution={}",
                        text(Minute(to).start()),
                        resolution.number()
                    ))
                };
                let expected = together(&rows, to - window, to, resolution);
                let place = format!("{window} minutes to {to} at {resolution:?}");
                let map = ask("");
                assert_eq!(rows_of(&map), expected, "{place}");
                let total: u32 = expected.values().sum();
                assert_eq!(number(&map["total"]), total, "{place}");
                if resolution.number() % 3 != 1 {
                    continue;
                }
                assert_eq!(of_columns(&ask(".columns.json")), expected, "{place}");
                let map = ask(".geojson");
                assert_eq!(of_list(&map["features"], "hex", &map["unplaced"]), expected);
                let map = ask(".h3j");
                let unplaced = &map["metadata"]["unplaced"];
                assert_eq!(of_list(&map["cells"], "h3id", unplaced), expected);
                let csv = reader.bytes(&format!(
                    "/v1/heatmap.csv?provider=alpha&window={window}m&to={}&resolution={}",
                    text(Minute(to).start()),
                    resolution.number()
                ));
                let placed = expected.iter().filter(|(cell, _)| cell.is_some());
                let placed: Rows = placed.map(|(cell, count)| (*cell, *count)).collect();
                assert_eq!(of_csv(&csv), placed, "{place}");
                let lines = reader.bytes(&format!(
                    "/v1/heatmap.ndjson?provider=alpha&window={window}m&to={}&resolution={}\
                     &fields=count,hex",
                    text(Minute(to).start()),
                    resolution.number()
                ));
                assert_eq!(of_ndjson(&lines), placed, "{place}");
            }
        }
    }
}

#[test]
fn tiles_and_frames_are_sums_of_minutes() {
    let world = sparse(3, NOTHING);
    let (rows, reader) = (minutes(&world), Reader::of(&world));
    let emergency: BTreeMap<Minute, Rows> =
        rows.keys().map(|minute| (*minute, reader.emergency(*minute))).collect();
    assert!(emergency.values().any(|rows| rows.keys().any(Option::is_some)));
    let (began, end) = (world.began.0, world.server.now().minute().0);
    let middle = world.children[0].centre();
    for (window, shift) in [(5, 0), (15, 1), (360, 7)] {
        for to in (began + 60..end).step_by(997).map(|to| (to + shift).min(end)) {
            for zoom in 0..=Tile::FINEST_ZOOM {
                let (tile, x, y) = tile_around(zoom, middle);
                let resolution = Tile::resolution(zoom).min(Resolution::ALL[7]);
                let path = format!("/v1/tiles/{zoom}/{x}/{y}.mvt?provider=alpha");
                let to_text = text(Minute(to).start());
                let bytes = reader.bytes(&format!("{path}&window={window}m&to={to_text}"));
                let expected = together(&rows, to - window, to, resolution);
                let on_it = expected.into_iter();
                let on_it = on_it.filter(|(cell, _)| cell.is_some_and(|cell| tile.meets(cell)));
                let shown = of_tile(&bytes, &["cells", "coarser"]);
                assert_eq!(shown, on_it.collect::<Rows>(), "{path} {window} {to}");
                let of_emergency = together(&emergency, to - window, to, resolution).into_iter();
                let on_it =
                    of_emergency.filter(|(cell, _)| cell.is_some_and(|cell| tile.meets(cell)));
                let shown = of_tile(&bytes, &["emergency"]);
                assert_eq!(shown, on_it.collect::<Rows>(), "{path} {window} {to}");
            }
        }
        for (step, from) in [(7, began), (60, began)] {
            let last = end.min(from + 90 * step);
            let frames = reader.get(&format!(
                "/v1/heatmap.frames.json?provider=alpha&window={window}m&step={step}m\
                 &from={}&to={}",
                text(Minute(from + window).start()),
                text(Minute(last).start())
            ));
            for frame in frames["frames"].as_array().unwrap() {
                let to = instant(frame["to"].as_str().unwrap()).minute().0;
                let expected = together(&rows, to - window, to, Resolution::ALL[7]);
                let cells = frame["cell"].as_array().unwrap().iter();
                let shown = cells.zip(frame["count"].as_array().unwrap()).map(|(place, count)| {
                    let hex = &frames["hex"][place.as_u64().unwrap() as usize];
                    (Some(cell(hex)), number(count))
                });
                let shown = with_unplaced(shown.collect(), &frame["unplaced"]);
                assert_eq!(shown, expected, "{step} {to}");
            }
        }
    }
}

fn tile_around(zoom: u8, place: Position) -> (Tile, u32, u32) {
    let across = f64::from(1_u32 << zoom);
    let x = (place.lon() + 180.0) / 360.0 * across;
    let y = (1.0 - place.lat().to_radians().tan().asinh() / PI) / 2.0 * across;
    (Tile::new(zoom, x as u32, y as u32).unwrap(), x as u32, y as u32)
}

#[test]
fn boxes_cells_and_series_are_sums_of_minutes() {
    let world = sparse(2, NOTHING);
    let (rows, reader) = (minutes(&world), Reader::of(&world));
    let (began, end) = (world.began.0, world.server.now().minute().0);
    let (from, to) = (text(Minute(began).start()), text(Minute(end).start()));
    let grandparent = world.parent.rolled_up_to(Resolution::ALL[5]);
    let cells = world.children.iter().copied().chain([world.parent, grandparent]);
    for cell in cells {
        for step in [1, 7, 30] {
            let to = text(Minute(end.min(began + 4_000 * step)).start());
            let path =
                format!("/v1/series?provider=alpha&cell={cell}&from={from}&to={to}&step={step}m");
            let series = reader.get(&path);
            for (n, point) in (0..).zip(series["points"].as_array().unwrap()) {
                let start = began + n * step;
                let of = together(&rows, start, start + step, Resolution::FINEST);
                let inside =
                    of.iter().filter(|(shown, _)| shown.is_some_and(|one| cell.contains(one)));
                let expected: u32 = inside.map(|(_, count)| count).sum();
                assert_eq!(number(&point["count"]), expected, "{path} {start}");
            }
        }
    }
    // An area takes cells by the middle of what is shown, and so does the ranking of areas.
    let day = [began, began + 1_440];
    let inside: u32 = together(&rows, day[0], day[1], Resolution::FINEST)
        .into_iter()
        .filter_map(|(cell, count)| {
            let codes = areas_at(cell?.centre());
            codes.iter().any(|area| area.as_str() == "CA-ON").then_some(count)
        })
        .sum();
    assert!(inside > 0);
    let [day_from, day_to] = day.map(|minute| text(Minute(minute).start()));
    let asked = format!("provider=alpha&window=24h&to={day_to}");
    let map = reader.get(&format!("/v1/heatmap?{asked}&resolution=8&area=CA-ON"));
    assert_eq!(number(&map["total"]), inside);
    let ranking = reader.get(&format!("/v1/areas?{asked}&within=CA"));
    assert_eq!(number(&ranking["items"][0]["reports"]), inside, "{ranking}");
    let span = format!("from={day_from}&to={day_to}&step=1d");
    let series = reader.get(&format!("/v1/series?provider=alpha&{span}&area=CA-ON"));
    assert_eq!(number(&series["points"][0]["count"]), inside);
    // And a table of areas and hours, of those that lie nowhere too.
    let table = reader.bytes(&format!("/v1/series.csv?by=area&provider=alpha&from={day_from}"));
    let mut told: BTreeMap<(i64, bool), u32> = BTreeMap::new();
    for line in str::from_utf8(&table).unwrap().lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let hour = instant(columns[0]).minute().0;
        *told.entry((hour, columns[2] == "CA")).or_default() += columns[3].parse::<u32>().unwrap();
    }
    for ((hour, is_in), count) in told {
        let of = together(&rows, hour, hour + 60, Resolution::FINEST);
        let lies = |cell: &Option<Cell>| {
            cell.is_some_and(|cell| {
                areas_at(cell.centre()).iter().any(|area| area.as_str() == "CA")
            })
        };
        let expected: u32 =
            of.iter().filter(|(cell, _)| lies(cell) == is_in).map(|(_, count)| count).sum();
        assert_eq!(count, expected, "{hour} {is_in}");
    }
    // A box takes cells by the middle of what is shown.
    let middle = world.children[0].centre();
    for size in [0.01, 0.05, 0.4, 3.0] {
        let (west, south) = (middle.lon() - size, middle.lat() - size);
        let (east, north) = (middle.lon() + size, middle.lat() + size);
        let window = (end - began).min(1_440);
        let map = reader.get(&format!(
            "/v1/heatmap?provider=alpha&window={window}m&to={to}&resolution=7\
             &bbox={west},{south},{east},{north}"
        ));
        let inside = together(&rows, end - window, end, Resolution::ALL[7]);
        let inside = inside.into_iter().filter(|(cell, _)| {
            cell.is_some_and(|cell| {
                let at = cell.centre();
                (west..=east).contains(&at.lon()) && (south..=north).contains(&at.lat())
            })
        });
        assert_eq!(rows_of(&map), inside.collect::<Rows>(), "{size}");
    }
}

#[test]
fn what_came_on_time_is_a_part_of_the_same_rows_in_every_answer() {
    let mut world = sparse(5, NOTHING);
    for (child, minutes) in [(0, 30), (3, 40), (6, 50), (6, 90)] {
        world.report_late(child, minutes);
    }
    world.pass(10);
    let (rows, reader) = (minutes(&world), Reader::of(&world));
    let on_time = |minute: Minute| {
        let to = text(minute.plus(1).start());
        let map = "/v1/heatmap?provider=alpha&window=1m&resolution=8&late=no";
        rows_of(&reader.get(&format!("{map}&to={to}")))
    };
    let on_time: BTreeMap<Minute, Rows> =
        rows.keys().map(|minute| (*minute, on_time(*minute))).collect();
    let total = |rows: &BTreeMap<Minute, Rows>| -> u32 {
        rows.values().flat_map(|rows| rows.values()).sum()
    };
    assert_eq!(total(&on_time) + 4, total(&rows));
    for (minute, rows) in &rows {
        for (cell, count) in &on_time[minute] {
            assert!(rows.get(cell).is_some_and(|all| count <= all), "{cell:?} in {minute:?}");
        }
    }
    let (began, end) = (world.began.0, world.server.now().minute().0);
    for (window, to) in [(60, end), (240, end - 20), (1_440, end)] {
        let asked = format!("provider=alpha&late=no&to={}", text(Minute(to).start()));
        let map = reader.get(&format!("/v1/heatmap?{asked}&window={window}m&resolution=7"));
        let expected = together(&on_time, to - window, to, Resolution::ALL[7]);
        assert_eq!(rows_of(&map), expected);
        let from = text(Minute((to - window).max(began)).start());
        let sum: u32 = expected.values().sum();
        let lines = reader.bytes(&format!("/v1/series.csv?{asked}&from={from}&fields=count"));
        let counts = str::from_utf8(&lines).unwrap().lines().skip(1);
        if window <= to - began {
            assert_eq!(counts.map(|count| count.parse::<u32>().unwrap()).sum::<u32>(), sum);
        }
    }
}
