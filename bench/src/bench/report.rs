//! The figures of a run: a table on the screen, and a page for people.

use std::fmt::{self, Write};

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

struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    goal: Goal,
}

impl Figure {
    fn cells(&self) -> [String; 4] {
        let verdict = match self.goal.holds(self.value) {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        let value = format!("{} {}", short(self.value), self.unit);
        [self.name.clone(), value.trim_end().into(), self.goal.to_string(), verdict.into()]
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

#[derive(Default)]
pub struct Report {
    sections: Vec<(String, Vec<Figure>)>,
}

impl Report {
    pub fn section(&mut self, title: impl Into<String>) {
        let title = title.into();
        println!("\n{title}");
        self.sections.push((title, Vec::new()));
    }

    /// Adds a figure to the last section and shows it.
    pub fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str, goal: Goal) {
        let figure = Figure { name: name.into(), value, unit, goal };
        let [name, value, goal, verdict] = figure.cells();
        println!("  {name:<68} {value:>16}  {goal:<8} {verdict}");
        if let Some((_, figures)) = self.sections.last_mut() {
            figures.push(figure);
        }
    }

    /// How many figures miss their goal.
    pub fn missed(&self) -> usize {
        let figures = self.sections.iter().flat_map(|(_, figures)| figures);
        figures.filter(|figure| figure.goal.holds(figure.value) == Some(false)).count()
    }

    /// The page `docs/BENCHMARKS.md`.
    pub fn page(&self, version: &str) -> Result<String> {
        let mut page = String::from(INTRODUCTION);
        writeln!(page, "\n{}, SQLite {}.", machine()?, rusqlite::version())?;
        writeln!(page, "Measured: {version}.")?;
        for (title, figures) in &self.sections {
            writeln!(
                page,
                "\n## {title}\n\n| figure | measured | goal | reached |\n| --- | ---: | --- | --- |"
            )?;
            for figure in figures {
                writeln!(page, "| {} |", figure.cells().join(" | "))?;
            }
        }
        Ok(page)
    }
}

const INTRODUCTION: &str = "\
# Benchmarks

Written by `make bench`: measure again rather than believe. The clients share the machine with the
server. Every figure is the median of several rounds, and a ratio compares two things measured in
turns in the same run:

- **D**: 4 KiB writes a second to the same disk, each with its own `fdatasync`.
- **W**: the same statements as the server's a second, in the same group commit, by as many callers,
  through `rusqlite` alone: no HTTP, no tokens, no JSON.
- **H**: a plain axum server, a process of its own, that returns the same bytes from memory.

With *syncs of 1 ms* the data lies on a tmpfs and a preloaded library makes every sync cost one
millisecond, for the server, D and W alike: the same disk on every machine at every hour.
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
    let memory = after(&read("/proc/meminfo")?, "MemTotal").context("no MemTotal")?;
    let memory: u64 = memory.trim_end_matches(" kB").parse()?;
    let kernel = read("/proc/sys/kernel/osrelease")?;
    let kernel = kernel.split('-').next().unwrap_or_default().trim();
    Ok(format!(
        "Machine: {cores} cores ({model}), {} GiB of memory, Linux {kernel}",
        memory.div_ceil(1024 * 1024)
    ))
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
        let page = report.page("parking 0.1.0").unwrap();
        assert!(page.contains("## Bookings"));
        assert!(page.contains("| rate / W | 0.61 | ≥ 0.5 | yes |"), "{page}");
        assert!(page.contains("| server CPU each | 72.3 us | ≤ 60 | no |"), "{page}");
        assert!(page.contains("| D | 1234 /s |  |  |"), "{page}");
        assert_eq!(report.missed(), 1);
    }
}
