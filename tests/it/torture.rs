//! How much a test does that could go on for hours.

/// `short` in `make test`, `full` where the environment has `TORTURE=full`.
pub fn scale(short: usize, full: usize) -> usize {
    if std::env::var("TORTURE").is_ok_and(|torture| torture == "full") { full } else { short }
}
