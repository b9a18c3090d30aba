//! Several processes on one PostgreSQL: each tells the others what it changed of what they keep in
//! memory, the free spots of lots and the sessions that ended (docs/adr/0017).
//!
//! What is told is a change and the transaction that made it, so one who reads everything anew knows
//! which changes are in what was read. Everybody speaks every [`SAY_EVERY`], if only to be heard, and
//! hears itself. Who does not hear everybody reads anew every [`READ_EVERY`], so whatever fails, nothing
//! is older than a second. On SQLite nobody speaks: there it is asked whether the file changed.

mod channel;
mod peers;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::time::{Interval, MissedTickBehavior, interval};
use uuid::Uuid;

use self::channel::Channel;
use self::peers::{Hearing, Number, Peers};
use crate::app::App;
use crate::db::TransactionId;
use crate::ids;
use crate::lots::catalogue::Told;

/// Changes are told this often.
const TELL_EVERY: Duration = Duration::from_millis(50);
/// Something is said at least this often.
pub const SAY_EVERY: Duration = Duration::from_millis(200);
/// Everything is read anew this often while not everybody is heard.
const READ_EVERY: Duration = Duration::from_millis(300);
/// And this often in any case: what is changed by hand in the database is seen, too.
const READ_ANYHOW_EVERY: Duration = Duration::from_secs(30);
/// A process ends within ten seconds, of which requests may take eight.
const LEAVE_TIME_MAX: Duration = Duration::from_millis(500);
/// A notification of PostgreSQL has 8000 bytes.
const ENTRIES_MAX: usize = 90;

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Message {
    from: Uuid,
    number: Number,
    /// Lot, by how many more spots are free, transaction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    free: Vec<(Uuid, i64, TransactionId)>,
    /// Lots were added, changed or removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lots: bool,
    /// Sessions that ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ended: Vec<Uuid>,
    /// The sender ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    leaves: bool,
}

/// Keeps what is in memory as new as the database, until `leave` comes: after the last request.
pub async fn keep_up(app: App, leave: oneshot::Receiver<()>) {
    let asked = async {
        if leave.await.is_err() {
            // Nobody will ask.
            std::future::pending::<()>().await;
        }
    };
    if app.db.is_sqlite() {
        tokio::select! {
            () = follow_file(&app) => {}
            () = asked => {}
        }
        return;
    }
    let mut conversation = Conversation::of(&app);
    tokio::select! {
        () = conversation.run() => {}
        () = asked => {}
    }
    conversation.leave().await;
}

/// For a command that changes something and ends.
pub async fn tell_and_leave(app: &App) {
    if !app.db.is_sqlite() {
        Conversation::of(app).leave().await;
    }
}

async fn follow_file(app: &App) {
    let mut look = every(READ_EVERY);
    loop {
        look.tick().await;
        let _ = app.catalogue.take_told();
        let _ = app.revocations.take_told();
        if let Err(error) = app.refresh().await {
            tracing::warn!(%error, "changes of other processes cannot be read");
        }
    }
}

struct Conversation<'a> {
    app: &'a App,
    me: Uuid,
    number: Number,
    said_at: Option<Instant>,
    peers: Peers,
    cut_off: bool,
}

impl<'a> Conversation<'a> {
    fn of(app: &'a App) -> Self {
        let me = ids::new_id(app.clock.now());
        Self { app, me, number: 0, said_at: None, peers: Peers::new(me), cut_off: false }
    }

    async fn run(&mut self) {
        let mut look = every(READ_EVERY);
        loop {
            look.tick().await;
            let talked = match Channel::open(self.app).await {
                Ok(channel) => self.talk(channel).await,
                Err(error) => Err(error),
            };
            // What could not be told is found by those who miss it, and read anew.
            let read = self.read().await.map(drop);
            if let (Err(error), false) = (talked.and(read), self.cut_off) {
                self.cut_off = true;
                tracing::warn!(error, "cut off from other processes: everything is read often");
            }
        }
    }

    async fn leave(&mut self) {
        let left = tokio::time::timeout(LEAVE_TIME_MAX, async {
            let mut channel = Channel::open(self.app).await?;
            self.tell(&mut channel, true).await
        });
        if let Err(error) = left.await.unwrap_or_else(|_| Err("no answer in time".into())) {
            tracing::warn!(error, "other processes were not told, and will read everything");
        }
    }

    /// Until the channel breaks.
    async fn talk(&mut self, mut channel: Channel) -> Result<(), String> {
        // What was said before it was listened to is in what is read now.
        let mut read_at = self.read().await?;
        if std::mem::take(&mut self.cut_off) {
            tracing::info!("other processes are heard again");
        }
        let (mut tell, mut look) = (every(TELL_EVERY), every(READ_EVERY));
        loop {
            let read = tokio::select! {
                text = channel.next() => {
                    let text = text.ok_or("the channel to other processes broke")?;
                    self.hear(&text)
                }
                _ = tell.tick() => {
                    self.tell(&mut channel, false).await?;
                    false
                }
                _ = look.tick() => {
                    read_at.elapsed() > READ_ANYHOW_EVERY || !self.peers.all_heard(Instant::now())
                }
            };
            if read {
                read_at = self.read().await?;
            }
        }
    }

    async fn read(&self) -> Result<Instant, String> {
        self.app.reread().await.map_err(|error| error.to_string())?;
        Ok(Instant::now())
    }

    /// Takes over what was said; whether everything has to be read anew.
    fn hear(&mut self, text: &str) -> bool {
        let Ok(message) = serde_json::from_str::<Message>(text) else {
            // Another version, perhaps, in the middle of an upgrade.
            return true;
        };
        let hearing = self.peers.hear(message.from, message.number, Instant::now());
        if hearing == Hearing::Own {
            return false;
        }
        for (lot, by, transaction) in message.free {
            self.app.catalogue.hear_free(lot, by, transaction);
        }
        self.app.hear_ended_sessions(message.ended);
        if message.leaves {
            self.peers.leave(message.from);
        }
        message.lots || hearing == Hearing::Gap
    }

    async fn tell(&mut self, channel: &mut Channel, leaves: bool) -> Result<(), String> {
        let Told { free, lots } = self.app.catalogue.take_told();
        let ended = self.app.revocations.take_told();
        let silent = self.said_at.is_none_or(|at| at.elapsed() >= SAY_EVERY);
        if free.is_empty() && !lots && ended.is_empty() && !silent && !leaves {
            return Ok(());
        }
        let (mut free, mut ended) = (free.chunks(ENTRIES_MAX), ended.chunks(ENTRIES_MAX));
        let mut first = true;
        loop {
            let (free, ended) = (free.next(), ended.next());
            if !first && free.is_none() && ended.is_none() {
                return Ok(());
            }
            self.number += 1;
            let message = Message {
                from: self.me,
                number: self.number,
                free: free.unwrap_or_default().to_vec(),
                lots: lots && first,
                ended: ended.unwrap_or_default().to_vec(),
                leaves: leaves && first,
            };
            let text = serde_json::to_string(&message).map_err(|error| error.to_string())?;
            channel.say(&text).await?;
            self.said_at = Some(Instant::now());
            first = false;
        }
    }
}

fn every(time: Duration) -> Interval {
    let mut interval = interval(time);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
