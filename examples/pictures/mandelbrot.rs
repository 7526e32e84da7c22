//! How do several processes fill one picture, without copying a pixel?
//!
//! A `Buffer` is split into bands of rows; each worker gets one, writes into it where it lies, and
//! hands it back.
//!
//! ```text
//! cargo run --release --example mandelbrot -- mandelbrot.png
//! ```

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use clap::Parser;
use multiproc::shm::{Buffer, Chunk};
use multiproc::{Process, worker};

const WIDTH: u32 = 960;
const HEIGHT: u32 = 640;
const MOST_STEPS: u32 = 500;

/// Draws the Mandelbrot set.
#[derive(Parser)]
struct Arguments {
    /// PNG file to write [default: mandelbrot.png in the directory for temporary files]
    file: Option<PathBuf>,
}

/// A pixel of three bytes.
type Pixel = [u8; 3];

#[worker]
fn draw(mut band: Chunk<Pixel>) -> Chunk<Pixel> {
    let first = band.offset();
    for (place, pixel) in (first..).zip(band.iter_mut()) {
        let place = u32::try_from(place).expect("the picture is small");
        *pixel = color(place % WIDTH, place / WIDTH);
    }
    band
}

fn color(column: u32, row: u32) -> Pixel {
    let scale = 2.4 / f64::from(HEIGHT);
    let real = (f64::from(column) - f64::from(WIDTH) * 0.7) * scale;
    let imaginary = (f64::from(row) - f64::from(HEIGHT) / 2.0) * scale;
    match escape(real, imaginary) {
        Some(steps) => {
            let shade = |frequency: f64, phase: f64| {
                let wave = (steps * frequency + phase).sin() * 0.5 + 0.5;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between 0 and 255"
                )]
                {
                    (wave * 255.0) as u8
                }
            };
            [shade(0.15, 4.0), shade(0.15, 4.6), shade(0.15, 5.4)]
        }
        None => [0; 3],
    }
}

/// After how many steps a point is known to leave, smoothed; `None` if it stays.
fn escape(real: f64, imaginary: f64) -> Option<f64> {
    let (mut x, mut y) = (0.0, 0.0);
    for step in 0..MOST_STEPS {
        let (xx, yy): (f64, f64) = (x * x, y * y);
        if xx + yy > 100.0 {
            return Some(f64::from(step) + 1.0 - (xx + yy).ln().log2() / 2.0);
        }
        y = 2.0 * x * y + imaginary;
        x = xx - yy + real;
    }
    None
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = Arguments::parse().file;
    let path = file.unwrap_or_else(|| std::env::temp_dir().join("mandelbrot.png"));
    let picture = Buffer::new(WIDTH as usize * HEIGHT as usize)?;
    let workers: Vec<_> = picture
        .split(available_parallelism()?.get())
        .into_iter()
        .map(draw::spawn)
        .collect::<Result<_, _>>()?;
    let bands: Vec<_> = workers
        .into_iter()
        .map(Process::join)
        .collect::<Result<_, _>>()?;
    write(&path, &Buffer::join(bands)?)?;
    println!("{}", path.display());
    Ok(())
}

fn write(path: &Path, picture: &[Pixel]) -> Result<(), Box<dyn Error>> {
    let file =
        File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    let file = BufWriter::new(file);
    let mut encoder = png::Encoder::new(file, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(picture.as_flattened())?;
    Ok(writer.finish()?)
}
