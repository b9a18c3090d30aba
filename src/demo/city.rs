//! The city: where people park, and who. The place is that of Pune; lots and people are made up.

use super::rhythm::Random;

/// What a lot is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Office,
    Shopping,
    Station,
    Hospital,
    Airport,
    Homes,
    Stadium,
}

/// A lot of the city.
#[derive(Debug)]
pub struct CityLot {
    pub name: &'static str,
    pub address: &'static str,
    pub pin_code: &'static str,
    pub latitude: f64,
    pub longitude: f64,
    pub spots: i64,
    pub used_for: Use,
    /// In tenths of the base price.
    pub price_tenths: i64,
    pub free_minutes: i64,
    pub increment_minutes: i64,
    /// In hours at the lot's price.
    pub daily_cap_hours: Option<i64>,
}

#[expect(clippy::too_many_arguments, reason = "a table's row")]
const fn lot(
    name: &'static str,
    (address, pin_code): (&'static str, &'static str),
    (latitude, longitude): (f64, f64),
    spots: i64,
    used_for: Use,
    price_tenths: i64,
    (free_minutes, increment_minutes): (i64, i64),
    daily_cap_hours: Option<i64>,
) -> CityLot {
    CityLot {
        name,
        address,
        pin_code,
        latitude,
        longitude,
        spots,
        used_for,
        price_tenths,
        free_minutes,
        increment_minutes,
        daily_cap_hours,
    }
}

pub const CITY: &str = "Pune";

/// The lot that the demo's driver parks in on working days, and that of the weekend.
pub const WORK: usize = 0;
pub const WEEKEND: usize = 4;
/// The lot that is full at the end.
pub const FULL: usize = 8;

pub const LOTS: &[CityLot] = &[
    lot(
        "Tech Park North",
        ("Ring Road 12", "411014"),
        (18.5515, 73.9347),
        70,
        Use::Office,
        8,
        (0, 30),
        Some(8),
    ),
    lot(
        "Tech Park South",
        ("Ring Road 48", "411028"),
        (18.5089, 73.9260),
        48,
        Use::Office,
        8,
        (0, 30),
        Some(8),
    ),
    lot(
        "Station East",
        ("Station Road 1", "411001"),
        (18.5289, 73.8744),
        36,
        Use::Station,
        10,
        (10, 15),
        Some(10),
    ),
    lot(
        "Station West",
        ("Railway Lines 4", "411001"),
        (18.5279, 73.8708),
        24,
        Use::Station,
        10,
        (10, 15),
        Some(10),
    ),
    lot(
        "Riverside Mall",
        ("Bund Garden Road 20", "411001"),
        (18.5402, 73.8860),
        54,
        Use::Shopping,
        12,
        (15, 30),
        None,
    ),
    lot(
        "Central Market",
        ("Market Street 7", "411002"),
        (18.5130, 73.8570),
        22,
        Use::Shopping,
        15,
        (0, 15),
        None,
    ),
    lot(
        "City Hospital",
        ("Hospital Road 3", "411011"),
        (18.5250, 73.8640),
        30,
        Use::Hospital,
        6,
        (20, 30),
        Some(8),
    ),
    lot(
        "University Gate",
        ("University Road 1", "411007"),
        (18.5530, 73.8250),
        28,
        Use::Office,
        5,
        (0, 60),
        Some(6),
    ),
    lot(
        "Old Town",
        ("Palace Lane 9", "411030"),
        (18.5196, 73.8553),
        14,
        Use::Shopping,
        20,
        (0, 15),
        None,
    ),
    lot(
        "Airport Long Stay",
        ("Airport Road 90", "411032"),
        (18.5793, 73.9089),
        160,
        Use::Airport,
        7,
        (0, 60),
        Some(6),
    ),
    lot(
        "Lake View Homes",
        ("Lake Road 15", "411052"),
        (18.4930, 73.8140),
        26,
        Use::Homes,
        3,
        (0, 60),
        Some(5),
    ),
    lot(
        "Hill Side Homes",
        ("Hill Road 2", "411021"),
        (18.5370, 73.7800),
        20,
        Use::Homes,
        3,
        (0, 60),
        Some(5),
    ),
    lot(
        "Stadium",
        ("Stadium Road 5", "411045"),
        (18.5640, 73.7560),
        80,
        Use::Stadium,
        10,
        (0, 60),
        None,
    ),
    lot(
        "Theatre Square",
        ("Camp Street 31", "411040"),
        (18.5160, 73.8790),
        18,
        Use::Shopping,
        14,
        (10, 15),
        None,
    ),
];

/// Drivers with an account, the demo's own included.
pub const PEOPLE: usize = 140;
/// The demo's driver is the first of them.
pub const DRIVER: (&str, &str) = ("Asha Rao", "driver@example.org");
pub const ADMIN: (&str, &str) = ("Meera Joshi", "admin@example.org");

const GIVEN: &[&str] = &[
    "Aditi", "Amit", "Anil", "Anita", "Arjun", "Bina", "Deepak", "Divya", "Farah", "Ganesh",
    "Gita", "Hari", "Imran", "Isha", "Jaya", "Karan", "Kavita", "Lata", "Manoj", "Meena", "Mohan",
    "Neha", "Nikhil", "Pooja", "Prakash", "Priya", "Rahul", "Ravi", "Rekha", "Rohan", "Sana",
    "Sanjay", "Seema", "Sunil", "Tara", "Uma", "Varun", "Vijay", "Yash", "Zoya",
];
const FAMILY: &[&str] = &[
    "Apte",
    "Bhat",
    "Chavan",
    "Das",
    "Deshmukh",
    "Fernandes",
    "Gokhale",
    "Iyer",
    "Jadhav",
    "Joshi",
    "Kadam",
    "Khan",
    "Kulkarni",
    "Mehta",
    "Menon",
    "More",
    "Naik",
    "Nair",
    "Patil",
    "Pawar",
    "Pillai",
    "Rane",
    "Reddy",
    "Sawant",
    "Shah",
    "Shaikh",
    "Shinde",
    "Singh",
    "Thomas",
    "Verma",
];

/// Somebody with an account.
#[derive(Debug, Clone)]
pub struct Person {
    pub name: String,
    pub email: String,
    pub plates: Vec<String>,
    /// The lots they use, by their index, the usual one first.
    pub lots: [usize; 2],
}

/// The people of the city; each has a vehicle, some have two.
#[must_use]
pub fn people(random: &mut Random) -> Vec<Person> {
    let mut people = Vec::with_capacity(PEOPLE);
    for number in 0..PEOPLE {
        let (name, email) = if number == 0 {
            (DRIVER.0.to_owned(), DRIVER.1.to_owned())
        } else {
            let (given, family) = (random.of(GIVEN), random.of(FAMILY));
            let email = format!("{given}.{family}.{number}@example.org").to_lowercase();
            (format!("{given} {family}"), email)
        };
        let vehicles = if number == 0 || random.below(5) == 0 { 2 } else { 1 };
        let plates = (0..vehicles).map(|_| plate(random)).collect();
        let lots = if number == 0 {
            [WORK, WEEKEND]
        } else {
            [random.below(LOTS.len()), random.below(LOTS.len())]
        };
        people.push(Person { name, email, plates, lots });
    }
    people
}

/// A number plate of the region.
pub fn plate(random: &mut Random) -> String {
    const LETTERS: &[char] =
        &['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P'];
    let district = if random.below(4) == 0 { 14 } else { 12 };
    let (a, b) = (random.of(LETTERS), random.of(LETTERS));
    format!("MH{district}{a}{b}{:04}", 1 + random.below(9999))
}
