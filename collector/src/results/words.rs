//! Numbers and names as people say them.

use tiltwise_core::revision::Metric;

/// A metric, with its unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure<'a>(&'a Metric);

impl<'a> Measure<'a> {
    pub(super) fn of(metric: &'a Metric) -> Self {
        Self(metric)
    }

    pub(super) fn is_rate(self) -> bool {
        self.0.cap_micros == 0
    }

    /// What a scaled reward of 1 is.
    pub(super) fn scale(self) -> f64 {
        if self.is_rate() {
            1.0
        } else {
            self.0.cap_micros as f64 / 1e6
        }
    }

    /// What there is more or less of: "sign ups", "purchase value".
    pub(super) fn plural(self) -> String {
        let event = self.event();
        match (self.is_rate(), event.ends_with('s')) {
            (false, _) => format!("{event} value"),
            (true, true) => event,
            (true, false) => format!("{event}s"),
        }
    }

    pub(super) fn event(self) -> String {
        self.0.event.replace(['_', '-'], " ")
    }

    /// An amount of a unit, already in the metric's own: "9.8 %", "12.30 EUR".
    pub(super) fn amount(self, amount: f64) -> String {
        if self.is_rate() {
            return percent(amount);
        }
        match self.0.currency.as_str() {
            "" => format!("{amount:.2}"),
            currency => format!("{amount:.2} {currency}"),
        }
    }

    /// A difference of two amounts: "1.2 points", "0.30 EUR each".
    pub(super) fn difference(self, amount: f64) -> String {
        if self.is_rate() {
            format!("{:.1} points", amount * 100.0)
        } else {
            format!("{} each", self.amount(amount))
        }
    }
}

pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let whole = percent.abs() >= 99.95 || (percent.fract().abs() < 0.05 && percent.abs() >= 10.0);
    if whole {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// A change as a share of what there was: whole percents, one digit below ten.
pub(super) fn relative(share: f64) -> String {
    let percent = share * 100.0;
    if percent.abs() >= 9.95 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// A variant's key as a word in a sentence: "free-shipping" is "Free shipping".
pub(super) fn title(key: &str) -> String {
    let words = key.replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}
