//! Pictures to try the program with: good ones, broken ones and hostile ones.

use std::f64::consts::TAU;
use std::fs::{self, Permissions};
use std::io::{self, Cursor};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Makes a directory and fills it.
pub(crate) fn directory(path: &Path) -> std::result::Result<(), String> {
    let make = || {
        fs::create_dir(path)?;
        good(path)?;
        broken(path)?;
        hostile(path)
    };
    make().map_err(|error: Box<dyn std::error::Error>| {
        format!("cannot make `{}`: {error}", path.display())
    })
}

/// Pictures of all formats and of all shapes.
fn good(directory: &Path) -> Result<()> {
    let save = |name: &str, picture: DynamicImage| picture.save(directory.join(name));
    for deep in ["seasons", "shapes/transparent"] {
        fs::create_dir_all(directory.join(deep))?;
    }
    save("seasons/spring.jpg", hills(900, 600, 0.0).into())?;
    save("seasons/summer.bmp", hills(600, 600, 0.25).into())?;
    save("seasons/autumn.png", hills(600, 900, 0.5).into())?;
    save("seasons/winter.JPEG", hills(1200, 500, 0.75).into())?;
    save("panorama.jpg", hills(6000, 400, 0.1).into())?;
    save("tower.gif", hills(60, 1500, 0.6).into())?;
    save("icon.png", hills(32, 32, 0.3).into())?;
    save("one pixel.png", hills(1, 1, 0.2).into())?;
    save(
        "gray.jpg",
        DynamicImage::from(hills(800, 600, 0.4)).into_luma8().into(),
    )?;
    let deep = DynamicImage::from(hills(800, 600, 0.9));
    save("16 bits.png", deep.into_rgb16().into())?;
    save("shapes/transparent/ring.png", ring(500).into())?;
    save("shapes/transparent/ring.gif", ring(120).into())?;
    save("line\nbreak.png", hills(300, 200, 0.5).into())?;
    fs::write(
        directory.join("JPEG by content.png"),
        encoded(&hills(640, 480, 0.0), ImageFormat::Jpeg)?,
    )?;
    fs::write(directory.join("camera on its side.jpg"), sideways()?)?;
    fs::write(directory.join("notes.txt"), "This is not a picture.\n")?;
    Ok(())
}

/// Pictures that were damaged by accident.
fn broken(directory: &Path) -> Result<()> {
    let picture = hills(900, 600, 0.2);
    let jpeg = encoded(&picture, ImageFormat::Jpeg)?;
    let png = encoded(&picture, ImageFormat::Png)?;
    let save = |name: &str, content: &[u8]| fs::write(directory.join(name), content);
    save("broken, cut off.jpg", &jpeg[..jpeg.len() / 2])?;
    save("broken, cut off early.jpg", &jpeg[..300])?;
    save("broken, cut off.png", &png[..png.len() / 2])?;
    save("broken, empty.gif", b"")?;
    save("broken, text.png", b"A text with the name of a picture.\n")?;
    let mut overwritten = png;
    let middle = overwritten.len() / 2;
    overwritten[middle..middle + 1000].fill(0x55);
    save("broken, overwritten.png", &overwritten)?;
    save("broken, not to be read.jpg", &jpeg)?;
    let none = Permissions::from_mode(0o000);
    fs::set_permissions(directory.join("broken, not to be read.jpg"), none)?;
    Ok(())
}

/// Pictures that were made to do harm.
fn hostile(directory: &Path) -> Result<()> {
    let save = |name: &str, content: io::Result<Vec<u8>>| fs::write(directory.join(name), content?);
    // Four GiB in a file of three MB.
    let (side, row) = (1 << 16, 1 + (1 << 13));
    let pixels = zeros(u64::from(side) * row);
    save(
        "hostile, bomb.png",
        png(side, side, png::BitDepth::One, &pixels),
    )?;
    // A file of a hundred bytes, for which a decoder makes room for 65 GB at once.
    let claim = png(1 << 17, 1 << 19, png::BitDepth::Eight, &zeros(1));
    save("hostile, claim.png", claim)?;
    // It fits into memory, but has very many rows, and each is some work.
    let rows = 400_000_000;
    let column = png(1, rows, png::BitDepth::Eight, &zeros(2 * u64::from(rows)));
    save("hostile, endless.png", column)?;
    Ok(())
}

