//! How do workers compute a grid over and over, when each cell depends on its neighbours, without a copy for
//! each pass?
//!
//! There are two grids. In each pass all workers read the old one, which is a `Shared`, and each writes its
//! band of the new one, a `Chunk` of a `Buffer`. Then the two change roles, and nothing is copied.
//!
//! What is computed is how two substances react and spread: a model of Gray and Scott, from which spots, stripes and
//! corals grow. How fast one is fed and the other removed differs from place to place.
//!
//! ```text
//! cargo run --release --example stencil -- stencil.png
//! ```

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use multiproc::shm::{Buffer, Chunk, Shared};
use multiproc::{Pool, Task, worker};

const WIDTH: usize = 640;
const HEIGHT: usize = 400;

/// Lets two substances react, and draws what grows.
#[derive(Parser)]
struct Arguments {
    /// PNG file to write [default: stencil.png in the directory for temporary files]
    file: Option<PathBuf>,
    /// How often all cells are computed anew
    #[arg(long, default_value_t = 4000)]
    passes: u32,
}

/// How much there is of the two substances.
type Cell = [f32; 2];

/// One pass over a band of rows. The old grid is taken by value, to be gone when the result is there.
#[worker]
fn advance(old: Shared<[Cell]>, mut new: Chunk<Cell>) -> Chunk<Cell> {
    let first = new.offset() / WIDTH;
    for (row, cells) in (first..).zip(new.chunks_exact_mut(WIDTH)) {
        let above = row_of(&old, row + HEIGHT - 1);
        let here = row_of(&old, row);
        let below = row_of(&old, row + 1);
        for (column, cell) in cells.iter_mut().enumerate() {
            let left = if column == 0 { WIDTH - 1 } else { column - 1 };
            let right = if column == WIDTH - 1 { 0 } else { column + 1 };
            let spread = |substance: usize| {
                let sides = above[column][substance]
                    + below[column][substance]
                    + here[left][substance]
                    + here[right][substance];
                let corners = above[left][substance]
                    + above[right][substance]
                    + below[left][substance]
                    + below[right][substance];
                sides * 0.2 + corners * 0.05 - here[column][substance]
            };
            let [food, growth] = here[column];
            let (feed, kill) = rates(column, row);
            let reaction = food * growth * growth;
            *cell = [
                food + spread(0) - reaction + feed * (1.0 - food),
                growth + 0.5 * spread(1) + reaction - (kill + feed) * growth,
            ];
        }
    }
    // The next pass writes here.
    drop(old);
    new
}

/// The grid goes on at the opposite side.
fn row_of(grid: &[Cell], row: usize) -> &[Cell] {
    let start = row % HEIGHT * WIDTH;
    &grid[start..start + WIDTH]
}

/// How fast food is added, and growth removed: holes grow in the middle, spots in the corners, and stripes between
/// them. Like the grid, the rates go on at the opposite side.
#[expect(clippy::cast_precision_loss, reason = "the picture is small")]
fn rates(column: usize, row: usize) -> (f32, f32) {
    let wave = |place: usize, length: usize| 1.0 - (2.0 * place as f32 / length as f32 - 1.0).abs();
    let (x, y) = (wave(column, WIDTH), wave(row, HEIGHT));
    let feed = 0.026 + 0.032 * y;
    let kill = 0.0595 + 0.0034 * y - 0.0019 * y * y + (0.5 - x) * (0.003 - 0.0018 * y);
    (feed, kill)
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Who reads may have seen enough, as `head` has.
            let error_kind = error.downcast_ref().map(io::Error::kind);
            if error_kind == Some(io::ErrorKind::BrokenPipe) {
                return ExitCode::SUCCESS;
            }
            eprintln!("stencil: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let path = arguments.file.clone();
    let path = path.unwrap_or_else(|| std::env::temp_dir().join("stencil.png"));
    // Before the work, which would be in vain without it.
    let file =
        File::create(&path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    let pool = Pool::new()?;
    let bands = pool.worker_ids().len().max(1);
    let begin = Instant::now();
    let mut old = seed()?;
    let mut new = Buffer::new(WIDTH * HEIGHT)?;
    let mut grids = 2;
    for _pass in 0..arguments.passes {
        let shared = old.into_shared();
        let chunks = new.chunks(HEIGHT.div_ceil(bands) * WIDTH);
        let tasks: Vec<_> = chunks
            .into_iter()
            .map(|chunk| pool.submit(advance::call(shared.clone(), chunk)))
            .collect();
        let chunks = tasks.into_iter().map(Task::wait);
        let chunks = chunks.collect::<Result<Vec<_>, _>>()?;
        // What was written is what will be read.
        old = Buffer::join(chunks)?;
        new = if let Ok(buffer) = shared.try_into_buffer() {
            buffer
        } else {
            // A worker that has no time to drop it is no reason to wait for long.
            grids += 1;
            Buffer::new(WIDTH * HEIGHT)?
        };
    }
    let time = begin.elapsed();
    write(file, &old)?;
    let passes = arguments.passes;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", path.display())?;
    writeln!(
        out,
        "{passes} passes of {bands} workers in {time:.1?}, {:.1?} each",
        time / passes.max(1)
    )?;
    let mebibytes = (size_of::<Cell>() * WIDTH * HEIGHT * passes as usize) >> 20;
    writeln!(
        out,
        "{mebibytes} MiB were computed in {grids} grids, and none of them copied"
    )?;
    Ok(())
}

/// Food everywhere, and growth in a few places.
fn seed() -> io::Result<Buffer<Cell>> {
    let mut grid = Buffer::from_elem([1.0, 0.0], WIDTH * HEIGHT)?;
    let mut random = 1_u32;
    let mut below = |limit: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % limit
    };
    for _ in 0..150 {
        let (left, top) = (below(WIDTH - 6), below(HEIGHT - 6));
        for row in top..top + 6 {
            grid[row * WIDTH + left..][..6].fill([0.5, 0.25]);
        }
    }
    Ok(grid)
}

fn write(file: File, grid: &[Cell]) -> Result<(), Box<dyn Error>> {
    let pixels: Vec<u8> = grid.iter().copied().flat_map(color).collect();
    let mut encoder = png::Encoder::new(
        BufWriter::new(file),
        u32::try_from(WIDTH)?,
        u32::try_from(HEIGHT)?,
    );
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    Ok(writer.finish()?)
}

/// From deep water, over its edge, to what has grown.
fn color([food, growth]: Cell) -> [u8; 3] {
    const COLORS: [[f32; 3]; 5] = [
        [11.0, 19.0, 43.0],
        [24.0, 76.0, 110.0],
        [58.0, 160.0, 150.0],
        [244.0, 211.0, 140.0],
        [238.0, 108.0, 77.0],
    ];
    let height = ((1.0 - food) * 0.6 + growth * 1.4).clamp(0.0, 1.0) * 3.999;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 4"
    )]
    let place = height as usize;
    let part = height.fract();
    let [from, to] = [COLORS[place], COLORS[place + 1]];
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 255"
    )]
    std::array::from_fn(|band| (from[band] + (to[band] - from[band]) * part) as u8)
}
