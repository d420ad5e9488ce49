//! Several streams at once, each on a thread of its own.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Works on each item, `jobs` at a time. Gives what came of each, in their order.
pub fn each<T: Sync, R: Send>(
    jobs: NonZero<usize>,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let run = || {
        while let Some((n, item)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, items.get(n)?)))
        {
            let result = work(item);
            *done[n].lock().expect("nobody panics with it") = Some(result);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs.get().min(items.len()) {
            scope.spawn(run);
        }
        run();
    });
    let result = |slot: Mutex<Option<R>>| {
        slot.into_inner().expect("nobody panicked with it").expect("every item was worked on")
    };
    done.into_iter().map(result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..100).collect();
        for jobs in [1, 3, 200] {
            let squares = each(NonZero::new(jobs).unwrap(), &items, |n| n * n);
            assert!(
                squares.iter().zip(&items).all(|(square, n)| *square == n * n)
                    && squares.len() == 100
            );
        }
        assert!(each(NonZero::<usize>::MIN, &[] as &[u32], |n| *n).is_empty());
    }
}
