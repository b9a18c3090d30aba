//! How wide the columns of a table are: as their content wants, if the page has room.

use super::layout::count;
use super::text::Line;
use super::{Align, Column};

/// Between two columns, in points.
const GAP: f32 = 14.0;
/// The smallest that letters become for the sake of many columns.
const SCALE_MIN: f32 = 0.7;

pub struct Grid {
    pub aligns: Vec<Align>,
    pub widths: Vec<f32>,
    pub gap: f32,
    /// Many columns are drawn smaller.
    pub scale: f32,
}

impl Grid {
    /// For titles and rows, each with the size of their letters, on so many points.
    pub fn new(
        columns: &[Column],
        (titles, title_size): (&[Line], f32),
        (rows, cell_size): (&[Vec<Line>], f32),
        width: f32,
    ) -> Self {
        let mut natural = Vec::with_capacity(columns.len());
        let mut least = Vec::with_capacity(columns.len());
        for (index, (column, title)) in columns.iter().zip(titles).enumerate() {
            let mut wished = title.width() * title_size;
            let mut needed = title.longest_word() * title_size;
            for cell in rows.iter().map(|row| &row[index]) {
                let cell_width = cell.width() * cell_size;
                wished = wished.max(cell_width);
                needed = needed.max(match column.align {
                    Align::Left => cell.longest_word() * cell_size,
                    Align::Right => cell_width,
                });
            }
            natural.push(wished);
            least.push(needed);
        }
        let gaps = GAP * (count(columns.len()) - 1.0);
        let scale = (width / (least.iter().sum::<f32>() + gaps)).clamp(SCALE_MIN, 1.0);
        for width in natural.iter_mut().chain(&mut least) {
            *width *= scale;
        }
        let widths = share(&natural, &least, (width - gaps * scale).max(0.0));
        let aligns = columns.iter().map(|column| column.align).collect();
        Self { aligns, widths, gap: GAP * scale, scale }
    }
}

/// Shares `free` between columns that would like `natural` and need `least`.
fn share(natural: &[f32], least: &[f32], free: f32) -> Vec<f32> {
    let total: f32 = natural.iter().sum();
    let needed: f32 = least.iter().sum();
    if total <= 0.0 {
        return vec![free / count(natural.len()); natural.len()];
    }
    if total <= free {
        return natural.iter().map(|width| width * free / total).collect();
    }
    if needed >= free {
        return least.iter().map(|width| width * free / needed).collect();
    }
    // The wide give way: the bound that is on them is found by halving.
    let bounded = |bound: f32| {
        natural.iter().zip(least).map(move |(natural, least)| natural.min(bound).max(*least))
    };
    let (mut low, mut high) = (0.0, free);
    for _ in 0..24 {
        let middle = f32::midpoint(low, high);
        if bounded(middle).sum::<f32>() > free {
            high = middle;
        } else {
            low = middle;
        }
    }
    bounded(low).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_shared_out_and_the_wide_give_way_first() {
        assert_eq!(share(&[10.0, 30.0], &[5.0, 5.0], 80.0), [20.0, 60.0]);
        assert_eq!(share(&[0.0, 0.0], &[0.0, 0.0], 80.0), [40.0, 40.0]);
        assert_eq!(share(&[90.0, 90.0], &[50.0, 150.0], 100.0), [25.0, 75.0]);
        let widths = share(&[20.0, 500.0, 300.0], &[20.0, 50.0, 50.0], 220.0);
        for (width, expected) in widths.iter().zip([20.0, 100.0, 100.0]) {
            assert!((width - expected).abs() < 0.01, "{widths:?}");
        }
    }
}
