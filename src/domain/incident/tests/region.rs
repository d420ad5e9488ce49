use super::world::{OTTAWA, TORONTO, cells};
use crate::domain::grid::Resolution;
use crate::domain::incident::region::{Region, joined};

#[test]
fn places_meet_where_they_share_a_cell_of_any_resolution_or_lie_next_to_each_other() {
    let toronto = cells(TORONTO, 1);
    let region = Region::new(&toronto, false);
    let coarse = [toronto[0].rolled_up_to(Resolution::new(4).unwrap())];
    let beside: Vec<_> =
        cells(TORONTO, 2).into_iter().filter(|cell| !toronto.contains(cell)).collect();
    assert!(
        region.intersects(&Region::new(&coarse, false))
            && Region::new(&coarse, false).intersects(&region)
    );
    assert!(
        !region.intersects(&Region::new(&beside, false))
            && region.meets(&Region::new(&beside, false))
    );
    assert!(!region.meets(&Region::new(&cells(OTTAWA, 1), false)));
    assert!(region.intersects(&Region::new(&[], true)));
}

#[test]
fn cells_that_lie_in_another_are_left_out() {
    let fine = cells(TORONTO, 0);
    let coarse = fine[0].rolled_up_to(Resolution::new(4).unwrap());
    assert_eq!(joined([fine[0], coarse]), [coarse]);
    assert_eq!(joined(cells(TORONTO, 1)), cells(TORONTO, 1));
}
