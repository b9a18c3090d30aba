//! Where exports are kept: a folder, or a bucket that speaks the protocol of Amazon S3.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{BoxStream, TryStreamExt};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use uuid::Uuid;

use crate::jobs::{Cause, Failure};
use crate::secrets;

/// Pieces of a file that are on their way at once.
const PIECES_AT_ONCE: usize = 1;
/// The least that S3 takes, in bytes.
const BUCKET_PIECE: usize = 5 * 1024 * 1024;
const FOLDER_PIECE: usize = 1024 * 1024;

/// Where the setting says that exports are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Folder(PathBuf),
    Bucket {
        name: String,
        /// The folder in it; may be empty.
        prefix: String,
        /// The names and values of the settings `AWS_*`. Holds secrets.
        options: Vec<(AmazonS3ConfigKey, String)>,
    },
}

impl Place {
    /// # Errors
    /// When the URL is none of `s3://bucket/folder`, or a setting is of no use.
    pub fn bucket(
        url: &str,
        settings: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, String> {
        let rest = url.strip_prefix("s3://").ok_or("must begin with s3://")?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if name.is_empty() || name.contains(['?', '#', '@', ':']) {
            return Err("must be s3://bucket or s3://bucket/folder".into());
        }
        let known = |(key, value): (String, String)| {
            Some((key.to_ascii_lowercase().parse::<AmazonS3ConfigKey>().ok()?, value))
        };
        let place = Self::Bucket {
            name: name.into(),
            prefix: prefix.trim_matches('/').into(),
            options: settings.filter_map(known).collect(),
        };
        place.open()?;
        Ok(place)
    }

    fn open(&self) -> Result<Arc<dyn ObjectStore>, String> {
        match self {
            Self::Folder(path) => {
                let store = LocalFileSystem::new_with_prefix(path).map_err(|e| e.to_string())?;
                Ok(Arc::new(store.with_fsync(true)))
            }
            Self::Bucket { name, prefix, options } => {
                crate::tls::choose();
                let mut builder = AmazonS3Builder::new().with_bucket_name(name);
                for (key, value) in options {
                    builder = builder.with_config(*key, value);
                }
                let store = builder.build().map_err(|error| error.to_string())?;
                if prefix.is_empty() {
                    return Ok(Arc::new(store));
                }
                Ok(Arc::new(PrefixStore::new(store, prefix.as_str())))
            }
        }
    }
}

/// The files of exports: cheap to clone.
#[derive(Clone)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    /// `None`: a bucket.
    folder: Option<PathBuf>,
}

fn path(id: Uuid) -> Path {
    Path::from(format!("{id}.csv"))
}

fn failed(error: &object_store::Error) -> Failure {
    Failure::for_now(Cause::Files, format!("The file could not be written: {error}"))
}

impl Files {
    /// # Errors
    /// When the folder cannot be made or the settings of the bucket are of no use.
    pub fn open(place: &Place) -> Result<Self, String> {
        let folder = match place {
            Place::Folder(path) => {
                secrets::private_folder(path)?;
                Some(path.clone())
            }
            Place::Bucket { .. } => None,
        };
        Ok(Self { store: place.open()?, folder })
    }

    /// A new file, which is there once it is finished.
    ///
    /// # Errors
    /// When the storage does not take it now.
    pub async fn create(&self, id: Uuid) -> Result<Writer, Failure> {
        let upload = self.store.put_multipart(&path(id)).await.map_err(|error| failed(&error))?;
        let piece = if self.folder.is_some() { FOLDER_PIECE } else { BUCKET_PIECE };
        Ok(Writer(WriteMultipart::new_with_chunk_size(upload, piece)))
    }

    /// The length of a file in bytes, and what is in it.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub async fn read(&self, id: Uuid) -> object_store::Result<(u64, Content)> {
        let found = self.store.get(&path(id)).await?;
        Ok((found.meta.size, found.into_stream()))
    }

    /// What is there now.
    ///
    /// # Errors
    /// When the storage cannot be listed.
    pub async fn list(&self) -> object_store::Result<Listed> {
        let whole = self.store.list(None).map_ok(|file| file.location).try_collect().await?;
        Ok(Listed { whole, unfinished: self.folder.as_deref().map(unfinished).unwrap_or_default() })
    }

    /// Removes what was `listed` and is of none of the `wanted` exports; says how many files.
    ///
    /// # Errors
    /// When the storage does not remove one.
    pub async fn remove_others(
        &self,
        listed: Listed,
        wanted: &HashSet<Uuid>,
    ) -> object_store::Result<usize> {
        let unwanted =
            |name: Option<&str>| name.and_then(id).is_some_and(|id| !wanted.contains(&id));
        let mut removed = 0;
        for path in listed.whole.iter().filter(|path| unwanted(path.filename())) {
            self.store.delete(path).await?;
            removed += 1;
        }
        let unfinished = listed
            .unfinished
            .iter()
            .filter(|path| unwanted(path.file_name().and_then(|name| name.to_str())));
        removed += unfinished.filter(|path| std::fs::remove_file(path).is_ok()).count();
        Ok(removed)
    }
}

/// The files of exports at some moment.
pub struct Listed {
    whole: Vec<Path>,
    /// Being written, or left by a process that was killed as it wrote: the storage puts a number
    /// behind their names, and lists them nowhere.
    unfinished: Vec<PathBuf>,
}

fn unfinished(folder: &std::path::Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_unfinished = |path: &PathBuf| path.to_string_lossy().contains(".csv#");
    entries.flatten().map(|entry| entry.path()).filter(is_unfinished).collect()
}

/// The export that a file's name speaks of.
fn id(name: &str) -> Option<Uuid> {
    name.split_once(".csv")?.0.parse().ok()
}

/// What is in a file, piece by piece.
pub type Content = BoxStream<'static, object_store::Result<Bytes>>;

/// A file that is being written. Dropped before it is finished, it is not there.
pub struct Writer(WriteMultipart);

impl Writer {
    /// # Errors
    /// When the storage does not take it now.
    pub async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Failure> {
        self.0.wait_for_capacity(PIECES_AT_ONCE).await.map_err(|error| failed(&error))?;
        self.0.put(bytes.into());
        Ok(())
    }

    /// # Errors
    /// When the storage does not take it now.
    pub async fn finish(self) -> Result<(), Failure> {
        self.0.finish().await.map(drop).map_err(|error| failed(&error))
    }
}
