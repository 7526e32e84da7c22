//! What runs in the worker processes.

use std::ffi::OsString;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, RgbaImage};
use multiproc::{RemoteError, worker};
use serde::{Deserialize, Serialize};

/// The most pixels that a thumbnail is wide or high.
pub(crate) const SIDE: u32 = 160;

/// A small picture: what a worker returns.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Thumbnail {
    width: u32,
    height: u32,
    /// Red, green, blue and opacity of each pixel.
    pixels: Vec<u8>,
}

/// Decodes a picture and makes it small.
///
/// The decoder reads untrusted data here. If that makes it take all memory, run for ever or crash,
/// only this process is affected.
#[worker]
pub(crate) fn make_thumbnail(path: OsString) -> Result<Thumbnail, RemoteError> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    // The process has a limit. It holds for all that a decoder does, not only for what that counts.
    reader.no_limits();
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let picture = DynamicImage::from_decoder(decoder)?;
    Ok(Thumbnail::of(picture, orientation))
}

impl Thumbnail {
    fn of(mut picture: DynamicImage, orientation: Orientation) -> Thumbnail {
        if picture.width() > SIDE || picture.height() > SIDE {
            picture = picture.thumbnail(SIDE, SIDE);
        }
        picture.apply_orientation(orientation);
        let picture = picture.into_rgba8();
        Thumbnail {
            width: picture.width(),
            height: picture.height(),
            pixels: picture.into_raw(),
        }
    }

    /// The picture, unless the numbers contradict each other.
    pub(crate) fn into_picture(self) -> Option<RgbaImage> {
        RgbaImage::from_raw(self.width, self.height, self.pixels)
    }
}
