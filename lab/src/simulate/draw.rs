//! Chance: numbers drawn from the distributions that a crowd follows.

use fastrand::Rng;

/// Above this mean a Poisson count is drawn as a rounded normal one: the difference is
/// less than a percent of its spread.
const NORMAL_FROM_MEAN: f64 = 60.0;

/// Chance of its own for the nth thing of a seed, whichever other things were drawn
/// before.
pub fn chance(seed: u64, n: u64) -> Rng {
    // The finalizer of SplitMix64 (Steele, Lea, Flood 2014): neighbouring numbers give
    // unrelated seeds.
    let mut x = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(n)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Rng::with_seed(x ^ (x >> 31))
}

/// How many of something rare come, where `mean` are expected.
pub fn poisson(rng: &mut Rng, mean: f64) -> u64 {
    if mean <= 0.0 {
        return 0;
    }
    if mean > NORMAL_FROM_MEAN {
        return normal(rng).mul_add(mean.sqrt(), mean).round().max(0.0) as u64;
    }
    // Knuth 1969: gaps of a process, multiplied instead of added.
    let (limit, mut product, mut count) = ((-mean).exp(), rng.f64(), 0);
    while product > limit {
        product *= rng.f64();
        count += 1;
    }
    count
}

/// Standard normal (Box and Muller 1958).
pub fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.f64()).cos()
}

/// A wait of that mean, after which nothing is more likely than before.
pub fn wait(rng: &mut Rng, mean: f64) -> f64 {
    -mean * (1.0 - rng.f64()).ln()
}

/// The place of a draw in running sums: each as likely as what it adds. There is at least
/// one.
pub fn place(rng: &mut Rng, running: &[f64]) -> usize {
    let total = running.last().copied().unwrap_or_default();
    let drawn = rng.f64() * total;
    running.partition_point(|sum| *sum <= drawn).min(running.len().saturating_sub(1))
}

/// Running sums.
pub fn running(weights: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    let add = |weight| {
        sum += weight;
        sum
    };
    weights.into_iter().map(add).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poisson_counts_have_their_mean_and_a_variance_as_large() {
        for mean in [0.02, 3.0, 59.0, 200.0] {
            let n = 20_000;
            let draws: Vec<f64> = (0..n).map(|n| poisson(&mut chance(7, n), mean) as f64).collect();
            let average = draws.iter().sum::<f64>() / n as f64;
            let variance =
                draws.iter().map(|draw| (draw - average).powi(2)).sum::<f64>() / n as f64;
            let five_sigma = 5.0 * (mean / n as f64).sqrt();
            assert!(
                (average - mean).abs() < five_sigma && (variance / mean - 1.0).abs() < 0.3,
                "{mean}: {average}, {variance}"
            );
        }
    }

    #[test]
    fn a_place_is_as_likely_as_its_weight() {
        let running = running([1.0, 0.0, 3.0]);
        let mut hits = [0; 3];
        for n in 0..10_000 {
            hits[place(&mut chance(1, n), &running)] += 1;
        }
        assert!(hits[1] == 0 && (hits[2] - 7_500_i32).abs() < 250, "{hits:?}");
    }
}
