use multiproc::worker;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize)]
struct OnlySerialize;

#[derive(Clone, Deserialize)]
struct OnlyDeserialize;

#[derive(Serialize, Deserialize)]
struct NotClone;

#[worker]
fn write(value: OnlySerialize) {
    let _ = value;
}

#[worker]
fn read(value: OnlyDeserialize) {
    let _ = value;
}

#[worker]
fn write_reference(value: &OnlySerialize) {
    let _ = value;
}

#[worker]
fn read_reference(value: &OnlyDeserialize) {
    let _ = value;
}

#[worker]
fn not_clone(value: &NotClone) {
    let _ = value;
}

#[worker]
fn write_result() -> OnlySerialize {
    OnlySerialize
}

#[worker]
fn read_result() -> OnlyDeserialize {
    OnlyDeserialize
}

/// Neither half.
struct Neither;

#[worker]
fn inside(values: Vec<OnlySerialize>) -> Result<Vec<u8>, OnlyDeserialize> {
    let _ = values;
    Ok(Vec::new())
}

#[worker]
fn neither(value: Neither) {
    let _ = value;
}

fn main() {
    let _ = inside::run(vec![OnlySerialize]).unwrap();
    neither::run(Neither).unwrap();
    write::run(OnlySerialize).unwrap();
    read::run(OnlyDeserialize).unwrap();
    write_reference::run(&OnlySerialize).unwrap();
    read_reference::run(&OnlyDeserialize).unwrap();
    not_clone::run(&NotClone).unwrap();
    let _: OnlySerialize = write_result::run().unwrap();
    let _: OnlyDeserialize = read_result::run().unwrap();
}
