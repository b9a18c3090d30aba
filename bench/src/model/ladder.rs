//! How much there is to do at each factor of ten, what of the product ends first there, and what is then
//! done about it. Arithmetic only: rates times costs.

use super::lane::{BATCH_MAX, Service};
use super::parameters::Parameters;

const DAYS_A_YEAR: f64 = 365.0;
const DAYS_A_MONTH: f64 = 30.0;
/// A question that takes longer is felt, in seconds.
const QUESTION_MAX: f64 = 0.05;
/// Lots a person sees at once, and lots that a search by place has to look at.
const LOTS_SHOWN: f64 = 20.0;
const LOTS_AROUND: f64 = 2_000.0;
/// Everything is read anew within a second of a fault, of which finding it takes a part.
const REREAD_MAX: f64 = 0.4;
/// One reference in so many may be taken already: each one breaks up a batch.
const REFERENCES_RARELY: f64 = 100.0;
/// Processes of one installation at least: one may die.
const SERVERS_MIN: f64 = 2.0;
pub const MICRO: f64 = 1e-6;
pub const MILLI: f64 = 1e-3;
pub const NANO: f64 = 1e-9;
const GIBI: f64 = 1_073_741_824.0;
pub const TERA: f64 = 1e12;

/// What there is to do, in the busiest hour of the week; rates are a second.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub lots: f64,
    pub spots: f64,
    pub bookings: f64,
    pub bookings_a_day: f64,
    /// Changes of the database: parking, leaving, refreshing, signing in.
    pub writes: f64,
    pub lists: f64,
    pub questions: f64,
    pub pages: f64,
    pub sign_ins: f64,
    pub listeners: f64,
    pub people: f64,
}

impl Load {
    #[must_use]
    pub fn of(parameters: &Parameters, lots: f64) -> Self {
        let (week, people) = (&parameters.week, &parameters.people);
        let spots = lots * week.spots_a_lot.value;
        // Half of the arrivals and departures: each booking has one of both.
        let bookings = spots * week.peak_changes.value / 2.0 / 3600.0;
        let bookings_a_day = spots * week.turnover.value;
        let sign_ins = bookings * people.sign_ins.value;
        Self {
            lots,
            spots,
            bookings,
            bookings_a_day,
            writes: bookings * (2.0 + people.refreshes.value) + sign_ins,
            lists: bookings * people.lists.value,
            questions: bookings * people.new_questions.value,
            pages: bookings * people.own_pages.value,
            sign_ins,
            listeners: bookings * people.listening.value,
            people: bookings_a_day * DAYS_A_MONTH / people.bookings_a_month.value,
        }
    }

    /// Bytes a year in SQLite.
    #[must_use]
    pub fn bytes_a_year(&self, parameters: &Parameters) -> f64 {
        self.bookings_a_day * DAYS_A_YEAR * parameters.storage.booking_bytes.value
    }

    /// Bytes that go again, in SQLite: idempotency keys after a day, refresh tokens with their session.
    #[must_use]
    pub fn bytes_that_go(&self, parameters: &Parameters) -> f64 {
        let storage = &parameters.storage;
        let tokens = parameters.people.refreshes.value * storage.token_days.value;
        self.bookings_a_day * (2.0 * storage.key_bytes.value + tokens * storage.token_bytes.value)
    }
}

/// What is done beside the product as it is, in the order of effort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    MoreConnections,
    Postgres,
    EventsOfLotsShown,
    LotsByPlace,
    FreeSpotsCounted,
    MoreMailWorkers,
    OldMonthsMoved,
    ReferencesByMonth,
    Cells,
}

impl Remedy {
    pub fn words(self) -> &'static str {
        match self {
            Self::MoreConnections => {
                "`CONNECTIONS_MAX` raised tenfold, and the limit of open files"
            }
            Self::Postgres => "PostgreSQL and several servers",
            Self::EventsOfLotsShown => "a listener hears only of the lots it shows",
            Self::LotsByPlace => "lots found by a grid of places and an index of words",
            Self::FreeSpotsCounted => "free spots counted as the tallies are",
            Self::MoreMailWorkers => "more workers, and more mail servers for them",
            Self::OldMonthsMoved => "bookings partitioned by month, years moved away",
            Self::ReferencesByMonth => "references unique within a month",
            Self::Cells => "cells: an installation for each region",
        }
    }
}

