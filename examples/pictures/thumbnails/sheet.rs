//! All thumbnails in one picture.

use image::imageops;
use image::{Pixel, Rgb, RgbImage, RgbaImage};

use super::thumbnail::SIDE;

/// The most pixels that a sheet is wide or high: with very many pictures, each gets smaller.
const LARGEST: u32 = 4096;

/// Between two thumbnails of full size.
const GAP: u32 = 16;

const BACKGROUND: Rgb<u8> = Rgb([0xfa, 0xfa, 0xf8]);
const CELL: Rgb<u8> = Rgb([0xdf, 0xe2, 0xe6]);
const CROSS: Rgb<u8> = Rgb([0xc0, 0x3a, 0x2c]);

/// A contact sheet that is being filled, row by row.
pub(crate) struct Sheet {
    picture: RgbImage,
    columns: u32,
    /// How far apart the cells are, and how large.
    pitch: u32,
    cell: u32,
    filled: u32,
}

impl Sheet {
    /// An empty sheet with room for so many pictures.
    pub(crate) fn new(count: usize) -> Sheet {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let columns = count.isqrt() + u32::from(count.isqrt().pow(2) < count);
        let rows = count.div_ceil(columns);
        let pitch = ((LARGEST - GAP) / columns).clamp(1, SIDE + GAP);
        let gap = GAP * pitch / (SIDE + GAP);
        Sheet {
            picture: RgbImage::from_pixel(columns * pitch + gap, rows * pitch + gap, BACKGROUND),
            columns,
            pitch,
            cell: pitch - gap,
            filled: 0,
        }
    }

    /// Puts a thumbnail into the middle of the next cell, or a cross where there is none.
    pub(crate) fn add(&mut self, thumbnail: Option<&RgbaImage>) {
        let gap = self.pitch - self.cell;
        let left = gap + self.filled % self.columns * self.pitch;
        let top = gap + self.filled / self.columns * self.pitch;
        self.filled += 1;
        let mut cell = RgbImage::from_pixel(self.cell, self.cell, CELL);
        match thumbnail {
            Some(thumbnail) => draw(&mut cell, thumbnail),
            None => cross(&mut cell),
        }
        imageops::replace(&mut self.picture, &cell, left.into(), top.into());
    }

    pub(crate) fn into_picture(self) -> RgbImage {
        self.picture
    }
}

fn draw(cell: &mut RgbImage, thumbnail: &RgbaImage) {
    let side = cell.width();
    let (width, height) = thumbnail.dimensions();
    let longer = width.max(height);
    if longer > side {
        let shrunk = |length: u32| (length * side / longer).max(1);
        let thumbnail = imageops::thumbnail(thumbnail, shrunk(width), shrunk(height));
        return draw(cell, &thumbnail);
    }
    let (left, top) = ((side - width) / 2, (side - height) / 2);
    for (x, y, pixel) in thumbnail.enumerate_pixels() {
        let below = cell.get_pixel_mut(left + x, top + y);
        let mut mixed = below.to_rgba();
        mixed.blend(pixel);
        *below = mixed.to_rgb();
    }
}

/// From corner to corner, at some distance from them.
fn cross(cell: &mut RgbImage) {
    let side = cell.width();
    let (margin, thickness) = (side / 3, side / 40);
    for (x, y, pixel) in cell.enumerate_pixels_mut() {
        let is_near = |length: u32| (margin..side - margin).contains(&length);
        let is_on = x.abs_diff(y) <= thickness || (x + y).abs_diff(side - 1) <= thickness;
        if is_near(x) && is_near(y) && is_on {
            *pixel = CROSS;
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    const WHITE: Rgb<u8> = Rgb([255; 3]);

    fn white(width: u32, height: u32) -> RgbaImage {
        RgbaImage::from_pixel(width, height, Rgba([255; 4]))
    }

    #[test]
    fn grows_to_the_right_and_down() {
        let size = |count| Sheet::new(count).into_picture().dimensions();
        let length = |cells| cells * (SIDE + GAP) + GAP;
        assert_eq!(size(1), (length(1), length(1)));
        assert_eq!(size(2), (length(2), length(1)));
        assert_eq!(size(3), (length(2), length(2)));
        assert_eq!(size(10), (length(4), length(3)));
    }

    #[test]
    fn has_room_for_any_number_of_pictures() {
        for count in [0, 1, 7, 1000] {
            let mut sheet = Sheet::new(count);
            for _ in 0..count {
                sheet.add(Some(&white(1, 1)));
            }
            let picture = sheet.into_picture();
            assert!(picture.width() <= LARGEST && picture.height() <= LARGEST);
            let drawn = picture.pixels().filter(|pixel| **pixel == WHITE).count();
            assert_eq!(drawn, count);
        }
    }

    #[test]
    fn shows_thumbnails_in_the_middle_of_their_cells() {
        let mut sheet = Sheet::new(2);
        sheet.add(Some(&white(SIDE, 2)));
        sheet.add(None);
        let picture = sheet.into_picture();
        let middle = GAP + SIDE / 2;
        assert_eq!(*picture.get_pixel(GAP, middle), WHITE);
        assert_eq!(*picture.get_pixel(GAP, middle - 2), CELL);
        assert_eq!(*picture.get_pixel(GAP - 1, middle), BACKGROUND);
        assert_eq!(*picture.get_pixel(SIDE + GAP + middle, middle), CROSS);
    }

    #[test]
    fn shines_through_transparent_pictures() {
        let mut sheet = Sheet::new(1);
        sheet.add(Some(&RgbaImage::new(SIDE, SIDE)));
        assert_eq!(*sheet.into_picture().get_pixel(SIDE, SIDE), CELL);
    }
}
