#![allow(elided_lifetimes_in_paths)]

use serde::{Deserialize, Serialize};

struct Index {
    words: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Entry<'a>(&'a str);

#[multiproc::service]
impl Index {
    fn open() -> Self {
        Index { words: Vec::new() }
    }

    fn entry(&self) -> Entry {
        Entry(&self.words[0])
    }

    fn add(&mut self, entry: Entry) {
        self.words.push(entry.0.to_owned());
    }
}

fn main() {
    let index = IndexClient::open().spawn().unwrap();
    let _ = index.entry().run();
    let _ = index.add(Entry("dog")).run();
}
