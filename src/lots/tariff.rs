//! What a stay costs. Pure, exact, and in one place: the quote, the running cost and the release
//! all ask here.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest stay that is priced: a hundred years.
pub const MINUTES_MAX: i64 = 100 * 366 * 24 * 60;

const MICROS_A_MINUTE: i128 = 60_000_000;
const MINUTES_A_DAY: i128 = 24 * 60;
/// Amounts are added up in sixtieths of a minor unit: a price per hour times whole minutes.
const SIXTIETHS: i128 = 60;

/// How time becomes money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tariff {
    /// A stay no longer than this costs nothing; a longer one pays from its first minute.
    #[schema(minimum = 0, maximum = 1440)]
    pub free_minutes: i64,
    /// Every started increment is charged.
    #[schema(minimum = 1, maximum = 1440)]
    pub increment_minutes: i64,
    /// The most that 24 hours cost, counted from the start of the stay.
    #[schema(required, minimum = 0)]
    pub daily_cap_minor: Option<i64>,
}

impl Default for Tariff {
    fn default() -> Self {
        Self { free_minutes: 0, increment_minutes: 1, daily_cap_minor: None }
    }
}

/// A line of a quote or a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuoteLine {
    #[schema(example = "2 days at the daily cap")]
    pub label: String,
    pub minutes: i64,
    pub amount_minor: i64,
}

/// A tariff with its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Minor units of the currency.
    pub per_hour_minor: i64,
    pub tariff: Tariff,
}

impl Price {
    /// The cost of a stay in minor units: elapsed time counts, rounded half up once, at the end.
    #[must_use]
    pub fn cost_minor(&self, stay: SignedDuration) -> i64 {
        round(self.sixtieths(micros(stay)))
    }

    /// The cost of a stay of whole minutes, line by line. The lines add up to the cost.
    #[must_use]
    pub fn lines(&self, minutes: i64) -> Vec<QuoteLine> {
        let stay = i128::from(minutes) * MICROS_A_MINUTE;
        if minutes > 0 && self.is_free(stay) {
            let label = format!("Free for up to {} min", self.tariff.free_minutes);
            return vec![QuoteLine { label, minutes, amount_minor: 0 }];
        }
        let total = round(self.sixtieths(stay));
        let days = if self.tariff.daily_cap_minor.is_some() {
            i128::from(minutes) / MINUTES_A_DAY
        } else {
            0
        };
        if days == 0 {
            return vec![QuoteLine { label: "Parking".into(), minutes, amount_minor: total }];
        }
        let whole = days * MINUTES_A_DAY;
        let capped = self.part(MINUTES_A_DAY * MICROS_A_MINUTE)
            == i128::from(self.tariff.daily_cap_minor.unwrap_or_default()) * SIXTIETHS;
        let (noun, at) =
            (if days == 1 { "day" } else { "days" }, if capped { " at the daily cap" } else { "" });
        let whole_cost = round(self.part(MINUTES_A_DAY * MICROS_A_MINUTE) * days);
        let mut lines = vec![QuoteLine {
            label: format!("{days} {noun}{at}"),
            minutes: to_i64(whole),
            amount_minor: whole_cost,
        }];
        let rest = minutes - to_i64(whole);
        if rest > 0 {
            let label = "Remaining time".into();
            let amount_minor = total - whole_cost;
            lines.push(QuoteLine { label, minutes: rest, amount_minor });
        }
        lines
    }

    fn is_free(&self, stay_micros: i128) -> bool {
        stay_micros <= i128::from(self.tariff.free_minutes) * MICROS_A_MINUTE
    }

    fn sixtieths(&self, stay_micros: i128) -> i128 {
        if self.is_free(stay_micros) {
            return 0;
        }
        if self.tariff.daily_cap_minor.is_none() {
            return self.part(stay_micros);
        }
        let day = MINUTES_A_DAY * MICROS_A_MINUTE;
        self.part(day) * (stay_micros / day) + self.part(stay_micros % day)
    }

    /// The cost of one part of a stay, at most the cap.
    fn part(&self, micros: i128) -> i128 {
        let increment = i128::from(self.tariff.increment_minutes);
        let started = (micros + increment * MICROS_A_MINUTE - 1) / (increment * MICROS_A_MINUTE);
        let amount = i128::from(self.per_hour_minor) * started * increment;
        match self.tariff.daily_cap_minor {
            Some(cap) => amount.min(i128::from(cap) * SIXTIETHS),
            None => amount,
        }
    }
}

fn micros(stay: SignedDuration) -> i128 {
    stay.as_micros().clamp(0, i128::from(MINUTES_MAX) * MICROS_A_MINUTE)
}

