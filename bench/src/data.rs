//! A week of real car parks: lots, sessions and what the operators' displays showed, told as one story for each lot.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Lot {
    #[serde(rename = "lot")]
    pub key: String,
    pub name: String,
    pub city: String,
    pub address: String,
    pub number_of_spots: u32,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
}

#[derive(Deserialize)]
struct Session {
    lot: String,
    started_at: String,
    ended_at: String,
}

#[derive(Deserialize)]
struct Observation {
    lot: String,
    observed_at: String,
    occupied: u32,
}

/// One look at a lot's display, and the sessions that began or ended since the look before.
#[derive(Debug, Default, PartialEq)]
pub struct Moment {
    pub observed_at: String,
    pub departures: Vec<u32>,
    pub arrivals: Vec<u32>,
    pub occupied: u32,
}

/// A lot's week, in order of time.
#[derive(Debug)]
pub struct Story {
    pub lot: Lot,
    pub moments: Vec<Moment>,
}

#[derive(Debug)]
pub struct Week {
    pub stories: Vec<Story>,
    pub arrivals: u64,
    pub departures: u64,
    pub observations: u64,
}

impl Week {
    /// Reads `lots.csv`, `sessions-*.csv[.gz]` and `occupancy-*.csv[.gz]` in `folder`.
    ///
    /// # Errors
    /// When a file is missing or malformed, or a session begins or ends when nobody looked.
    pub fn read(folder: &Path) -> Result<Self> {
        Self::tell(
            rows(&folder.join("lots.csv"))?,
            rows(&the_file(folder, "sessions-")?)?,
            rows(&the_file(folder, "occupancy-")?)?,
        )
    }

    fn tell(
        lots: Vec<Lot>,
        sessions: Vec<Session>,
        observations: Vec<Observation>,
    ) -> Result<Self> {
        let mut stories: Vec<Story> =
            lots.into_iter().map(|lot| Story { lot, moments: Vec::new() }).collect();
        let by_key: HashMap<String, usize> = stories
            .iter()
            .enumerate()
            .map(|(index, story)| (story.lot.key.clone(), index))
            .collect();
        let story_of = |key: &str| {
            by_key.get(key).copied().with_context(|| format!("lots.csv has no lot {key}"))
        };
        let mut week = Self { stories: Vec::new(), arrivals: 0, departures: 0, observations: 0 };

        for Observation { lot, observed_at, occupied } in observations {
            let moments = &mut stories[story_of(&lot)?].moments;
            if moments.last().is_some_and(|last| last.observed_at >= observed_at) {
                bail!("the observations of {lot} are not in order of time at {observed_at}");
            }
            moments.push(Moment { observed_at, occupied, ..Moment::default() });
            week.observations += 1;
        }

        for (index, Session { lot, started_at, ended_at }) in sessions.into_iter().enumerate() {
            let index = u32::try_from(index)?;
            let moments = &mut stories[story_of(&lot)?].moments;
            moment_at(moments, &started_at)
                .with_context(|| format!("{lot} at {started_at}"))?
                .arrivals
                .push(index);
            week.arrivals += 1;
            if !ended_at.is_empty() {
                moment_at(moments, &ended_at)
                    .with_context(|| format!("{lot} at {ended_at}"))?
                    .departures
                    .push(index);
                week.departures += 1;
            }
        }

        week.stories = stories;
        Ok(week)
    }
}

/// RFC 3339 instants in UTC without fractions sort as text.
fn moment_at<'a>(moments: &'a mut [Moment], instant: &str) -> Result<&'a mut Moment> {
    match moments.binary_search_by(|moment| moment.observed_at.as_str().cmp(instant)) {
        Ok(index) => Ok(&mut moments[index]),
        Err(_) => bail!("a session begins or ends when nobody looked"),
    }
}

fn the_file(folder: &Path, prefix: &str) -> Result<PathBuf> {
    std::fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
        })
        .min()
        .with_context(|| format!("{} has no file {prefix}*", folder.display()))
}