/// A landscape; the season is between 0 and 1.
fn hills(width: u32, height: u32, season: f64) -> RgbImage {
    let shade = |phase: f64, least: f64, most: f64| {
        let wave = ((season + phase) * TAU).cos() * 0.5 + 0.5;
        least + wave * (most - least)
    };
    let sky = [shade(0.5, 90.0, 190.0), shade(0.4, 140.0, 200.0), 235.0];
    let haze = [250.0, shade(0.3, 215.0, 240.0), shade(0.2, 180.0, 235.0)];
    let near = [
        shade(0.5, 40.0, 130.0),
        shade(0.8, 70.0, 120.0),
        shade(0.2, 30.0, 70.0),
    ];
    let sun = [255.0, 245.0, shade(0.0, 150.0, 220.0)];
    let scale = f64::from(height);
    let middle = f64::from(width) / scale * (0.3 + 0.4 * season);
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (f64::from(x) / scale, f64::from(y) / scale);
        let ridge = |layer: f64| {
            let phase = layer * 2.0 + season * 9.0;
            0.42 + 0.14 * layer + 0.06 * (x * 5.0 + phase).sin() + 0.02 * (x * 17.0 - phase).sin()
        };
        let layer = [3.0, 2.0, 1.0, 0.0]
            .into_iter()
            .find(|&layer| y > ridge(layer));
        Rgb(match layer {
            Some(layer) => mixed(haze, near, 0.25 + layer / 4.0),
            None if (x - middle).hypot(y - 0.25) < 0.1 => sun.map(byte),
            None => mixed(sky, haze, y * 2.0),
        })
    })
}

/// A ring of all colors with nothing in it and around it.
fn ring(side: u32) -> RgbaImage {
    let scale = f64::from(side) / 2.0;
    RgbaImage::from_fn(side, side, |x, y| {
        let (x, y) = (f64::from(x) / scale - 1.0, f64::from(y) / scale - 1.0);
        let (angle, distance) = (y.atan2(x), x.hypot(y));
        let color = |phase: f64| byte(((angle + phase).cos() * 0.5 + 0.5) * 255.0);
        let opacity = if (0.5..0.9).contains(&distance) {
            255
        } else {
            0
        };
        Rgba([color(0.0), color(TAU / 3.0), color(-TAU / 3.0), opacity])
    })
}

fn mixed(one: [f64; 3], other: [f64; 3], share: f64) -> [u8; 3] {
    let share = share.clamp(0.0, 1.0);
    [0, 1, 2].map(|i| byte(one[i] + (other[i] - one[i]) * share))
}

fn byte(value: f64) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` takes what is beyond the limits for the limits"
    )]
    {
        value as u8
    }
}

fn encoded(picture: &RgbImage, format: ImageFormat) -> Result<Vec<u8>> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format)?;
    Ok(file.into_inner())
}

/// A picture as a camera writes it that was turned: its first row is the right-hand side.
fn sideways() -> Result<Vec<u8>> {
    let turned = image::imageops::rotate270(&hills(480, 720, 0.15));
    let orientation = *b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new(&mut file);
    encoder.set_exif_metadata(orientation.to_vec())?;
    encoder.encode_image(&turned)?;
    Ok(file)
}

/// A PNG file of shades of gray, whatever its compressed pixels are.
fn png(width: u32, height: u32, depth: png::BitDepth, pixels: &[u8]) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_depth(depth);
    let mut writer = encoder.write_header()?;
    writer.write_chunk(png::chunk::IDAT, pixels)?;
    drop(writer);
    Ok(file)
}

/// So many zeros, at least one, in the format of zlib.
///
/// A compressor would do, but would have to be given them. This is one block with the codes that
/// RFC 1951 fixes: a zero, and then again and again "258 bytes like the one before".
fn zeros(count: u64) -> Vec<u8> {
    const ZERO: (u32, u32) = (0b0011_0000, 8);
    const AGAIN: [(u32, u32); 2] = [(0b1100_0101, 8), (0, 5)];
    const END: (u32, u32) = (0, 7);
    let (again, rest) = ((count - 1) / 258, (count - 1) % 258);
    let codes = std::iter::once(ZERO)
        .chain((0..again).flat_map(|_| AGAIN))
        .chain((0..rest).map(|_| ZERO))
        .chain([END]);

    let mut file = vec![0x78, 0x01];
    // That it is the last block, and what its codes are.
    let (mut bits, mut length) = (0b011, 3);
    for (code, bits_of_code) in codes {
        // Codes begin with their highest bit, bytes with their lowest.
        bits |= code.reverse_bits() >> (32 - bits_of_code) << length;
        length += bits_of_code;
        while length >= 8 {
            file.push(bits.to_le_bytes()[0]);
            bits >>= 8;
            length -= 8;
        }
    }
    file.push(bits.to_le_bytes()[0]);
    let checksum = ((count % 65_521) << 16) | 1;
    file.extend(&checksum.to_be_bytes()[4..]);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_what_a_decoder_reads() {
        for rows in [1, 100, 129, 130, 1000, 100_000] {
            let file = png(1, rows, png::BitDepth::Eight, &zeros(2 * u64::from(rows))).unwrap();
            let picture = image::load_from_memory(&file).unwrap();
            assert_eq!((picture.width(), picture.height()), (1, rows));
            assert!(picture.as_bytes().iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn a_turned_camera_is_turned_back() {
        use super::super::thumbnail::make_thumbnail;
        let directory = std::env::temp_dir();
        let path = directory.join(format!("sideways-{}.jpg", std::process::id()));
        fs::write(&path, sideways().unwrap()).unwrap();
        let upright = make_thumbnail(path.clone().into_os_string());
        fs::remove_file(path).unwrap();
        let upright = upright.unwrap().into_picture().unwrap();
        assert!(upright.height() > upright.width());
    }
}