/// What can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Writer,
    Processors,
    Sockets,
    Listeners,
    Backlog,
    Question,
    Memory,
    Disk,
    References,
    Counting,
    Mails,
    Primary,
    Reread,
    Talk,
    Hearing,
}

impl Resource {
    pub fn words(self) -> &'static str {
        match self {
            Self::Writer => "the one writer",
            Self::Processors => "processors of the server",
            Self::Sockets => "connections of the server",
            Self::Listeners => "processors that tell listeners of every change",
            Self::Backlog => "changes in a tick beyond a listener's backlog",
            Self::Question => "a list by distance, over all lots",
            Self::Memory => "memory of the catalogue",
            Self::Disk => "the disk, with five years",
            Self::References => "references of bookings, in five years",
            Self::Counting => "one process that counts for statistics",
            Self::Mails => "a month's reports within a day",
            Self::Primary => "processors of the database",
            Self::Reread => "all lots read anew within a second",
            Self::Talk => "the channel by which servers tell each other",
            Self::Hearing => "a server that hears of every change",
        }
    }
}

/// The product, as far as it has been changed.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    pub remedies: Vec<Remedy>,
}

/// How much of a resource is used: one is its end.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    pub resource: Resource,
    pub share: f64,
}

/// A lane of a server on PostgreSQL, `round_trip` milliseconds from it.
#[must_use]
pub fn postgres_lane(parameters: &Parameters, round_trip: f64) -> Service {
    let postgres = &parameters.postgres;
    let work = postgres.statements.value * postgres.statement.value * MICRO;
    Service {
        // The commit is a round trip as well.
        sync: round_trip * MILLI + postgres.sync.value * MILLI,
        each: postgres.trips.value * round_trip * MILLI + work,
        batch_max: BATCH_MAX,
    }
}

impl Shape {
    pub fn has(&self, remedy: Remedy) -> bool {
        self.remedies.contains(&remedy)
    }

    /// Seconds of processor a second to answer, without the listeners.
    fn answering(&self, parameters: &Parameters, load: &Load) -> f64 {
        let server = &parameters.server;
        let write =
            if self.has(Remedy::Postgres) { &server.write_cpu_postgres } else { &server.write_cpu };
        (load.writes * write.value
            + load.lists * server.list_cpu.value
            + load.pages * server.page_cpu.value)
            * MICRO
            + load.questions * self.question(parameters, load)
            + load.sign_ins / server.sign_ins_a_hasher.value
    }

    /// Seconds that a question takes which nobody asked since the last change.
    fn question(&self, parameters: &Parameters, load: &Load) -> f64 {
        let around =
            if self.has(Remedy::LotsByPlace) { load.lots.min(LOTS_AROUND) } else { load.lots };
        around * parameters.server.near_lot.value * NANO
    }

    /// Messages a second to a listener: what is changed twice in a tick is told once.
    fn messages(&self, parameters: &Parameters, load: &Load) -> f64 {
        let ticks = 1.0 / parameters.server.tick.value;
        let each = (2.0 * load.bookings / load.lots).min(ticks);
        let heard =
            if self.has(Remedy::EventsOfLotsShown) { load.lots.min(LOTS_SHOWN) } else { load.lots };
        each * heard
    }

    /// Seconds of processor a second to tell all listeners.
    fn listening(&self, parameters: &Parameters, load: &Load) -> f64 {
        let (server, messages) = (&parameters.server, self.messages(parameters, load));
        let wakes = messages.min(1.0 / server.tick.value);
        load.listeners * (wakes * server.wake.value + messages * server.message.value) * MICRO
    }