fn rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let reader: Box<dyn Read> = match path.extension() {
        Some(extension) if extension == "gz" => Box::new(GzDecoder::new(file)),
        _ => Box::new(file),
    };
    csv::Reader::from_reader(reader)
        .deserialize()
        .collect::<Result<_, _>>()
        .with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const LOTS: &str = "lot,name,city,address,number_of_spots,latitude,longitude\n\
                        a,Alpha,Bonn,,2,50.7,7.1\n\
                        b,Beta,Jena,Markt 1,3,,\n";
    const SESSIONS: &str = "lot,started_at,ended_at\n\
                            a,2026-06-08T00:00:02Z,2026-06-08T00:15:02Z\n\
                            b,2026-06-08T00:00:02Z,\n\
                            a,2026-06-08T00:15:02Z,\n\
                            a,2026-06-08T00:15:02Z,\n";
    const OCCUPANCY: &str = "lot,observed_at,occupied\n\
                             a,2026-06-08T00:00:02Z,1\n\
                             b,2026-06-08T00:00:02Z,1\n\
                             a,2026-06-08T00:15:02Z,2\n";

    fn folder(lots: &str, sessions: &str, occupancy: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lots.csv"), lots).unwrap();
        std::fs::write(folder.path().join("sessions-2026-06-08.csv"), sessions).unwrap();
        let packed = File::create(folder.path().join("occupancy-2026-06-08.csv.gz")).unwrap();
        GzEncoder::new(packed, Compression::fast()).write_all(occupancy.as_bytes()).unwrap();
        folder
    }

    /// What every display must show when the week is replayed in order.
    fn replayed(story: &Story) -> Vec<usize> {
        let mut parked: HashSet<&u32> = HashSet::new();
        let mut shown = Vec::new();
        for moment in &story.moments {
            for session in &moment.departures {
                assert!(parked.remove(session), "{session} left before it came");
            }
            parked.extend(&moment.arrivals);
            shown.push(parked.len());
        }
        shown
    }

    fn observed(story: &Story) -> Vec<usize> {
        story.moments.iter().map(|moment| moment.occupied as usize).collect()
    }

    #[test]
    fn a_week_is_told_lot_by_lot_in_order_of_time() {
        let week = Week::read(folder(LOTS, SESSIONS, OCCUPANCY).path()).unwrap();
        assert_eq!((week.arrivals, week.departures, week.observations), (4, 1, 3));
        let alpha = &week.stories[0];
        assert_eq!(alpha.lot.latitude, Some(50.7));
        assert_eq!(
            alpha.moments[1],
            Moment {
                observed_at: "2026-06-08T00:15:02Z".into(),
                departures: vec![0],
                arrivals: vec![2, 3],
                occupied: 2,
            }
        );
        assert_eq!(week.stories[1].lot.longitude, None);
        for story in &week.stories {
            assert_eq!(replayed(story), observed(story));
        }
    }

    #[test]
    fn a_session_that_begins_between_two_looks_is_refused() {
        let sessions = "lot,started_at,ended_at\na,2026-06-08T00:07:00Z,\n";
        let error = Week::read(folder(LOTS, sessions, OCCUPANCY).path()).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "a at 2026-06-08T00:07:00Z: a session begins or ends when nobody looked"
        );
    }

    #[test]
    fn an_unknown_lot_is_refused() {
        let sessions = "lot,started_at,ended_at\nc,2026-06-08T00:00:02Z,\n";
        let error = Week::read(folder(LOTS, sessions, OCCUPANCY).path()).unwrap_err();
        assert_eq!(error.to_string(), "lots.csv has no lot c");
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lots.csv"), LOTS).unwrap();
        let error = Week::read(folder.path()).unwrap_err();
        assert!(error.to_string().ends_with("has no file sessions-*"), "{error}");
    }

    #[test]
    fn the_real_week_replays_to_what_the_displays_showed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/car-parks");
        if !folder.exists() {
            return; // a clone without the data
        }
        let week = Week::read(&folder).unwrap();
        assert_eq!((week.arrivals, week.observations), (249_130, 116_754));
        for story in &week.stories {
            assert_eq!(replayed(story), observed(story), "{}", story.lot.key);
        }
    }
}
