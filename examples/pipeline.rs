//! How do the stages of a pipeline, each in processes of its own, pass work on?
//!
//! Three stages are joined by two queues. The first reads a text file and cuts it into blocks,
//! the second, two processes of it, counts the words of each block, the third adds up:
//!
//! ```text
//! read ──▶ blocks ──▶ count ──▶ counts ──▶ add up
//!                └──▶ count ──┘
//! ```
//!
//! The queues are bounded: a stage that is faster than the next waits for it, and the file may be
//! larger than the memory.
//!
//! ```text
//! cargo run --release --example pipeline -- [FILE]
//! ```
//!
//! Without a file it reads itself.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use multiproc::channel::Queue;
use multiproc::{Process, RemoteError, worker};

const BLOCK: usize = 64 * 1024;
const COUNTERS: usize = 2;

type Counts = HashMap<String, u64>;

/// The first stage: blocks of whole lines. Returns the number of bytes.
#[worker]
fn read(file: &Path, blocks: &Queue<String>) -> Result<usize, RemoteError> {
    let mut file = BufReader::new(File::open(file)?);
    let mut total = 0;
    loop {
        let mut block = Vec::with_capacity(BLOCK + 1024);
        file.by_ref().take(BLOCK as u64).read_to_end(&mut block)?;
        file.read_until(b'\n', &mut block)?;
        if block.is_empty() {
            return Ok(total);
        }
        total += block.len();
        blocks.push(String::from_utf8_lossy(&block).into_owned())?;
    }
}

/// The second stage.
#[worker]
fn count(blocks: &Queue<String>, counts: &Queue<Counts>) -> Result<(), RemoteError> {
    for block in blocks {
        let mut words = Counts::new();
        for word in block.split(|c: char| !c.is_alphabetic()) {
            if !word.is_empty() {
                *words.entry(word.to_lowercase()).or_default() += 1;
            }
        }
        counts.push(words)?;
    }
    Ok(())
}

/// The third stage.
#[worker]
fn add_up(counts: &Queue<Counts>) -> Counts {
    let mut total = Counts::new();
    for words in counts {
        for (word, count) in words {
            *total.entry(word).or_default() += count;
        }
    }
    total
}

fn main() -> Result<(), Box<dyn Error>> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/pipeline.rs");
    let file = env::args_os().nth(1).unwrap_or_else(|| source.into());
    let file = PathBuf::from(file);
    let blocks = Queue::bounded(16)?;
    let counts = Queue::bounded(16)?;

    let start = Instant::now();
    let reader = read::spawn(&file, &blocks)?;
    let counters = (0..COUNTERS)
        .map(|_| count::spawn(&blocks, &counts))
        .collect::<Result<Vec<_>, _>>()?;
    let adder = add_up::spawn(&counts)?;

    // When a stage is done, or has failed, its queue is closed, and the next stage ends when that
    // queue is empty.
    let read = reader.join();
    blocks.close();
    let counted: Result<Vec<_>, _> = counters.into_iter().map(Process::join).collect();
    counts.close();
    let total = adder.join();
    let elapsed = start.elapsed();

    let bytes = read?.map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    counted?.into_iter().collect::<Result<Vec<()>, _>>()?;
    let mut words: Vec<_> = total?.into_iter().collect();
    words.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    for (word, count) in words.iter().take(10) {
        println!("{count:8} {word}");
    }
    #[expect(clippy::cast_precision_loss, reason = "it is printed with one decimal")]
    let speed = bytes as f64 / 1e6 / elapsed.as_secs_f64();
    println!("{bytes} bytes in {elapsed:.1?}: {speed:.1} MB/s");
    Ok(())
}
