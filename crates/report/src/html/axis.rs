//! Axes of charts.

/// An axis: what range of numbers it shows on what range of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) min: f64,
    pub(crate) max: f64,
    from: f64,
    to: f64,
}

/// The number of ticks that an axis has about.
const TICKS: f64 = 5.0;

impl Axis {
    /// Makes an axis for these numbers, on the pixels from `from` to `to`. A range without a width gets one.
    pub(crate) fn new(numbers: impl Iterator<Item = f64>, (from, to): (f64, f64)) -> Self {
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for number in numbers.filter(|number| number.is_finite()) {
            (min, max) = (min.min(number), max.max(number));
        }
        if min > max {
            (min, max) = (0.0, 1.0);
        }
        if max - min <= f64::EPSILON * max.abs().max(min.abs()).max(f64::MIN_POSITIVE) {
            let width = max.abs().max(1.0);
            (min, max) = if min < 0.0 { (min, min + width) } else { ((min - width).max(0.0), max + width) };
        }
        Self { min, max, from, to }
    }

    /// Extends the range to the next ticks, and to 0 if that is near.
    pub(crate) fn rounded(self) -> Self {
        let near = |other: f64, this: f64| if this > 0.0 && this < other * 0.6 { 0.0 } else { this };
        let min = near(self.max, self.min);
        let step = Self { min, ..self }.step();
        Self { min: (min / step).floor() * step, max: (self.max / step).ceil() * step, ..self }
    }

    /// Returns the pixel of a number.
    pub(crate) fn at(&self, number: f64) -> f64 {
        let share = (number - self.min) / (self.max - self.min);
        let pixel = self.from + share * (self.to - self.from);
        if pixel.is_finite() { (pixel * 10.0).round() / 10.0 } else { self.from }
    }

    /// The distance of ticks: 1, 2 or 5 times a power of 10.
    fn step(&self) -> f64 {
        let raw = (self.max - self.min) / TICKS;
        if !raw.is_finite() || raw <= 0.0 {
            return 1.0;
        }
        let power = 10_f64.powf(raw.log10().floor());
        let factor =
            [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= raw * 0.999).unwrap_or(10.0);
        let step = factor * power;
        if step.is_finite() && step > 0.0 { step } else { 1.0 }
    }

    /// Returns the ticks within the range, at most 20.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let step = self.step();
        let first = (self.min / step).ceil() * step;
        let all = (0_u32..20).map(|count| first + f64::from(count) * step);
        all.take_while(|tick| *tick <= self.max + step * 1e-6).collect()
    }
}

/// Returns a number as people read it, with about 4 digits.
pub(crate) fn number(value: f64) -> String {
    let text = match value.abs() {
        0.0 => "0".to_owned(),
        1e-3..1.0 => format!("{value:.4}"),
        1.0..10.0 => format!("{value:.3}"),
        10.0..100.0 => format!("{value:.2}"),
        100.0..1e3 => format!("{value:.1}"),
        1e3..1e7 => return format!("{value:.0}"),
        _ => return format!("{value:.2e}"),
    };
    if !text.contains('.') {
        return text;
    }
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn ticks_are_round_numbers() {
        let axis = Axis::new([0.3, 9.7].into_iter(), (0.0, 100.0)).rounded();
        assert_eq!((axis.min, axis.max), (0.0, 10.0));
        assert_eq!(axis.ticks(), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!((axis.at(0.0), axis.at(5.0), axis.at(10.0)), (0.0, 50.0, 100.0));
    }

    #[rstest]
    #[case(0.0, "0")]
    #[case(-0.000_01, "-1.00e-5")]
    #[case(1.5, "1.5")]
    #[case(12.0, "12")]
    #[case(76.7196, "76.72")]
    #[case(100.0, "100")]
    #[case(12_345.6, "12346")]
    #[case(2.5e9, "2.50e9")]
    #[case(0.1 + 0.2, "0.3")]
    fn numbers(#[case] value: f64, #[case] expected: &str) {
        assert_eq!(number(value), expected);
    }

    proptest! {
        #[test]
        fn whatever_the_numbers_are_the_axis_is_finite(numbers in prop::collection::vec(any::<f64>(), 0..6)) {
            let axis = Axis::new(numbers.iter().copied(), (0.0, 500.0));
            for axis in [axis, axis.rounded()] {
                prop_assert!(axis.ticks().len() <= 20);
                for number in numbers.iter().copied().chain(axis.ticks()) {
                    prop_assert!(axis.at(number).is_finite());
                }
            }
        }
    }
}