    fn connections(&self, parameters: &Parameters) -> f64 {
        let more = if self.has(Remedy::MoreConnections) { 10.0 } else { 1.0 };
        parameters.server.connections.value * more
    }

    /// Servers that a load takes on PostgreSQL; one on SQLite.
    #[must_use]
    pub fn servers(&self, parameters: &Parameters, load: &Load) -> f64 {
        if !self.has(Remedy::Postgres) {
            return 1.0;
        }
        let (machine, postgres) = (&parameters.machine, &parameters.postgres);
        let busy = self.answering(parameters, load) + self.listening(parameters, load);
        let lane = postgres_lane(parameters, postgres.round_trip.value).capacity();
        let most = (busy / machine.processors.value)
            .max(load.listeners / self.connections(parameters))
            .max(load.writes / (postgres.lanes.value * lane));
        (most / machine.load_max.value).ceil().max(SERVERS_MIN)
    }

    /// How much of everything that can end is used.
    #[must_use]
    pub fn uses(&self, parameters: &Parameters, load: &Load) -> Vec<Use> {
        let Parameters { people, server, storage, machine, talk, .. } = parameters;
        let years = if self.has(Remedy::OldMonthsMoved) { 1.0 } else { storage.years.value };
        let is_postgres = self.has(Remedy::Postgres);
        let bytes = load.bytes_a_year(parameters) * years + load.bytes_that_go(parameters);
        let rows = load.bookings_a_day
            * if self.has(Remedy::ReferencesByMonth) {
                DAYS_A_MONTH
            } else {
                DAYS_A_YEAR * storage.years.value
            };
        let mut uses = vec![
            (Resource::Question, self.question(parameters, load) / QUESTION_MAX),
            (
                Resource::Memory,
                load.lots * server.lot_bytes.value / (machine.memory.value * GIBI / 4.0),
            ),
            (Resource::References, rows * REFERENCES_RARELY / storage.reference_bits.value.exp2()),
            (Resource::Counting, load.bookings * server.count_cpu.value * MICRO),
            (
                Resource::Backlog,
                self.messages(parameters, load) * server.tick.value / server.backlog.value,
            ),
        ];
        if !self.has(Remedy::MoreMailWorkers) {
            let mails = load.people * people.reports.value;
            let hours = mails / server.mails.value / 3600.0;
            uses.push((Resource::Mails, hours / people.reports_within.value));
        }
        let servers = self.servers(parameters, load);
        if is_postgres {
            let asked = load.writes * server.primary_cpu.value + load.pages * server.page_cpu.value;
            let reread = if self.has(Remedy::FreeSpotsCounted) {
                load.lots * server.reread_lot.value * MICRO
            } else {
                load.spots * server.reread_spot.value * NANO
            };
            let rereading = servers * reread / server.reread_every.value;
            let spoken = (servers / talk.tell.value).max(2.0 * load.bookings / talk.entries.value);
            uses.extend([
                (
                    Resource::Primary,
                    (asked * MICRO + rereading) / machine.processors_postgres.value,
                ),
                (
                    Resource::Disk,
                    bytes * storage.postgres_factor.value / (machine.disk_postgres.value * TERA),
                ),
                (Resource::Reread, reread / REREAD_MAX),
                (Resource::Talk, spoken * servers * talk.delivery.value * MICRO),
                (
                    Resource::Hearing,
                    (spoken * talk.hear.value + 2.0 * load.bookings * talk.hear_change.value)
                        * MICRO,
                ),
            ]);
        } else {
            uses.extend([
                (Resource::Listeners, self.listening(parameters, load) / machine.processors.value),
                (Resource::Writer, load.writes / parameters.sqlite.writes.value),
                (Resource::Processors, self.answering(parameters, load) / machine.processors.value),
                (Resource::Sockets, load.listeners / self.connections(parameters)),
                (Resource::Disk, bytes / (machine.disk.value * TERA)),
            ]);
        }
        let mut uses: Vec<Use> =
            uses.into_iter().map(|(resource, share)| Use { resource, share }).collect();
        uses.sort_by(|a, b| b.share.total_cmp(&a.share));
        uses
    }

