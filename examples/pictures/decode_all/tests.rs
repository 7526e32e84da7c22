//! The program with pictures of all kinds.

use std::fs;
use std::path::PathBuf;

use image::RgbImage;

use super::{Path, decode_all};

/// A directory of its own, which is removed at the end of the test.
struct Pictures(PathBuf);

impl Pictures {
    fn new(test: &str) -> Pictures {
        let name = format!("decode_all-{test}-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(directory.join("empty")).unwrap();
        Pictures(directory)
    }

    /// The lines that the program prints, without the name of the directory.
    fn report(&self) -> Vec<String> {
        let mut report = Vec::new();
        decode_all(&self.0, &mut report).unwrap();
        let report = String::from_utf8(report).unwrap();
        let mut lines: Vec<_> = report
            .replace(&format!("{}/", self.0.display()), "")
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        lines[1..].sort();
        lines
    }
}

impl Drop for Pictures {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A picture that says that it has this many pixels, each of a byte, and has none.
fn claim(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = png::Encoder::new(&mut file, width, height)
        .write_header()
        .unwrap();
    writer.write_chunk(png::chunk::IDAT, &[0]).unwrap();
    drop(writer);
    file
}

#[test]
fn files_that_fail_are_named() {
    let pictures = Pictures::new("failures");
    let good = pictures.0.join("good.png");
    RgbImage::new(300, 200).save(&good).unwrap();
    let content = fs::read(&good).unwrap();
    let write = |name: &str, content: &[u8]| fs::write(pictures.0.join(name), content).unwrap();
    write("cut-off.png", &content[..content.len() / 2]);
    write("text.png", b"A text with the name of a picture.");
    write("claim.png", &claim(1 << 14, 3 << 13));

    let lines = pictures.report();
    let [count, claim, cut_off, text] = lines.as_slice() else {
        panic!("{lines:#?}");
    };
    assert_eq!(count, "3 of 4 files failed");
    let killed = "was killed by SIGABRT after exceeding its memory limit of 256 MiB";
    assert!(claim.starts_with("claim.png "), "{claim}");
    assert!(claim.contains(killed), "{claim}");
    assert!(cut_off.starts_with("cut-off.png "), "{cut_off}");
    assert!(!cut_off.contains("killed"), "{cut_off}");
    assert!(
        text.starts_with("text.png Format error decoding Png"),
        "{text}"
    );
}

#[test]
fn a_directory_may_be_empty_and_has_to_be_there() {
    let pictures = Pictures::new("empty");
    assert_eq!(pictures.report(), ["0 of 0 files failed"]);
    let error = decode_all(Path::new("/nowhere"), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("/nowhere"), "{error}");
}
