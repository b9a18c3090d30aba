//! The form of an export: RFC 4180 with a byte order mark, so that spreadsheets take it as UTF-8.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;

use crate::bookings::Record;
use crate::db::Error;
use crate::users::Person;

/// The byte order mark and the names of the columns.
#[must_use]
pub fn head(everyone: bool) -> Vec<u8> {
    let mut head = String::from("\u{feff}reference,lot,spot,vehicle_plate");
    if everyone {
        head.push_str(",name,email");
    }
    head.push_str(",status,started_at,released_at,minutes,price_per_hour,cost,currency\r\n");
    head.into_bytes()
}

/// Rows of one piece of a file.
pub struct Rows<'a> {
    writer: csv::Writer<Vec<u8>>,
    everyone: bool,
    /// What an open booking has cost by then.
    now: Timestamp,
    zone: &'a TimeZone,
    cell: String,
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Query(format!("a row of a CSV file: {error}"))
}

impl<'a> Rows<'a> {
    #[must_use]
    pub fn new(everyone: bool, now: Timestamp, zone: &'a TimeZone) -> Self {
        let writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .buffer_capacity(64 * 1024)
            .from_writer(Vec::new());
        Self { writer, everyone, now, zone, cell: String::new() }
    }

    /// # Errors
    /// None that a caller can cause.
    pub fn add(&mut self, booking: &Record, person: Option<&Person>) -> Result<(), Error> {
        let (ended_at, cost_minor) = booking.released.unwrap_or_else(|| booking.release(self.now));
        let currency = booking.currency;
        self.text(&booking.reference)?;
        self.text(&booking.lot_name)?;
        self.text(&booking.spot_label)?;
        self.text(booking.vehicle_plate.as_deref().unwrap_or_default())?;
        if self.everyone {
            self.text(person.map_or("", |person| person.name.as_str()))?;
            self.text(person.map_or("", |person| person.email.as_str()))?;
        }
        self.plain(if booking.released.is_some() { "closed" } else { "open" })?;
        self.time(Some(booking.started_at))?;
        self.time(booking.released.map(|(at, _)| at))?;
        self.plain(&started_minutes(booking.started_at, ended_at).to_string())?;
        self.plain(&currency.decimal(booking.price.per_hour_minor))?;
        self.plain(&currency.decimal(cost_minor))?;
        self.plain(currency.as_str())?;
        self.writer.write_record(None::<&[u8]>).map_err(failed)
    }

    #[must_use]
    pub fn into_text(self) -> Vec<u8> {
        self.writer.into_inner().unwrap_or_default()
    }

    /// What this program wrote itself.
    fn plain(&mut self, cell: &str) -> Result<(), Error> {
        self.writer.write_field(cell).map_err(failed)
    }

    /// What somebody typed.
    fn text(&mut self, cell: &str) -> Result<(), Error> {
        if is_formula(cell) {
            self.cell.clear();
            self.cell.push('\'');
            self.cell.push_str(cell);
            self.writer.write_field(&self.cell).map_err(failed)
        } else {
            self.plain(cell)
        }
    }

    fn time(&mut self, at: Option<Timestamp>) -> Result<(), Error> {
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(0));
        self.cell.clear();
        if let Some(at) = at {
            let offset = self.zone.to_offset(at);
            PRINTER.print_timestamp_with_offset(&at, offset, &mut self.cell).map_err(failed)?;
        }
        self.writer.write_field(&self.cell).map_err(failed)
    }
}

/// Whether a spreadsheet would take the cell for a formula. With an apostrophe in front it does not.
/// Source: OWASP, CSV Injection.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// Minutes that have begun.
fn started_minutes(from: Timestamp, to: Timestamp) -> i64 {
    let seconds = to.duration_since(from).as_secs();
    (seconds + 59) / 60
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lots::tariff::{Price, Tariff};
    use uuid::Uuid;

    fn booking() -> Record {
        Record {
            id: Uuid::from_u128(1),
            reference: "7KQ2M4XB".into(),
            lot_id: Uuid::from_u128(2),
            lot_name: "Central".into(),
            spot_id: Uuid::from_u128(3),
            spot_label: "A01".into(),
            user_id: Some(Uuid::from_u128(4)),
            vehicle_plate: Some("MH12AB1234".into()),
            started_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            released: None,
            price: Price { per_hour_minor: 6050, tariff: Tariff::default() },
            currency: "INR".parse().unwrap(),
        }
    }

    fn row(booking: &Record, person: Option<&Person>) -> String {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let mut rows = Rows::new(person.is_some(), now, &zone);
        rows.add(booking, person).unwrap();
        String::from_utf8(rows.into_text()).unwrap()
    }

    #[test]
    fn times_bear_their_offset_and_amounts_are_exact() {
        let mut booking = booking();
        booking.released = Some(("2026-11-22T11:00:01Z".parse().unwrap(), 6151));
        assert_eq!(
            row(&booking, None),
            "7KQ2M4XB,Central,A01,MH12AB1234,closed,2026-11-22T15:30:00+05:30,\
             2026-11-22T16:30:01+05:30,61,60.50,61.51,INR\r\n"
        );
    }

    #[test]
    fn an_open_booking_has_no_end_and_its_cost_so_far() {
        assert!(row(&booking(), None).ends_with("+05:30,,120,60.50,121.00,INR\r\n"));
    }

    #[test]
    fn a_cell_that_a_spreadsheet_would_calculate_is_text() {
        let person = Person {
            id: Uuid::nil(),
            name: "=HYPERLINK(\"http://example.org\";\"x\")".into(),
            email: "@sum@example.org".into(),
        };
        let mut booking = booking();
        booking.lot_name = "-2+3".into();
        booking.vehicle_plate = Some("＋1".into());
        let row = row(&booking, Some(&person));
        for cell in [",'-2+3,", ",'＋1,", "\"'=HYPERLINK(\"\"http", ",'@sum@example.org,"] {
            assert!(row.contains(cell), "{cell} is not in {row}");
        }
    }

    #[test]
    fn commas_quotes_and_line_breaks_are_quoted() {
        let mut booking = booking();
        booking.lot_name = "Main, \"old\"\r\nyard".into();
        assert!(row(&booking, None).contains(",\"Main, \"\"old\"\"\r\nyard\","));
    }

    #[test]
    fn it_begins_with_the_mark_and_the_names_of_the_columns() {
        let head = String::from_utf8(head(true)).unwrap();
        assert!(head.starts_with("\u{feff}reference,lot,spot,vehicle_plate,name,email,status,"));
        let columns = |text: &str| text.matches(',').count();
        let person = Person { id: Uuid::nil(), name: "A".into(), email: "a@b.c".into() };
        assert_eq!(columns(&head), columns(&row(&booking(), Some(&person))));
    }
}