    /// What is done when a resource ends.
    #[must_use]
    pub fn remedy(&self, resource: Resource) -> Remedy {
        let wanted = match resource {
            Resource::Sockets if !self.has(Remedy::MoreConnections) => Remedy::MoreConnections,
            Resource::Writer | Resource::Processors | Resource::Sockets => Remedy::Postgres,
            Resource::Listeners | Resource::Backlog | Resource::Talk => Remedy::EventsOfLotsShown,
            Resource::Question => Remedy::LotsByPlace,
            Resource::Reread => Remedy::FreeSpotsCounted,
            Resource::Mails => Remedy::MoreMailWorkers,
            Resource::References => Remedy::ReferencesByMonth,
            Resource::Disk if self.has(Remedy::Postgres) => Remedy::OldMonthsMoved,
            Resource::Disk => Remedy::Postgres,
            Resource::Memory | Resource::Counting | Resource::Primary | Resource::Hearing => {
                Remedy::Cells
            }
        };
        if self.has(wanted) { Remedy::Cells } else { wanted }
    }
}

/// One step: at `lots` this was used up to `share`, so from there on something is done.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub lots: f64,
    pub worst: Use,
    /// None: nothing more has to be done here.
    pub remedy: Option<Remedy>,
    pub cells: f64,
}

/// From `10` lots to `10^8`: what ends first at each, and what is done, on top of all that was done before.
#[must_use]
pub fn climb(parameters: &Parameters) -> Vec<Step> {
    let mut shape = Shape::default();
    let mut steps = Vec::new();
    for exponent in 1..=8 {
        let lots = 10_f64.powi(exponent);
        loop {
            let carried = cell_of(parameters, &shape, lots);
            let worst = shape.uses(parameters, &Load::of(parameters, carried))[0];
            let ends = worst.share > parameters.machine.load_max.value;
            let remedy = ends.then(|| shape.remedy(worst.resource));
            // What even cells do not mend stays as it is: the table shows it.
            let remedy = remedy.filter(|remedy| !shape.has(*remedy));
            steps.push(Step { lots, worst, remedy, cells: (lots / carried).ceil() });
            match remedy {
                Some(remedy) => shape.remedies.push(remedy),
                None => break,
            }
        }
    }
    steps
}

/// The lots of one cell: all of them as long as there are no cells.
fn cell_of(parameters: &Parameters, shape: &Shape, lots: f64) -> f64 {
    if shape.has(Remedy::Cells) { lots.min(cell(parameters)) } else { lots }
}

/// With everything else done: the most lots that one installation carries, in two digits.
#[must_use]
pub fn cell(parameters: &Parameters) -> f64 {
    let most = most_lots(parameters, &everything(), None);
    let digits = 10_f64.powf(most.log10().floor() - 1.0);
    (most / digits).floor() * digits
}

#[must_use]
pub fn everything() -> Shape {
    use Remedy::{
        EventsOfLotsShown, FreeSpotsCounted, LotsByPlace, MoreConnections, MoreMailWorkers,
        OldMonthsMoved, Postgres, ReferencesByMonth,
    };
    let remedies = vec![
        MoreConnections,
        Postgres,
        EventsOfLotsShown,
        LotsByPlace,
        FreeSpotsCounted,
        MoreMailWorkers,
        OldMonthsMoved,
        ReferencesByMonth,
    ];
    Shape { remedies }
}

/// What many lots take, in cells and with everything else done.
#[derive(Debug, Clone, Copy)]
pub struct World {
    pub cells: f64,
    pub servers: f64,
    pub directory: f64,
    pub directory_shards: f64,
}

