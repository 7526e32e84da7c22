//! How the files are divided.

use std::cmp::Reverse;
use std::ffi::OsString;

use super::find::File;

/// The files that are counted together.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    /// Not `PathBuf`, which serde refuses to write if it is not UTF-8.
    pub(crate) files: Vec<OsString>,
    pub(crate) bytes: u64,
}

/// More shards than places to count them in: places that are done early take another.
const SHARDS_PER_WORKER: u64 = 8;

/// Less than this is counted faster than a process is started.
const SMALLEST: u64 = 64 << 10;

/// More than this is too much to lose if a process dies.
const LARGEST: u64 = 32 << 20;

/// What it takes to open a file, in bytes that could be counted meanwhile.
const OPENING: u64 = 4 << 10;

/// Cuts the files into shards of about equal work, those with most work first.
pub(crate) fn cut(files: Vec<File>, workers: usize) -> Vec<Shard> {
    let work: u64 = files.iter().map(File::work).sum();
    let enough = (work / (workers as u64 * SHARDS_PER_WORKER)).clamp(SMALLEST, LARGEST);

    let mut shards: Vec<(u64, Shard)> = Vec::new();
    for file in files {
        let (work, shard) = match shards.last_mut() {
            Some(last) if last.0 + file.work() <= enough => last,
            _ => shards.push_mut(Default::default()),
        };
        *work += file.work();
        shard.bytes += file.size;
        shard.files.push(file.path.into_os_string());
    }
    shards.sort_by_key(|(work, _)| Reverse(*work));
    shards.into_iter().map(|(_, shard)| shard).collect()
}

impl File {
    fn work(&self) -> u64 {
        OPENING + self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(sizes: &[u64]) -> Vec<File> {
        let file = |&size| File {
            path: format!("{size}").into(),
            size,
        };
        sizes.iter().map(file).collect()
    }

    #[test]
    fn of_nothing_are_none() {
        assert!(cut(Vec::new(), 4).is_empty());
    }

    #[test]
    fn hold_each_file_once() {
        let sizes: Vec<u64> = (0..1000).map(|n| n * 1000).collect();
        let shards = cut(files(&sizes), 4);
        assert_eq!(
            shards.iter().map(|shard| shard.files.len()).sum::<usize>(),
            sizes.len()
        );
        assert_eq!(
            shards.iter().map(|shard| shard.bytes).sum::<u64>(),
            sizes.iter().sum()
        );
    }

    #[test]
    fn keep_all_workers_busy() {
        let shards = cut(files(&[1 << 20; 100]), 4);
        assert!(shards.len() >= 4 * 4);
        assert!(shards[0].bytes <= 4 * shards.last().unwrap().bytes);
    }

    #[test]
    fn hold_many_small_files() {
        assert_eq!(cut(files(&[100; 10]), 4).len(), 1);
    }

    #[test]
    fn begin_with_the_largest_file() {
        let shards = cut(files(&[10, 1 << 30, 10]), 4);
        assert_eq!(shards[0].bytes, 1 << 30);
    }
}
