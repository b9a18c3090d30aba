//! The figures of a run: a table on the screen, and a page for people.

use std::fmt::{self, Write};
use std::time::Duration;

use anyhow::{Context, Result};

#[derive(Debug, Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// Measured to be known.
    None,
}

impl Goal {
    fn holds(self, value: f64) -> Option<bool> {
        match self {
            Self::AtLeast(bound) => Some(value >= bound),
            Self::AtMost(bound) => Some(value <= bound),
            Self::None => None,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(out, "≥ {bound}"),
            Self::AtMost(bound) => write!(out, "≤ {bound}"),
            Self::None => Ok(()),
        }
    }
}

/// Which of a figure's values a goal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    All,
    /// The value of this column.
    Only(usize),
}

/// A row of a section: a value for each of its columns, with its unit.
struct Figure {
    name: String,
    values: Vec<(f64, &'static str)>,
    goal: Goal,
    judged: Judged,
}

impl Figure {
    /// Whether the goal is reached, if there is one.
    fn holds(&self) -> Option<bool> {
        let mut judged = self.values.iter().enumerate().filter(|(column, _)| match self.judged {
            Judged::All => true,
            Judged::Only(only) => only == *column,
        });
        judged.try_fold(true, |all, (_, (value, _))| Some(all && self.goal.holds(*value)?))
    }

