//! What a week of real car parks says of the load: `bench/model.toml` holds it, from here.

use crate::data::{Story, Week};

/// A display that jumps by more than this share of its lot between two looks is taken to be wrong.
const JUMP_MAX: f64 = 0.5;
/// A lot with as many looks a week is looked at often.
const OFTEN: usize = 700;
const DAYS: f64 = 7.0;
const HOURS: usize = 7 * 24;

/// Rates by the spot, so that they fit any number of lots.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    pub spots_a_lot: f64,
    /// Arrivals a spot and day, as the displays have it, and without those that jump.
    pub turnover: f64,
    pub turnover_without_jumps: f64,
    /// Arrivals a spot in the hour with most of them, and that hour beside the mean hour.
    pub peak_arrivals: f64,
    pub peak_arrivals_to_mean: f64,
    /// Arrivals and departures, likewise.
    pub peak_changes: f64,
    pub peak_changes_to_mean: f64,
    /// Arrivals a spot in the busiest hour of any lot of a hundred spots or more, without jumps.
    pub rush: f64,
    /// Share of spots that are taken, on average.
    pub taken: f64,
    /// Share of arrivals that every other look misses, of those that lots show which are looked at often.
    pub missed: f64,
}

/// Arrivals are what a display rose by between two looks: who came and went meanwhile is not in it.
#[must_use]
pub fn facts(week: &Week) -> Facts {
    let spots: f64 = week.stories.iter().map(|story| f64::from(story.lot.number_of_spots)).sum();
    let (mut arrivals, mut changes) = (vec![0.0; HOURS], vec![0.0; HOURS]);
    let (mut steady, mut rush, mut taken) = (0.0, 0.0_f64, 0.0);
    for story in &week.stories {
        let own = f64::from(story.lot.number_of_spots);
        let mut hours = vec![0.0; HOURS];
        for (hour, rise) in rises(story) {
            changes[hour] += rise.abs();
            arrivals[hour] += rise.max(0.0);
            if rise.abs() <= own * JUMP_MAX {
                hours[hour] += rise.max(0.0);
                steady += rise.max(0.0);
            }
        }
        if own >= 100.0 {
            rush = hours.into_iter().fold(rush, |most, hour| most.max(hour / own));
        }
        taken += mean(story.moments.iter().map(|moment| f64::from(moment.occupied)));
    }
    let often = || week.stories.iter().filter(|story| story.moments.len() >= OFTEN);
    let seen = |step: usize| often().map(|story| arrivals_seen(story, step)).sum::<f64>();
    let sum = |hours: &[f64]| hours.iter().sum::<f64>();
    let most = |hours: &[f64]| hours.iter().copied().fold(0.0, f64::max);
    let to_mean = |hours: &[f64]| most(hours) / (sum(hours) / count(HOURS));
    Facts {
        spots_a_lot: spots / count(week.stories.len()),
        turnover: sum(&arrivals) / spots / DAYS,
        turnover_without_jumps: steady / spots / DAYS,
        peak_arrivals: most(&arrivals) / spots,
        peak_arrivals_to_mean: to_mean(&arrivals),
        peak_changes: most(&changes) / spots,
        peak_changes_to_mean: to_mean(&changes),
        rush,
        taken: taken / spots,
        missed: 1.0 - seen(2) / seen(1).max(1.0),
    }
}

/// Arrivals without jumps, when only every `step`th look is taken.
fn arrivals_seen(story: &Story, step: usize) -> f64 {
    let most = f64::from(story.lot.number_of_spots) * JUMP_MAX;
    let looks: Vec<f64> =
        story.moments.iter().step_by(step).map(|moment| f64::from(moment.occupied)).collect();
    looks.windows(2).map(|pair| pair[1] - pair[0]).filter(|rise| (0.0..=most).contains(rise)).sum()
}

/// From the second look on, the hour of the week and by how many more were parked; fewer, if below zero.
/// What the first look saw had arrived before.
fn rises(story: &Story) -> impl Iterator<Item = (usize, f64)> {
    story.moments.windows(2).filter_map(|pair| {
        let rise = f64::from(pair[1].occupied) - f64::from(pair[0].occupied);
        Some((hour_of_week(&pair[1].observed_at)?, rise))
    })
}

/// The week begins on Monday, 8 June 2026, in UTC.
fn hour_of_week(instant: &str) -> Option<usize> {
    let day: usize = instant.get(8..10)?.parse().ok()?;
    let hour: usize = instant.get(11..13)?.parse().ok()?;
    Some(day.checked_sub(8)? * 24 + hour).filter(|hour| *hour < HOURS)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, number) =
        values.fold((0.0, 0.0_f64), |(sum, number), value| (sum + value, number + 1.0));
    sum / number.max(1.0)
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred")]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Lot, Moment};

    fn story(spots: u32, looks: &[(&str, u32)]) -> Story {
        let lot = Lot {
            key: "a".into(),
            name: "Alpha".into(),
            city: "Bonn".into(),
            address: String::new(),
            number_of_spots: spots,
            latitude: None,
            longitude: None,
        };
        let moment = |(at, occupied): &(&str, u32)| Moment {
            observed_at: (*at).into(),
            occupied: *occupied,
            ..Moment::default()
        };
        Story { lot, moments: looks.iter().map(moment).collect() }
    }

    #[test]
    fn rises_are_arrivals_and_jumps_are_told_apart() {
        let looks = [
            ("2026-06-08T07:00:00Z", 50),
            ("2026-06-08T07:05:00Z", 60),
            ("2026-06-08T08:05:00Z", 55),
            ("2026-06-09T08:05:00Z", 90),
            ("2026-06-09T08:10:00Z", 0),
            ("2026-06-09T08:15:00Z", 90),
        ];
        let stories = vec![story(100, &looks)];
        let facts = facts(&Week { stories, arrivals: 0, departures: 0, observations: 0 });
        assert!((facts.turnover - 135.0 / 100.0 / 7.0).abs() < 1e-9, "{facts:?}");
        assert!((facts.turnover_without_jumps - 45.0 / 100.0 / 7.0).abs() < 1e-9, "{facts:?}");
        assert!((facts.peak_arrivals - 1.25).abs() < 1e-9, "{facts:?}");
        assert!((facts.peak_changes - 2.15).abs() < 1e-9, "{facts:?}");
        assert!((facts.rush - 0.35).abs() < 1e-9, "{facts:?}");
    }
}
