//! Reports as letters and as PDF, in the reader's language.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{HourLoad, LotMonth, LotTotals, Month, OperatorReport, Report, Totals, WeekTotals};
use crate::locale::Language::{En, Hi};
use crate::locale::{Language, Locale};
use crate::mail::Recipient;
use crate::mail::letter::Letter;
use crate::pdf::{Align, Bar, Block, Column, Document, Fact};
use crate::users::Spend;

/// Lots in a letter; the page has all.
const LOTS_MAX: usize = 10;

/// The words of both kinds of report.
struct Words {
    bookings: &'static str,
    parked: &'static str,
    spend: &'static str,
    revenue: &'static str,
    most_used: &'static str,
    lot: &'static str,
    lots: &'static str,
    week: &'static str,
    weeks: &'static str,
    spots: &'static str,
    occupancy: &'static str,
    turnover: &'static str,
    hours: &'static str,
    open: &'static str,
    show: &'static str,
    none: &'static str,
}

fn words(language: Language) -> Words {
    match language {
        En => Words {
            bookings: "Bookings",
            parked: "Hours parked",
            spend: "Spend",
            revenue: "Revenue",
            most_used: "Most used lot",
            lot: "Lot",
            lots: "By lot",
            week: "Week from",
            weeks: "By week",
            spots: "Spots",
            occupancy: "Occupancy",
            turnover: "Bookings per spot",
            hours: "Vehicles parked, by hour of the day",
            open: "Still open",
            show: "Open the report",
            none: "–",
        },
        Hi => Words {
            bookings: "बुकिंग",
            parked: "पार्किंग के घंटे",
            spend: "खर्च",
            revenue: "आय",
            most_used: "सबसे ज़्यादा इस्तेमाल",
            lot: "पार्किंग स्थल",
            lots: "स्थल के अनुसार",
            week: "सप्ताह",
            weeks: "सप्ताह के अनुसार",
            spots: "जगहें",
            occupancy: "भराव",
            turnover: "प्रति जगह बुकिंग",
            hours: "दिन के घंटे के अनुसार पार्क गाड़ियाँ",
            open: "अभी खुली",
            show: "रिपोर्ट खोलें",
            none: "–",
        },
    }
}

fn money(locale: &Locale, spend: &[Spend]) -> String {
    let amounts: Vec<_> =
        spend.iter().map(|spend| locale.money(spend.amount_minor, spend.currency)).collect();
    if amounts.is_empty() { words(locale.language).none.into() } else { amounts.join(" + ") }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

/// How a figure compares with the month before, as in `+12 % on September`.
fn change(locale: &Locale, now: i64, before: i64, month: Month) -> Option<String> {
    if before == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rounded percentage")]
    let percent = (now - before) as f64 / before as f64 * 100.0;
    let name = locale.month(month.before().first_day());
    Some(match locale.language {
        En => format!("{percent:+.0} % on {name}"),
        Hi => format!("{name} से {percent:+.0} %"),
    })
}

/// The amount, if it is all in one currency.
fn amount(spend: &[Spend]) -> i64 {
    match spend {
        [one] => one.amount_minor,
        _ => 0,
    }
}

/// Name, value, and how it compares.
type Figure = (&'static str, String, Option<String>);

fn figures(
    locale: &Locale,
    month: Month,
    spend: &'static str,
    now: &Totals,
    before: &Totals,
    open: i64,
) -> Vec<Figure> {
    let words = words(locale.language);
    let same_currency = now.spend.first().map(|spend| spend.currency)
        == before.spend.first().map(|spend| spend.currency);
    let compared = change(locale, amount(&now.spend), amount(&before.spend), month);
    let mut figures = vec![
        (
            words.bookings,
            locale.number(now.bookings),
            change(locale, now.bookings, before.bookings, month),
        ),
        (
            words.parked,
            locale.hours(now.minutes),
            change(locale, now.minutes, before.minutes, month),
        ),
        (spend, money(locale, &now.spend), compared.filter(|_| same_currency)),
    ];
    if open > 0 {
        figures.push((words.open, locale.number(open), None));
    }
    figures
}

fn title(language: Language, month: &str, is_operator: bool) -> String {
    match (language, is_operator) {
        (En, false) => format!("Your parking in {month}"),
        (En, true) => format!("Parking operations in {month}"),
        (Hi, false) => format!("{month} में आपकी पार्किंग"),
        (Hi, true) => format!("{month} में पार्किंग संचालन"),
    }
}

fn lots_table(locale: &Locale, lots: &[LotTotals]) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let words = words(locale.language);
    let rows = lots.iter().map(|LotTotals { lot, totals, .. }| {
        vec![
            lot.clone(),
            locale.number(totals.bookings),
            locale.hours(totals.minutes),
            money(locale, &totals.spend),
        ]
    });
    (vec![words.lot, words.bookings, words.parked, words.spend], rows.collect())
}

fn weeks_table(locale: &Locale, weeks: &[WeekTotals]) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let words = words(locale.language);
    let rows = weeks.iter().map(|WeekTotals { from, totals }| {
        vec![
            day(locale, *from),
            locale.number(totals.bookings),
            locale.hours(totals.minutes),
            money(locale, &totals.spend),
        ]
    });
    (vec![words.week, words.bookings, words.parked, words.spend], rows.collect())
}