    /// Its name, its values, its goal and whether that is reached.
    fn cells(&self, columns: &[String]) -> Vec<String> {
        let goal = match (self.goal, self.judged) {
            (Goal::None, _) | (_, Judged::All) => self.goal.to_string(),
            (goal, Judged::Only(column)) => format!("{goal} at {}", columns[column]),
        };
        let verdict = match self.holds() {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        let value =
            |(value, unit): &(f64, &str)| format!("{} {unit}", short(*value)).trim_end().to_owned();
        let mut cells = vec![self.name.clone()];
        cells.extend(self.values.iter().map(value));
        cells.extend([goal, verdict.to_owned()]);
        cells
    }
}

/// Three or four significant digits, and no exponent.
fn short(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

struct Section {
    title: String,
    columns: Vec<String>,
    figures: Vec<Figure>,
}

#[derive(Default)]
pub struct Report {
    sections: Vec<Section>,
}

impl Report {
    pub fn section(&mut self, title: impl Into<String>) {
        self.table(title, &["measured".to_owned()]);
    }

    /// A section whose figures have a value in each of these columns.
    pub fn table(&mut self, title: impl Into<String>, columns: &[String]) {
        let title = title.into();
        println!("\n{title}");
        if columns.len() > 1 {
            show("", columns, "", "");
        }
        self.sections.push(Section { title, columns: columns.to_vec(), figures: Vec::new() });
    }

    /// Adds a figure to the last section and shows it.
    pub fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str, goal: Goal) {
        self.row(name, &[(value, unit)], goal, Judged::All);
    }

    /// Adds a figure with a value for each column of the last section.
    pub fn row(
        &mut self,
        name: impl Into<String>,
        values: &[(f64, &'static str)],
        goal: Goal,
        judged: Judged,
    ) {
        let figure = Figure { name: name.into(), values: values.to_vec(), goal, judged };
        if let Some(section) = self.sections.last_mut() {
            if let [name, values @ .., goal, verdict] = &figure.cells(&section.columns)[..] {
                show(name, values, goal, verdict);
            }
            section.figures.push(figure);
        }
    }

    /// How many figures miss their goal.
    pub fn missed(&self) -> usize {
        let figures = self.sections.iter().flat_map(|section| &section.figures);
        figures.filter(|figure| figure.holds() == Some(false)).count()
    }

    /// The page `docs/BENCHMARKS.md`. `versions` are those of the programs that took part.
    pub fn page(&self, versions: &str, took: Duration) -> Result<String> {
        let mut page = String::from(INTRODUCTION);
        writeln!(page, "\n{}.", machine()?)?;
        writeln!(page, "Measured: {versions}.")?;
        writeln!(page, "The whole run took {} minutes.", took.as_secs().div_ceil(60))?;
        for section in &self.sections {
            page.push_str(&section.page()?);
        }
        Ok(page)
    }

    /// An earlier page, whose sections of the same titles are replaced by these.
    ///
    /// # Errors
    /// When it has no such section.
    pub fn replace_in(&self, page: &str) -> Result<String> {
        let mut page = page.to_owned();
        for section in &self.sections {
            let begin = page
                .find(&section.heading())
                .with_context(|| format!("the page has no section {:?}", section.title))?;
            let rest = &page[begin + 1..];
            let end = rest.find("\n## ").map_or(page.len(), |next| begin + 1 + next);
            let again = format!("{}\nMeasured again by itself.\n", section.page()?);
            page.replace_range(begin..end, &again);
        }
        Ok(page)
    }
}

impl Section {
    fn heading(&self) -> String {
        format!("\n## {}\n", self.title)
    }

    fn page(&self) -> Result<String> {
        let Self { columns, figures, .. } = self;
        let rules = " ---: |".repeat(columns.len());
        let columns_named = columns.join(" | ");
        let mut page = self.heading();
        writeln!(page, "\n| figure | {columns_named} | goal | reached |")?;
        writeln!(page, "| --- |{rules} --- | --- |")?;
        for figure in figures {
            writeln!(page, "| {} |", figure.cells(columns).join(" | "))?;
        }
        Ok(page)
    }
}

/// A row on the screen.
fn show(name: &str, values: &[String], goal: &str, verdict: &str) {
    print!("  {name:<48}");
    for value in values {
        print!(" {value:>15}");
    }
    println!("  {goal:<20} {verdict}");
}

const INTRODUCTION: &str = "\
# Benchmarks

Written by `make bench`: measure again rather than believe. The clients share the machine with the
server and the databases. Every figure is the median of several rounds, and a ratio compares two
things measured in turns in the same run. A request is one half of a booking: parking, or leaving.
The letters:

- **D**: 4 KiB writes a second to the same disk, each with its own `fdatasync`.
- **W**: the same statements as the server's a second, in the same group commit, by as many callers,
  through `rusqlite` alone: no HTTP, no tokens, no JSON.
- **T**: the same statements on PostgreSQL by as many callers through `tokio-postgres` alone, each
  with a connection and a transaction of its own.
- **P**: the same statements on the same PostgreSQL by `pgbench` with as many clients, prepared.
- **H**: a plain axum server, a process of its own, that returns the same bytes from memory.

PostgreSQL is a private one with its own settings, durable as it comes, but for what its
documentation recommends for a machine: a quarter of the memory as `shared_buffers`, a
`random_page_cost` of 1.1, as for a disk without heads, and more `max_wal_size` and
`maintenance_work_mem` to fill it. `vacuum analyze` has run before anything is measured, as autovacuum
sees to within minutes. *CPU each* is what the server itself takes for a request. Three servers on
these processors have `DATABASE_LANES=1` each; one alone has as many lanes as it takes, and beside them
is one with as many lanes as the three together.

With *syncs of 1 ms* the data lies on a tmpfs and a preloaded library makes every sync cost one
millisecond, for the server, D and W alike: the same disk on every machine at every hour.

With *many bookings* the same hundred lots have had 10 thousand up to 20 million bookings in a year,
200 for each person, and the figures are asked for in turns. They are p50 of one client.
Statistics are read from what is counted for each quarter of an hour, and for each lot's day: ten
thousand bookings leave most of these empty, a million fill them.
";

/// Processor, cores, memory and kernel.
fn machine() -> Result<String> {
    let read =
        |path: &str| std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let after = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
    };
    let model =
        after(&read("/proc/cpuinfo")?, "model name").unwrap_or_else(|| "unknown processor".into());
    let cores = std::thread::available_parallelism()?;
    let memory = memory_kib()?;
    let kernel = read("/proc/sys/kernel/osrelease")?;
    let kernel = kernel.split('-').next().unwrap_or_default().trim();
    Ok(format!(
        "Machine: {cores} cores ({model}), {} GiB of memory, Linux {kernel}",
        memory.div_ceil(1024 * 1024)
    ))
}

pub fn memory_kib() -> Result<u64> {
    let memory = std::fs::read_to_string("/proc/meminfo").context("cannot read /proc/meminfo")?;
    let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    Ok(total.context("no MemTotal")?.trim().trim_end_matches(" kB").parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_figures_goals_and_verdicts() {
        let mut report = Report::default();
        report.section("Bookings");
        report.add("rate / W", 0.614, "", Goal::AtLeast(0.5));
        report.add("server CPU each", 72.31, "us", Goal::AtMost(60.0));
        report.add("D", 1234.5, "/s", Goal::None);
        report.table("Sizes", &["10".into(), "20".into()]);
        report.row("page", &[(1.0, "us"), (1.5, "")], Goal::AtMost(1.3), Judged::Only(1));
        report.row("list", &[(1.0, "us"), (1.5, "")], Goal::AtMost(1.3), Judged::Only(0));
        let page = report.page("parking 0.1.0", Duration::from_secs(61)).unwrap();
        assert!(page.contains("## Bookings\n\n| figure | measured | goal | reached |"), "{page}");
        assert!(page.contains("| rate / W | 0.61 | ≥ 0.5 | yes |"), "{page}");
        assert!(page.contains("| server CPU each | 72.3 us | ≤ 60 | no |"), "{page}");
        assert!(page.contains("| D | 1234 /s |  |  |"), "{page}");
        assert!(page.contains("| figure | 10 | 20 | goal | reached |"), "{page}");
        assert!(page.contains("| page | 1.00 us | 1.50 | ≤ 1.3 at 20 | no |"), "{page}");
        assert!(page.contains("| list | 1.00 us | 1.50 | ≤ 1.3 at 10 | yes |"), "{page}");
        assert!(page.contains("took 2 minutes"), "{page}");
        assert_eq!(report.missed(), 2);
    }

    #[test]
    fn a_section_that_is_measured_again_takes_the_place_of_the_earlier_one() {
        let of = |sections: &[(&str, f64)]| {
            let mut report = Report::default();
            for (title, value) in sections {
                report.section(*title);
                report.add("rate", *value, "", Goal::None);
            }
            report
        };
        let versions = "parking 0.1.0";
        let page = of(&[("A", 1.0), ("B", 2.0), ("C", 3.0)]);
        let page = page.page(versions, Duration::from_secs(61)).unwrap();
        let page = of(&[("C", 6.0), ("B", 5.0)]).replace_in(&page).unwrap();
        let figures = page.split_once("## A").unwrap().1;
        assert_eq!(
            figures.lines().filter(|line| line.contains("rate")).collect::<Vec<_>>(),
            ["| rate | 1.00 |  |  |", "| rate | 5.00 |  |  |", "| rate | 6.00 |  |  |"]
        );
        assert!(figures.contains("Measured again by itself.\n\n## C\n\n| figure"), "{figures}");
        assert!(of(&[("D", 1.0)]).replace_in(&page).is_err());
    }
}
