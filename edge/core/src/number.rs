//! Rounding, the square root and insertion as every visitor's page downloads them.
//!
//! `libm` has all of this, and everything else of the core takes it from there. But a page rounds only what is small and
//! takes the root only of sums of squares, and WebAssembly's own instructions for it are not within reach of a crate
//! without std: what `libm` has instead is 700 bytes of a page's module and most of the time of a decision. Each function
//! here gives what its namesake in `libm` gives, to the last bit, within the range that it names.

use alloc::vec::Vec;

/// `libm::round` of a number from 0 to 2^32, as an integer; 0 for what is below or no number.
#[inline(never)]
pub fn round(value: f64) -> u32 {
    let whole = value as u32;
    // Exact: the two are within a factor of two of each other, or the difference is the value itself.
    whole.saturating_add(u32::from(value - f64::from(whole) >= 0.5))
}

/// The square root, correctly rounded as IEEE 754 has it, of a number that is normal and positive; 0 for all others.
#[inline(never)]
pub fn root(value: f64) -> f64 {
    const FRACTION: u64 = (1 << 52) - 1;
    let bits = value.to_bits();
    // Negative numbers, infinities and what is no number have exponents beyond these.
    let exponent = (bits >> 52) as u32;
    if !(1..0x7ff).contains(&exponent) {
        return 0.0;
    }
    // value = whole * 4^n, with whole in [2^52, 2^54): its root, times 2^26, is the integer that is looked for.
    let odd = (exponent & 1) ^ 1;
    let whole = (bits & FRACTION | 1 << 52) << odd;
    // Heron's steps from a parabola that is off by 1.2 % at most: three make that less than a double can tell.
    let x = whole as f64 / (1u64 << 52) as f64;
    let mut y = 0.434 + x * (0.607 - 0.056 * x);
    for _ in 0..3 {
        y = 0.5 * (y + x / y);
    }
    let mut root = (y * (1u64 << 52) as f64) as u64;
    // What is left of whole * 2^52 beyond the integer's square: 106 bits each, but so near that 64 bits tell it.
    let rest = |root: u64| (whole << 52).wrapping_sub(root.wrapping_mul(root)).cast_signed();
    while rest(root) < 0 {
        root -= 1;
    }
    while rest(root) > 2 * root.cast_signed() {
        root += 1;
    }
    // Up where it is nearer: beyond (root + 1/2)^2. Half way it never is, and rounding up may carry into the exponent.
    root += u64::from(rest(root) > root.cast_signed());
    let half = u64::from((exponent + 1023 - odd) / 2);
    f64::from_bits((half << 52) + (root - (1 << 52)))
}

/// Puts an item in this place, and those from there on one place further.
pub fn insert<T: Copy>(items: &mut Vec<T>, at: usize, item: T) {
    items.push(item);
    let mut next = item;
    for place in items.iter_mut().skip(at) {
        core::mem::swap(place, &mut next);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "equal to the bit is what they must be")]

    use super::*;
    use crate::hash::split_mix;

    /// Numbers of every size, and the ones beside those whose root is exact.
    fn numbers() -> impl Iterator<Item = f64> {
        let mut state = 1;
        let anywhere = (0..200_000).map(move |_| f64::from_bits(split_mix(&mut state) >> 1));
        let squares = (1..50_000u32).flat_map(|n| {
            let square = (f64::from(n) * f64::from(n)).to_bits();
            [square - 1, square, square + 1].map(f64::from_bits)
        });
        let ends = [
            f64::MIN_POSITIVE,
            f64::MAX,
            1.0 - f64::EPSILON / 2.0,
            4.0 - f64::EPSILON,
        ];
        anywhere.filter(|n| n.is_normal()).chain(squares).chain(ends)
    }

    #[test]
    fn the_root_is_the_one_of_libm_to_the_bit() {
        for n in numbers() {
            assert_eq!(root(n).to_bits(), libm::sqrt(n).to_bits(), "{n:e}");
        }
        assert_eq!(root(0.0), 0.0);
        assert_eq!(root(f64::NAN), 0.0);
    }

    #[test]
    fn rounding_is_the_one_of_libm() {
        let mut state = 2;
        for _ in 0..200_000 {
            let n = (split_mix(&mut state) >> 31) as f64 / 4.0;
            assert_eq!(f64::from(round(n)), libm::round(n).min(4_294_967_295.0), "{n}");
        }
        for n in [0.0, 0.499_999_999_999_999_94, 0.5, 1.5, 2.5] {
            assert_eq!(f64::from(round(n)), libm::round(n), "{n}");
        }
    }
}