fn day(locale: &Locale, date: Date) -> String {
    locale.date(date)
}

fn operator_table(locale: &Locale, lots: &[LotMonth]) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let words = words(locale.language);
    let rows = lots.iter().map(|lot| {
        vec![
            lot.lot.clone(),
            locale.number(lot.number_of_spots),
            locale.number(lot.totals.bookings),
            percent(lot.occupancy),
            format!("{:.1}", lot.turnover),
            money(locale, &lot.totals.spend),
        ]
    });
    let head =
        [words.lot, words.spots, words.bookings, words.occupancy, words.turnover, words.revenue];
    (head.to_vec(), rows.collect())
}

fn facts(letter: Letter, figures: Vec<Figure>) -> Letter {
    letter.facts(figures.into_iter().map(|(name, value, change)| {
        (name, change.map_or(value.clone(), |change| format!("{value} ({change})")))
    }))
}

fn table(letter: Letter, (head, rows): (Vec<&'static str>, Vec<Vec<String>>)) -> Letter {
    let head = head.into_iter().map(ToOwned::to_owned).collect();
    letter.table([vec![head], rows].concat())
}

/// A person's month as a letter.
#[must_use]
pub fn letter(to: &Recipient, month: Month, report: &Report) -> Letter {
    let (locale, words) = (&to.locale, words(to.language()));
    let title = title(to.language(), &locale.month(month.first_day()), false);
    let mut all = figures(
        locale,
        month,
        words.spend,
        &report.totals,
        &report.month_before,
        report.open_bookings,
    );
    if let Some(lot) = report.lots.first() {
        all.push((words.most_used, lot.lot.clone(), None));
    }
    let letter = facts(Letter::new(to.language(), title), all);
    let some = report.lots.len().min(LOTS_MAX);
    let letter = table(letter, lots_table(locale, &report.lots[..some]));
    let letter = table(letter, weeks_table(locale, &report.weeks));
    letter.page(words.show, format!("/reports/{month}"))
}

/// The operator's month as a letter.
#[must_use]
pub fn operator_letter(to: &Recipient, month: Month, report: &OperatorReport) -> Letter {
    let (locale, words) = (&to.locale, words(to.language()));
    let title = title(to.language(), &locale.month(month.first_day()), true);
    let mut all = figures(
        locale,
        month,
        words.revenue,
        &report.totals,
        &report.month_before,
        report.open_bookings,
    );
    if let Some(busiest) = busiest(&report.hours) {
        let name = to.language().pick("Busiest hour", "सबसे व्यस्त घंटा");
        all.push((name, busiest, None));
    }
    let letter = facts(Letter::new(to.language(), title), all);
    let some = report.lots.len().min(LOTS_MAX);
    let (mut head, mut rows) = operator_table(locale, &report.lots[..some]);
    // A phone is too narrow for all of it: without the spots and the turnover.
    for number in [4, 1] {
        head.remove(number);
        for row in &mut rows {
            row.remove(number);
        }
    }
    let letter = table(letter, (head, rows));
    letter.page(words.show, format!("/admin/reports/{month}"))
}

fn hour(hour: i64) -> String {
    format!("{hour:02}:00")
}

/// As in 17:00–18:00.
fn busiest(hours: &[HourLoad]) -> Option<String> {
    let busiest = hours.iter().max_by(|a, b| a.parked.total_cmp(&b.parked))?;
    (busiest.parked > 0.0)
        .then(|| format!("{}–{}", hour(busiest.hour), hour((busiest.hour + 1) % 24)))
}

fn tiles(figures: Vec<Figure>) -> Block {
    let fact = |(label, value, note): Figure| Fact { label: label.into(), value, note };
    Block::Facts(figures.into_iter().map(fact).collect())
}

fn columns((head, rows): (Vec<&'static str>, Vec<Vec<String>>)) -> Block {
    let column = |(place, title): (usize, &str)| Column {
        title: title.into(),
        align: if place == 0 { Align::Left } else { Align::Right },
    };
    Block::Table { columns: head.into_iter().enumerate().map(column).collect(), rows }
}

fn document(
    locale: &Locale,
    title: String,
    subtitle: String,
    made_at: Timestamp,
    blocks: Vec<Block>,
) -> Document<'static> {
    Document {
        title,
        subtitle,
        language: locale.language.as_str(),
        created: Some(made_at),
        footer: "Parking".into(),
        page_label: locale.language.pick("Page {n} of {m}", "पृष्ठ {n} / {m}").into(),
        blocks,
    }
}

/// A person's month as a document.
#[must_use]
pub fn report_document(
    locale: &Locale,
    name: &str,
    month: Month,
    report: &Report,
) -> Document<'static> {
    let words = words(locale.language);
    let mut all = figures(
        locale,
        month,
        words.spend,
        &report.totals,
        &report.month_before,
        report.open_bookings,
    );
    if let Some(lot) = report.lots.first() {
        all.push((words.most_used, lot.lot.clone(), None));
    }
    let blocks = vec![
        tiles(all),
        Block::Heading(words.lots.into()),
        columns(lots_table(locale, &report.lots)),
        Block::Heading(words.weeks.into()),
        columns(weeks_table(locale, &report.weeks)),
    ];
    let title = title(locale.language, &locale.month(month.first_day()), false);
    let subtitle = format!("{name} · {}", locale.time(report.created_at));
    document(locale, title, subtitle, report.created_at, blocks)
}

/// The operator's month as a document.
#[must_use]
pub fn operator_document(
    locale: &Locale,
    month: Month,
    report: &OperatorReport,
) -> Document<'static> {
    let words = words(locale.language);
    let all = figures(
        locale,
        month,
        words.revenue,
        &report.totals,
        &report.month_before,
        report.open_bookings,
    );
    let bars = report.hours.iter().map(|load| Bar {
        label: hour(load.hour),
        value: load.parked,
        text: format!("{:.1}", load.parked),
    });
    let blocks = vec![
        tiles(all),
        Block::Heading(words.lots.into()),
        columns(operator_table(locale, &report.lots)),
        Block::Heading(words.hours.into()),
        Block::Bars { rows: bars.collect() },
    ];
    let title = title(locale.language, &locale.month(month.first_day()), true);
    let subtitle = locale.time(report.created_at);
    document(locale, title, subtitle, report.created_at, blocks)
}
