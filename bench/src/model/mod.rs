//! How far the product goes, and what ends first: simulation and arithmetic, from the figures in
//! `bench/model.toml` to the tables of `docs/SCALING.md`.
//!
//! [`week`] is the load, [`ladder`] what ends at which factor of ten, [`lane`] how long commands wait, [`checks`] the
//! model beside what was measured ([`closed`]), [`measure`] the few figures that `bench` does not have.

mod checks;
mod closed;
mod ladder;
mod lane;
mod measure;
mod parameters;
mod random;
mod tables;
mod week;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::parameters::{Figure, Parameters};
use crate::data::Week;

#[derive(Args)]
pub struct Arguments {
    /// What is reckoned with.
    #[arg(long, default_value = "bench/model.toml")]
    parameters: PathBuf,
    /// The paper whose tables are written.
    #[arg(long, default_value = "docs/SCALING.md")]
    paper: PathBuf,
    /// The page that `bench` wrote, which has the figures that the parameters leave out.
    #[arg(long, default_value = "docs/BENCHMARKS.md")]
    benchmarks: PathBuf,
    /// Write nothing; fail when the paper's tables are not what comes out.
    #[arg(long)]
    check: bool,
    /// Only show what a week of real car parks says, from the folder that `replay` takes.
    #[arg(long, conflicts_with_all = ["check", "measure"])]
    data: Option<PathBuf>,
    /// Only measure the figures that `bench` does not have, with the program at --bin.
    #[arg(long, conflicts_with = "check")]
    measure: bool,
    /// The server program.
    #[arg(long, default_value = "target/release/parking")]
    bin: PathBuf,
}

/// # Errors
/// When a file cannot be read or written, or with `--check` the paper is stale.
pub fn run(arguments: &Arguments) -> Result<()> {
    if let Some(folder) = &arguments.data {
        println!("{:#?}", week::facts(&Week::read(folder)?));
        return Ok(());
    }
    if arguments.measure {
        return crate::until_interrupted(measure::run(&arguments.bin));
    }
    let parameters = Parameters::read(&arguments.parameters, &arguments.benchmarks)?;
    for (group, name, figure) in parameters.all() {
        let certainty = format!("{:?}", figure.certainty).to_lowercase();
        let name = format!("{group}.{name}");
        let Figure { value, unit, source, .. } = figure;
        println!("{name:<30} {value:>10} {unit:<40} {certainty:<10} {source}");
    }
    let all = tables::all(&parameters);
    for (name, table) in &all {
        println!("\n{name}\n{table}");
    }
    let before = fs::read_to_string(&arguments.paper)
        .with_context(|| format!("cannot read {}", arguments.paper.display()))?;
    let after = tables::put(&before, &all)?;
    let paper = arguments.paper.display();
    if arguments.check {
        ensure!(before == after, "the tables of {paper} are stale: make model writes them");
    } else {
        fs::write(&arguments.paper, after).with_context(|| format!("cannot write {paper}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    pub fn root(file: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
    }

    pub fn text(file: &str) -> String {
        fs::read_to_string(root(file)).unwrap()
    }

    pub fn parameters() -> Parameters {
        Parameters::read(&root("bench/model.toml"), &root("docs/BENCHMARKS.md")).unwrap()
    }

    #[test]
    fn the_paper_has_the_tables_that_come_out() {
        let paper = text("docs/SCALING.md");
        let fresh = tables::put(&paper, &tables::all(&parameters())).unwrap();
        assert!(paper == fresh, "docs/SCALING.md is stale: make model writes its tables");
    }

    #[test]
    fn what_was_measured_comes_out_within_a_quarter() {
        let parameters = parameters();
        let checks = checks::checks(&parameters, checks::fit(&parameters));
        for check in checks.iter().filter(|check| !check.name.ends_with("p99")) {
            assert!(check.error().abs() < 0.25, "{check:?}: {}", check.error());
        }
    }

    #[test]
    fn the_week_is_what_the_parameters_say() {
        let folder = root("../shared/data/car-parks");
        if !folder.exists() {
            return; // a clone without the data
        }
        let facts = week::facts(&Week::read(&folder).unwrap());
        let week = parameters().week;
        for (known, written) in [
            (facts.spots_a_lot, &week.spots_a_lot),
            (facts.turnover, &week.turnover),
            (facts.turnover_without_jumps, &week.turnover_without_jumps),
            (facts.peak_arrivals, &week.peak_arrivals),
            (facts.peak_arrivals_to_mean, &week.peak_arrivals_to_mean),
            (facts.peak_changes, &week.peak_changes),
            (facts.peak_changes_to_mean, &week.peak_changes_to_mean),
            (facts.rush, &week.rush),
            (facts.taken, &week.taken),
            (facts.missed, &week.missed),
        ] {
            assert!(
                (written.value / known - 1.0).abs() < 0.01,
                "{known} is written as {written:?}"
            );
        }
    }
}
