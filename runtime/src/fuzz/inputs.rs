//! What the ordinary tests feed: the corpus, and what becomes of it by small changes.

use std::fs;
use std::path::Path;

use crate::probe::forbid_copies;
use crate::random::Random;

/// Calls the function with each input of the corpus of this name, and with some more that are made
/// of them.
pub(super) fn feed(name: &str, count: usize, function: fn(&[u8])) {
    let inputs = corpus(name);
    assert!(inputs.len() > 8, "the corpus was not read");
    let run = |input: &[u8]| {
        let _copies = forbid_copies();
        function(input);
    };
    for input in &inputs {
        run(input);
    }
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..count {
        run(&random.change(&inputs));
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut files: Vec<_> = fs::read_dir(folder.join(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "bin"))
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

impl Random {
    fn telling_byte(&mut self) -> u8 {
        // What means something, at times.
        const TELLING: [u8; 12] = [
            0x00, 0x01, 0x04, 0x30, 0x31, 0x32, 0x33, 0x34, 0x41, 0x50, 0x80, 0xff,
        ];
        match self.place(2) {
            0 => TELLING[self.place(TELLING.len())],
            _ => self.next().to_le_bytes()[7],
        }
    }

    /// One of the inputs with some bytes changed, left out, or taken from another.
    fn change(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut input = inputs[self.place(inputs.len())].clone();
        for _ in 0..=self.place(6) {
            let place = self.place(input.len());
            match self.place(5) {
                0 if !input.is_empty() => {
                    input.remove(place);
                }
                1 => input.insert(place, self.telling_byte()),
                2 => {
                    let other = &inputs[self.place(inputs.len())];
                    let start = self.place(other.len());
                    let end = other.len().min(start + self.place(16));
                    input.splice(place..place, other[start..end].iter().copied());
                }
                _ => {
                    let byte = self.telling_byte();
                    if let Some(old) = input.get_mut(place) {
                        *old = byte;
                    }
                }
            }
        }
        input
    }
}
