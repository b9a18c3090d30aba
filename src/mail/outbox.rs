//! Mails that are files, because there is no mail server: each is kept as long as its task.

use std::collections::HashSet;
use std::path::PathBuf;

use uuid::Uuid;

use crate::app::App;
use crate::error::Result;
use crate::jobs;

/// Removes the files that no task tells of any more; says how many.
///
/// # Errors
/// Those of storage.
pub async fn remove_forgotten(app: &App) -> Result<usize> {
    // Listed before it is asked which tasks there are: a file that is written in between is left alone.
    let files = files(app.config.data_dir.join("outbox"));
    let ids: Vec<_> = files.iter().map(|(id, _)| *id).collect();
    let known: HashSet<Uuid> = app.db.read(move |tx| jobs::store::known(tx, &ids)).await?;
    let forgotten = files.iter().filter(|(id, _)| !known.contains(id));
    Ok(forgotten.filter(|(_, path)| std::fs::remove_file(path).is_ok()).count())
}

/// Mails, whole or begun, with the tasks that wrote them.
fn files(folder: PathBuf) -> Vec<(Uuid, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter_map(|path| {
            let id = path.file_stem()?.to_str()?.parse().ok()?;
            Some((id, path))
        })
        .collect()
}
