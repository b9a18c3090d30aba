//! What is reckoned with: `bench/model.toml`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// How far a figure can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    Data,
    Benchmark,
    Measured,
    Counted,
    Assumed,
}

/// A figure with what it rests on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    pub value: f64,
    pub unit: String,
    pub certainty: Certainty,
    pub source: String,
}

/// Groups of figures; each group is read by its name, so that none is missing and none is spare.
macro_rules! groups {
    ($($group:ident: $type:ident { $($name:ident),* $(,)? })*) => {
        $(
            #[derive(Debug, Clone, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $type { $(pub $name: Figure,)* }
        )*
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Parameters { $(pub $group: $type,)* }

        impl Parameters {
            /// All, in the order of the file: group, name, figure.
            pub fn all(&self) -> Vec<(&'static str, &'static str, &Figure)> {
                vec![$($((stringify!($group), stringify!($name), &self.$group.$name),)*)*]
            }
        }
    };
}

groups! {
    week: WeekFigures {
        spots_a_lot, turnover, turnover_without_jumps, peak_arrivals, peak_arrivals_to_mean,
        peak_changes, peak_changes_to_mean, rush, taken, missed,
    }
    people: People {
        bookings_a_month, lists, new_questions, own_pages, refreshes, sign_ins, listening, receipts,
        reports, reports_within,
    }
    server: ServerFigures {
        write_cpu, write_cpu_postgres, primary_cpu, page_cpu, list_cpu, sign_ins_a_hasher, lot_bytes, near_lot,
        reread_spot, reread_lot, reread_every, count_cpu, message, wake, tick, backlog, connections, mails,
        export_rows,
    }
    sqlite: Sqlite {
        writes, writes_slow, write_cpu_slow, raw, raw_slow, syncs, p50, p50_slow, p99, p99_slow,
        unchanged,
    }
    postgres: Postgres {
        statements, trips, statement, lanes, round_trip, sync,
    }
    storage: Storage { booking_bytes, key_bytes, token_bytes, token_days, postgres_factor, years, reference_bits }
    machine: MachineFigures {
        processors, processors_postgres, memory, disk, disk_postgres, load_max,
    }
    talk: Talk { tell, entries, delivery, hear, hear_change }
    price: Price { processor_hour, disk_month, copies, mail }
}

impl Parameters {
    /// # Errors
    /// When a figure is missing, unknown or malformed.
    pub fn read(path: &Path, benchmarks: &Path) -> Result<Self> {
        let text = |path: &Path| {
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        };
        Self::of(&text(path)?, &text(benchmarks)?)
            .with_context(|| format!("{} is malformed", path.display()))
    }

    /// A figure without a value has that of `page`, which `make bench` wrote.
    fn of(text: &str, page: &str) -> Result<Self> {
        let mut groups: toml::Table = text.parse()?;
        let tables = groups.iter_mut().filter_map(|(_, group)| group.as_table_mut());
        for figure in tables.flat_map(toml::Table::iter_mut).filter_map(|(_, it)| it.as_table_mut())
        {
            if !figure.contains_key("value") {
                let source = figure.get("source").and_then(toml::Value::as_str).unwrap_or_default();
                let value = figure_in(page, source)
                    .with_context(|| format!("no figure is called \"{source}\""))?;
                figure.insert("value".into(), value.into());
            }
        }
        Ok(groups.try_into()?)
    }
}

/// `source` is a heading of the page, a colon, and the name of a figure below it; of several columns
/// also ` at ` and the name of one.
fn figure_in(page: &str, source: &str) -> Option<f64> {
    page.split("\n## ").find_map(|section| {
        let asked = source.strip_prefix(section.lines().next()?)?.strip_prefix(": ")?;
        let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
        let mut rows = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
        let columns = rows.next()?;
        let (name, column) = asked
            .rsplit_once(" at ")
            .and_then(|(name, at)| Some((name, columns.iter().position(|column| *column == at)?)))
            .unwrap_or((asked, 1));
        let row = rows.find(|row| row[0] == name)?;
        row.get(column)?.split(' ').next()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Benchmarks\n\n## Park and release, here\n\n| figure | measured |\n\
                        | --- | ---: |\n| 200: answers | 17043 /s |  |\n\n## Signing in\n\n\
                        | figure | by one | by two | goal |\n| --- | ---: | ---: | --- |\n\
                        | sign-ins | 49.2 /s | 98.4 /s |  |\n";

    #[test]
    fn a_figure_is_found_by_its_heading_and_its_name() {
        assert_eq!(figure_in(PAGE, "Park and release, here: 200: answers"), Some(17043.0));
        assert_eq!(figure_in(PAGE, "Signing in: sign-ins"), Some(49.2));
        assert_eq!(figure_in(PAGE, "Signing in: sign-ins at by two"), Some(98.4));
        assert_eq!(figure_in(PAGE, "Signing in: 200: answers"), None);
    }

    #[test]
    fn a_figure_without_a_value_has_that_of_the_page() {
        let text = super::super::tests::text("bench/model.toml");
        let of =
            |page: &str| Parameters::of(&text, page).map(|all| all.server.sign_ins_a_hasher.value);
        let page = super::super::tests::text("docs/BENCHMARKS.md");
        let measured_anew = page.replace("| sign-ins | ", "| sign-ins | 1");
        assert!(of(&measured_anew).unwrap() > of(&page).unwrap() + 99.0);
        let error = format!("{:#}", of(PAGE).unwrap_err());
        assert!(error.contains("no figure is called"), "{error}");
    }
}
