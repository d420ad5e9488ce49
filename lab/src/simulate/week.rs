//! When people report: the shape of a day and a week by the clock on their wall.

use groundswell::domain::time::{HOUR_MS, MINUTE_MS, Timestamp};
use jiff::tz::TimeZone;

/// Reports of each hour of a weekday against the week's mean, fitted: few by night, most
/// in the evening.
const WEEKDAY: [f64; 24] = [
    0.44, 0.27, 0.19, 0.16, 0.17, 0.25, 0.47, 0.82, 1.10, 1.25, 1.34, 1.38, 1.42, 1.40, 1.38, 1.42,
    1.51, 1.61, 1.71, 1.78, 1.69, 1.48, 1.13, 0.73,
];
/// Of Saturday and Sunday.
const WEEKEND: [f64; 24] = [
    0.55, 0.38, 0.26, 0.19, 0.16, 0.19, 0.30, 0.48, 0.72, 0.95, 1.12, 1.22, 1.26, 1.24, 1.20, 1.20,
    1.24, 1.32, 1.40, 1.44, 1.40, 1.28, 1.02, 0.74,
];

/// How many report at an instant where a wall clock shows the time of a zone, against the
/// mean of the week.
pub fn awake(at: Timestamp, zone: &TimeZone) -> f64 {
    let Ok(instant) = jiff::Timestamp::from_millisecond(at.0) else { return 1.0 };
    let local = zone.to_offset(instant).seconds();
    let local = Timestamp(at.0 + i64::from(local) * 1_000);
    let hour = local.0.div_euclid(HOUR_MS);
    let into = local.0.rem_euclid(HOUR_MS) as f64 / HOUR_MS as f64;
    of_hour(hour) * (1.0 - into) + of_hour(hour + 1) * into
}

/// For so long the shape is taken as constant.
pub const STEP_MS: i64 = 15 * MINUTE_MS;

/// By hours since 1970, which began on a Thursday.
fn of_hour(hour: i64) -> f64 {
    let (day, of_day) = (hour.div_euclid(24), hour.rem_euclid(24) as usize);
    let is_weekend = (day + 4).rem_euclid(7) % 6 == 0;
    if is_weekend { WEEKEND[of_day] } else { WEEKDAY[of_day] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::scenario::instant;

    #[test]
    fn over_a_week_its_mean_is_one() {
        let mean = (0..7 * 24).map(of_hour).sum::<f64>() / (7.0 * 24.0);
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }

    #[test]
    fn it_goes_by_the_clock_on_the_wall() {
        let zone = TimeZone::get("America/Toronto").unwrap();
        let rows = [
            ("2022-07-08T04:00:00-04:00", WEEKDAY[4]),
            ("2022-07-09T04:00:00-04:00", WEEKEND[4]),
            ("2022-07-10T19:00:00-04:00", WEEKEND[19]),
            ("2022-01-10T19:00:00-05:00", WEEKDAY[19]),
            ("2022-01-10T19:30:00-05:00", f64::midpoint(WEEKDAY[19], WEEKDAY[20])),
        ];
        for (text, expected) in rows {
            let got = awake(instant(text), &zone);
            assert!((got - expected).abs() < 1e-9, "{text}: {got}");
        }
    }
}