/// Cells, and what they share: a ledger of plates and persons that each booking is entered in and taken out of,
/// sign-ins and refreshed tokens. The directory is sharded by plate and by person.
#[must_use]
pub fn world(parameters: &Parameters, lots: f64) -> World {
    let shape = everything();
    let size = cell(parameters).min(lots);
    let cells = (lots / size).ceil();
    let each = shape.servers(parameters, &Load::of(parameters, size));
    let load = Load::of(parameters, lots);
    let directory = load.bookings * (2.0 + parameters.people.refreshes.value) + load.sign_ins;
    let machine = &parameters.machine;
    let busy = directory * parameters.server.primary_cpu.value * MICRO;
    let directory_shards =
        (busy / machine.processors_postgres.value / machine.load_max.value).ceil();
    World { cells, servers: cells * each, directory, directory_shards }
}

/// How many lots a shape carries until `resource` ends; until anything does, if none is named.
#[must_use]
pub fn most_lots(parameters: &Parameters, shape: &Shape, resource: Option<Resource>) -> f64 {
    let fits = |lots: f64| {
        let uses = shape.uses(parameters, &Load::of(parameters, lots));
        uses.iter()
            .filter(|used| resource.is_none_or(|resource| used.resource == resource))
            .all(|used| used.share <= parameters.machine.load_max.value)
    };
    let (mut low, mut high) = (0.0_f64, 11.0);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if fits(10_f64.powf(middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    10_f64.powf(low)
}

#[cfg(test)]
mod tests {
    use super::super::tests::parameters;
    use super::*;

    #[test]
    fn a_load_follows_from_its_lots() {
        let parameters = parameters();
        let load = Load::of(&parameters, 1000.0);
        assert!((load.spots - 325_000.0).abs() < 1.0);
        let bookings = 325_000.0 * parameters.week.peak_changes.value / 7200.0;
        assert!((load.bookings - bookings).abs() < 1e-9);
        let ten = Load::of(&parameters, 10_000.0);
        assert!((ten.writes / load.writes - 10.0).abs() < 1e-9);
    }

    #[test]
    fn what_all_listeners_are_told_grows_with_the_square_of_the_lots() {
        let parameters = parameters();
        let told = |shape: &Shape, lots| shape.listening(&parameters, &Load::of(&parameters, lots));
        let (all, shown) = (Shape::default(), everything());
        let growth = |shape| told(shape, 1e6) / told(shape, 1e5);
        assert!(growth(&all) > 80.0, "{}", growth(&all));
        assert!(growth(&shown) < 11.0, "{}", growth(&shown));
    }

    #[test]
    fn each_step_begins_with_what_is_used_most_and_ends_with_room() {
        let parameters = parameters();
        let steps = climb(&parameters);
        for pair in steps.windows(2) {
            let same = (pair[0].lots - pair[1].lots).abs() < 0.5;
            assert_eq!(pair[0].remedy.is_some(), same, "{pair:?}");
        }
        let remedies: Vec<_> = steps.iter().filter_map(|step| step.remedy).collect();
        let mut once = remedies.clone();
        once.dedup();
        assert_eq!(once.len(), remedies.len(), "{remedies:?}");
        assert!(steps.last().is_some_and(|last| last.remedy.is_none()));
    }

    #[test]
    fn a_slower_writer_ends_earlier() {
        let mut parameters = parameters();
        let most = |p: &Parameters| most_lots(p, &Shape::default(), Some(Resource::Writer));
        let before = most(&parameters);
        parameters.sqlite.writes.value /= 2.0;
        let after = most(&parameters);
        assert!((before / after - 2.0).abs() < 0.01, "{before} {after}");
    }

    #[test]
    fn a_cell_fits_and_a_bigger_one_does_not() {
        let parameters = parameters();
        let share = |lots| everything().uses(&parameters, &Load::of(&parameters, lots))[0].share;
        let most = parameters.machine.load_max.value;
        assert!(share(cell(&parameters)) <= most);
        assert!(share(cell(&parameters) * 1.2) > most);
    }

    #[test]
    fn a_lane_far_from_its_database_does_little() {
        let parameters = parameters();
        let near = postgres_lane(&parameters, 0.25).capacity();
        let far = postgres_lane(&parameters, 80.0).capacity();
        assert!(near > 300.0 && far < 5.0, "{near} {far}");
    }
}
