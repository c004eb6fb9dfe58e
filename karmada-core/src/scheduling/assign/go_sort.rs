//! Sorting with the order that Go's `sort.Sort` leaves between equal elements.
//!
//! Upstream sorts clusters by weight alone, with a sort that is not stable. Up to twelve
//! elements it is an insertion sort, which keeps the order of equals; above, it is
//! pattern-defeating quicksort (Orson Peters, arXiv:2106.05123), whose order of equals is
//! arbitrary but always the same for the same input. Where the shortest prefix of the sorted
//! list decides who gets replicas, that order is visible, so it is part of the contract.

/// Ranges up to this length are sorted by insertion.
const INSERTION_LENGTH: usize = 12;
/// Ranges from this length on take the median of three medians as pivot.
const NINTHER_LENGTH: usize = 50;
/// Ranges below this length are not worth repairing element by element.
const REPAIR_LENGTH: usize = 50;
/// How many misplaced neighbours are repaired before a range counts as unsorted.
const REPAIR_STEPS: usize = 5;
/// The number of exchanges while choosing a pivot that means "descending".
const DESCENDING_EXCHANGES: usize = 12;

/// Sorts `items` so that no element is `less` than the one before it.
pub(super) fn sort_like_go<T>(items: &mut [T], less: impl Fn(&T, &T) -> bool) {
    let length = items.len();
    let depth = usize::BITS - length.leading_zeros();
    Sorter { items, less }.quicksort(0, length, depth);
}

/// What the choice of a pivot reveals about a range.
#[derive(PartialEq)]
enum Pattern {
    Unknown,
    Ascending,
    Descending,
}

struct Sorter<'a, T, F> {
    items: &'a mut [T],
    less: F,
}

