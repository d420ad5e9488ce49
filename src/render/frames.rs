//! Frames of an animation: which cells there are, once, and what they show in each.

use super::cell::Hex;
use super::privacy::RuleJson;
use super::time::Window;
use crate::domain::assessment::{Assessment, Judgement};
use crate::domain::grid::Cell;
use crate::domain::level::Level;
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Maps of windows that follow each other. `hex` lists the cells once; frames name them by
/// their place there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HeatmapFrames)]
pub struct FramesJson {
    /// Id of the provider; null where a network, or all, is asked for.
    #[schema(required = true, examples(json!(null)))]
    pub provider: Option<String>,
    /// The network; null where a provider, or all, is asked for.
    #[schema(required = true, examples("rogers"))]
    pub network: Option<String>,
    /// From the begin of the first window to the end of the last.
    pub window: Window,
    /// Minutes that each frame counts.
    #[schema(examples(60))]
    pub window_minutes: i64,
    /// Minutes from one frame to the next.
    #[schema(examples(15))]
    pub step_minutes: i64,
    /// H3 resolution of the cells that are not coarser.
    #[schema(minimum = 0, maximum = 8, examples(7))]
    pub resolution: u8,
    /// By which rule reports are shown; null where every report is in its own cell.
    #[schema(required = true)]
    pub privacy: Option<RuleJson>,
    /// All cells of all frames, sorted. Those of another resolution than `resolution` are
    /// coarser: what is known, or shown, only more roughly. They may come and go.
    pub hex: Vec<Hex>,
    /// The frames, in order.
    pub frames: Vec<FrameJson>,
    /// Reports up to this instant are in the answer.
    #[schema(format = DateTime, examples("2022-07-08T09:12:31Z"))]
    pub as_of: String,
}

/// One frame: the n-th entries of `cell`, `count` and `level` are about one cell.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HeatmapFrame)]
pub struct FrameJson {
    /// When its window ends.
    #[schema(format = DateTime, examples("2022-07-08T09:00:00Z"))]
    pub to: String,
    /// All reports in it.
    #[schema(examples(1842))]
    pub total: u64,
    /// Those of them that are in no cell.
    #[schema(examples(3))]
    pub unplaced: u64,
    /// Places in `hex` of the cells with reports.
    #[schema(example = json!([0, 4, 5]))]
    pub cell: Vec<u32>,
    /// Reports in each.
    #[schema(example = json!([12, 3, 1]))]
    pub count: Vec<u32>,
    /// To colour a map by, 0 to 4; null as a whole where that is not known.
    #[schema(required = true, example = json!([4, 2, 0]))]
    pub level: Option<Vec<Option<u8>>>,
}

/// The cells that occur in any of some levels, sorted.
#[must_use]
pub fn cells_of<'a>(levels: impl IntoIterator<Item = &'a Level>) -> Vec<Cell> {
    let all = levels.into_iter().flat_map(Level::all_rows).map(|(cell, _)| cell);
    all.collect::<BTreeSet<Cell>>().into_iter().collect()
}

impl FrameJson {
    /// The frame of a level that ends then, among these cells.
    ///
    /// # Panics
    /// Where it has a cell that is none of them.
    #[must_use]
    pub fn of(to: String, level: &Level, judged: Option<&Assessment>, cells: &[Cell]) -> Self {
        let levels = judged.filter(|judged| judged.is_known).map(|judged| {
            let all = judged.cells.iter().chain(&judged.coarser);
            all.map(|Judgement { level, .. }| *level).collect()
        });
        let place = |cell: Cell| {
            u32::try_from(cells.binary_search(&cell).expect("all cells are listed"))
                .expect("an answer has fewer than 2^32 cells")
        };
        let (cell, count) = level.all_rows().map(|(cell, count)| (place(cell), count)).unzip();
        Self { to, total: level.total(), unplaced: level.unplaced(), cell, count, level: levels }
    }
}