fn round(sixtieths: i128) -> i64 {
    to_i64((sixtieths + SIXTIETHS / 2) / SIXTIETHS)
}

fn to_i64(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price(per_hour_minor: i64, free: i64, increment: i64, cap: Option<i64>) -> Price {
        let tariff =
            Tariff { free_minutes: free, increment_minutes: increment, daily_cap_minor: cap };
        Price { per_hour_minor, tariff }
    }

    fn minutes(minutes: i64) -> SignedDuration {
        SignedDuration::from_mins(minutes)
    }

    #[test]
    fn every_started_increment_is_charged() {
        let by_minute = price(6000, 0, 1, None);
        assert_eq!(by_minute.cost_minor(SignedDuration::ZERO), 0);
        assert_eq!(by_minute.cost_minor(SignedDuration::from_secs(3)), 100);
        assert_eq!(by_minute.cost_minor(minutes(1)), 100);
        assert_eq!(by_minute.cost_minor(minutes(1) + SignedDuration::from_micros(1)), 200);
        let by_half_hour = price(6000, 0, 30, None);
        assert_eq!(by_half_hour.cost_minor(minutes(31)), 6000);
    }

    #[test]
    fn a_stay_beyond_the_free_minutes_pays_from_its_first() {
        let price = price(6000, 15, 1, None);
        assert_eq!(price.cost_minor(minutes(15)), 0);
        assert_eq!(price.cost_minor(minutes(15) + SignedDuration::from_micros(1)), 1600);
    }

    #[test]
    fn each_24_hours_from_the_start_are_capped_by_themselves() {
        let price = price(6000, 0, 60, Some(30_000));
        assert_eq!(price.cost_minor(minutes(5 * 60)), 30_000);
        assert_eq!(price.cost_minor(minutes(24 * 60)), 30_000);
        assert_eq!(price.cost_minor(minutes(24 * 60 + 1)), 36_000);
        assert_eq!(price.cost_minor(minutes(3 * 24 * 60)), 90_000);
    }

    #[test]
    fn fractions_are_rounded_half_up_once_at_the_end() {
        // 50 an hour: 5/6 of a minor unit a minute.
        assert_eq!(price(50, 0, 1, None).cost_minor(minutes(1)), 1);
        assert_eq!(price(29, 0, 1, None).cost_minor(minutes(1)), 0);
        assert_eq!(price(30, 0, 1, None).cost_minor(minutes(1)), 1);
        // Two parts of 0.5 are 1, not 2.
        assert_eq!(price(0, 0, 1, Some(0)).cost_minor(minutes(3000)), 0);
        assert_eq!(price(30, 0, 1, Some(1_000)).cost_minor(minutes(24 * 60 + 1)), 721);
    }

    #[test]
    fn a_clock_that_went_back_costs_nothing() {
        assert_eq!(price(6000, 0, 1, None).cost_minor(SignedDuration::from_secs(-5)), 0);
    }

    proptest! {
        #[test]
        fn the_lines_of_a_quote_add_up_to_the_cost(
            per_hour in 0..100_000_000_i64, free in 0..=1440_i64, increment in 1..=1440_i64,
            cap in proptest::option::of(0..10_000_000_i64), stay in 0..=1_000_000_i64,
        ) {
            let price = price(per_hour, free, increment, cap);
            let lines = price.lines(stay);
            prop_assert_eq!(lines.iter().map(|line| line.amount_minor).sum::<i64>(), price.cost_minor(minutes(stay)));
            prop_assert_eq!(lines.iter().map(|line| line.minutes).sum::<i64>(), stay);
        }

        #[test]
        fn a_longer_stay_never_costs_less(
            per_hour in 0..100_000_000_i64, free in 0..=1440_i64, increment in 1..=1440_i64,
            cap in proptest::option::of(0..10_000_000_i64), a in 0..10_000_000_000_000_i64, b in 0..10_000_000_000_000_i64,
        ) {
            let price = price(per_hour, free, increment, cap);
            let cost = |micros| price.cost_minor(SignedDuration::from_micros(micros));
            prop_assert!(cost(a.min(b)) <= cost(a.max(b)));
        }

        #[test]
        fn no_day_costs_more_than_its_cap(
            per_hour in 0..100_000_000_i64, increment in 1..=1440_i64, cap in 0..10_000_000_i64, days in 1..400_i64,
        ) {
            let price = price(per_hour, 0, increment, Some(cap));
            prop_assert!(price.cost_minor(minutes(days * 24 * 60)) <= cap * days);
        }
    }
}