impl<T, F: Fn(&T, &T) -> bool> Sorter<'_, T, F> {
    fn less(&self, left: usize, right: usize) -> bool {
        (self.less)(&self.items[left], &self.items[right])
    }

    fn quicksort(&mut self, mut start: usize, mut end: usize, mut depth: u32) {
        let mut balanced = true;
        let mut partitioned = true;
        loop {
            let length = end - start;
            if length <= INSERTION_LENGTH {
                return self.insertion_sort(start, end);
            }
            if depth == 0 {
                return self.heap_sort(start, end);
            }
            if !balanced {
                self.break_patterns(start, end);
                depth -= 1;
            }
            let (mut pivot, mut pattern) = self.choose_pivot(start, end);
            if pattern == Pattern::Descending {
                self.items[start..end].reverse();
                pivot = (end - 1) - (pivot - start);
                pattern = Pattern::Ascending;
            }
            if balanced && partitioned && pattern == Pattern::Ascending && self.repair(start, end) {
                return;
            }
            if start > 0 && !self.less(start - 1, pivot) {
                start = self.partition_equal(start, end, pivot);
                continue;
            }
            let middle;
            (middle, partitioned) = self.partition(start, end, pivot);
            let (left, right) = (middle - start, end - middle);
            balanced = left.min(right) >= length / 8;
            if left < right {
                self.quicksort(start, middle, depth);
                start = middle + 1;
            } else {
                self.quicksort(middle + 1, end, depth);
                end = middle;
            }
        }
    }

    fn insertion_sort(&mut self, start: usize, end: usize) {
        for next in start + 1..end {
            let mut place = next;
            while place > start && self.less(place, place - 1) {
                self.items.swap(place, place - 1);
                place -= 1;
            }
        }
    }

    fn heap_sort(&mut self, start: usize, end: usize) {
        let length = end - start;
        for root in (0..length / 2).rev() {
            self.sift_down(start, root, length);
        }
        for last in (0..length).rev() {
            self.items.swap(start, start + last);
            self.sift_down(start, 0, last);
        }
    }

    fn sift_down(&mut self, start: usize, mut root: usize, length: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= length {
                return;
            }
            if child + 1 < length && self.less(start + child, start + child + 1) {
                child += 1;
            }
            if !self.less(start + root, start + child) {
                return;
            }
            self.items.swap(start + root, start + child);
            root = child;
        }
    }

    /// Exchanges three elements in the middle with pseudo-random ones.
    fn break_patterns(&mut self, start: usize, end: usize) {
        let length = end - start;
        if length < 8 {
            return;
        }
        let mut state = length as u64;
        let mask = (1_u64 << (usize::BITS - length.leading_zeros())) - 1;
        let middle = start + length / 4 * 2;
        for offset in 0..3 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let mut other = (state & mask) as usize;
            if other >= length {
                other -= length;
            }
            self.items.swap(middle - 1 + offset, start + other);
        }
    }

    fn choose_pivot(&self, start: usize, end: usize) -> (usize, Pattern) {
        let quarter = (end - start) / 4;
        let (mut low, mut middle, mut high) = (start + quarter, start + quarter * 2, start + quarter * 3);
        let mut exchanges = 0;
        if end - start >= NINTHER_LENGTH {
            low = self.median(low - 1, low, low + 1, &mut exchanges);
            middle = self.median(middle - 1, middle, middle + 1, &mut exchanges);
            high = self.median(high - 1, high, high + 1, &mut exchanges);
        }
        middle = self.median(low, middle, high, &mut exchanges);
        let pattern = match exchanges {
            0 => Pattern::Ascending,
            DESCENDING_EXCHANGES => Pattern::Descending,
            _ => Pattern::Unknown,
        };
        (middle, pattern)
    }

    fn median(&self, mut low: usize, mut middle: usize, mut high: usize, exchanges: &mut usize) -> usize {
        let mut order = |left: &mut usize, right: &mut usize| {
            if self.less(*right, *left) {
                *exchanges += 1;
                std::mem::swap(left, right);
            }
        };
        order(&mut low, &mut middle);
        order(&mut middle, &mut high);
        order(&mut low, &mut middle);
        middle
    }

    /// Finishes a range that is almost sorted; returns false when it is not.
    fn repair(&mut self, start: usize, end: usize) -> bool {
        let mut next = start + 1;
        for _ in 0..REPAIR_STEPS {
            while next < end && !self.less(next, next - 1) {
                next += 1;
            }
            if next == end {
                return true;
            }
            if end - start < REPAIR_LENGTH {
                return false;
            }
            self.items.swap(next, next - 1);
            if next - start >= 2 {
                let mut place = next - 1;
                while place >= 1 && self.less(place, place - 1) {
                    self.items.swap(place, place - 1);
                    place -= 1;
                }
            }
            let mut place = next + 1;
            while place < end && self.less(place, place - 1) {
                self.items.swap(place, place - 1);
                place += 1;
            }
        }
        false
    }

    /// Moves elements equal to the pivot to the front; nothing in the range is less than it.
    fn partition_equal(&mut self, start: usize, end: usize, pivot: usize) -> usize {
        self.items.swap(start, pivot);
        let (mut left, mut right) = (start + 1, end - 1);
        loop {
            while left <= right && !self.less(start, left) {
                left += 1;
            }
            while left <= right && self.less(start, right) {
                right -= 1;
            }
            if left > right {
                return left;
            }
            self.items.swap(left, right);
            left += 1;
            right -= 1;
        }
    }

    /// Splits the range at the pivot; also returns whether it was split already.
    fn partition(&mut self, start: usize, end: usize, pivot: usize) -> (usize, bool) {
        self.items.swap(start, pivot);
        let (mut left, mut right) = (start + 1, end - 1);
        let mut exchanged = false;
        loop {
            while left <= right && self.less(left, start) {
                left += 1;
            }
            while left <= right && !self.less(right, start) {
                right -= 1;
            }
            if left > right {
                self.items.swap(right, start);
                return (right, !exchanged);
            }
            self.items.swap(left, right);
            exchanged = true;
            left += 1;
            right -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_the_order_of_equals_up_to_twelve_elements() {
        let mut items: Vec<(u8, usize)> = [3, 1, 3, 2, 1, 3, 2, 2, 1, 3, 1, 2].into_iter().zip(0..).collect();
        let mut expected = items.clone();
        expected.sort_by_key(|item| std::cmp::Reverse(item.0));
        sort_like_go(&mut items, |left, right| left.0 > right.0);
        assert_eq!(items, expected);
    }

    proptest! {
        #[test]
        fn sorts_any_input(mut items in proptest::collection::vec(0_u16..40, 0..400)) {
            let mut expected = items.clone();
            expected.sort_unstable();
            sort_like_go(&mut items, |left, right| left < right);
            prop_assert_eq!(items, expected);
        }

        #[test]
        fn sorts_what_is_almost_sorted(length in 0_usize..300, swaps in proptest::collection::vec((0_usize..300, 0_usize..300), 0..8)) {
            for descending in [false, true] {
                let mut items: Vec<usize> = (0..length).collect();
                for &(left, right) in swaps.iter().filter(|swap| swap.0 < length && swap.1 < length) {
                    items.swap(left, right);
                }
                if descending {
                    items.reverse();
                }
                sort_like_go(&mut items, |left, right| left < right);
                prop_assert_eq!(items, (0..length).collect::<Vec<_>>());
            }
        }
    }
}
