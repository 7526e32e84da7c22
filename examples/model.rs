//! How do several processes use a model that takes long to load, and much memory: one that they share, or
//! one each?
//!
//! Here the model is a table of 64 MiB, which it takes a while to compute. It is loaded once, by a service
//! that serves several clients at a time; then once in each worker of a pool, by its initializer.
//!
//! ```text
//! cargo run --release --example model
//! ```
//!
//! The service needs a fraction of the memory, and of the time of the processors to load. The pool sends
//! short tasks together, and so answers more of them; the longer a prediction takes, the less that counts.

use std::collections::VecDeque;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::iter;
use std::process::{self, ExitCode};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use multiproc::{Pool, RemoteError, worker};

const WORKERS: usize = 4;
/// How many requests of a client are under way. A map of a pool has some under way, too.
const AHEAD: usize = 8;
const SIZE: usize = 16 << 20;
const TIME: Duration = Duration::from_secs(1);

struct Model {
    table: Vec<f32>,
}

// As many threads as the pool has workers. `&self`: they run at the same time.
#[multiproc::service(threads = 4)]
impl Model {
    #[expect(clippy::cast_precision_loss, reason = "any numbers do")]
    fn load() -> Self {
        let entry = |number| (number as f32 * 1e-3).sin().exp();
        let table = (0..SIZE).map(entry).collect();
        Model { table }
    }

    fn predict(&self, inputs: &[u32]) -> f32 {
        let entries = inputs.iter().map(|input| *input as usize % SIZE);
        entries.map(|entry| self.table[entry]).sum()
    }
}

/// Asks the service until the time is over, always some requests ahead of the answers. Returns how many there
/// were, and its memory.
#[worker]
fn ask(model: &ModelClient, inputs: &[u32]) -> Result<(usize, u64), RemoteError> {
    let begin = Instant::now();
    let mut asked = 0;
    let mut underway = VecDeque::new();
    while begin.elapsed() < TIME {
        underway.push_back(model.predict(inputs).start());
        if underway.len() > AHEAD
            && let Some(prediction) = underway.pop_front()
        {
            prediction.wait()?;
            asked += 1;
        }
    }
    Ok((asked, memory(process::id())?))
}

static MODEL: OnceLock<Model> = OnceLock::new();

/// Runs once in each worker of the pool.
#[worker]
fn load() {
    MODEL.get_or_init(Model::load);
}

#[worker]
fn predict(inputs: &[u32]) -> f32 {
    MODEL.get_or_init(Model::load).predict(inputs)
}

/// The memory of a process, in mebibytes.
fn memory(process: u32) -> Result<u64, RemoteError> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kibibytes.ok_or("it is not told")?.parse::<u64>()? >> 10)
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Who reads may have seen enough, as `head` has.
            let error_kind = error.downcast_ref().map(io::Error::kind);
            if error_kind == Some(io::ErrorKind::BrokenPipe) {
                return ExitCode::SUCCESS;
            }
            eprintln!("model: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let inputs: Vec<u32> = iter::successors(Some(1_u32), |input| {
        Some(input.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
    })
    .take(1000)
    .collect();
    writeln!(
        io::stdout(),
        "{:20}{:>10}{:>14}{:>12}",
        "",
        "loaded in",
        "predictions",
        "memory"
    )?;

    let begin = Instant::now();
    let model = ModelClient::load().spawn()?;
    let loaded = begin.elapsed();
    let clients = (0..WORKERS)
        .map(|_| ask::spawn(&model, &inputs))
        .collect::<Result<Vec<_>, _>>()?;
    let (mut answers, mut mebibytes) = (0, 0);
    for client in clients {
        let (asked, of_client) = client.join()??;
        answers += asked;
        mebibytes += of_client;
    }
    mebibytes += memory(model.id())?;
    report("service, 4 clients", loaded, answers, mebibytes)?;
    model.shutdown()?;

    let begin = Instant::now();
    let pool = Pool::builder()
        .workers(WORKERS)
        .initializer(load::call())
        .build_and_wait()?;
    let loaded = begin.elapsed();
    let begin = Instant::now();
    let (mut answers, mut mebibytes) = (0, 0);
    for prediction in pool.map(|()| predict::call(&inputs), iter::repeat(())) {
        prediction?;
        answers += 1;
        if begin.elapsed() >= TIME {
            for worker in pool.worker_ids() {
                mebibytes += memory(worker)?;
            }
            // What runs is not wanted any more, and is cancelled.
            break;
        }
    }
    report("pool, 4 workers", loaded, answers, mebibytes)?;
    Ok(())
}

fn report(name: &str, loaded: Duration, answers: usize, mebibytes: u64) -> io::Result<()> {
    let loaded = format!("{loaded:.1?}");
    writeln!(
        io::stdout(),
        "{name:20}{loaded:>10}{answers:>12}/s{mebibytes:>8} MiB"
    )
}
