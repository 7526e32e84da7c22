use multiproc::worker;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Serialize, Deserialize)]
struct Unit;

#[worker]
fn mutable(mut numbers: Vec<u8>, mut text: &str) -> (Vec<u8>, usize) {
    numbers.push(3);
    text = &text[1..];
    (numbers, text.len())
}

#[worker]
fn destructured(
    (width, height): (u32, u32),
    Point { x, y }: Point,
    [first, .., last]: [u8; 4],
    Unit: Unit,
    &(ref left, right): &(String, u8),
) -> (u32, i32, u8, usize) {
    (width * height, x + y, first + last + right, left.len())
}

#[worker]
fn ignored(_: String, _also: u8, _: &str) {}

#[worker]
fn bound(whole @ Point { .. }: Point, ref by_reference: u8, (ref inner,): (u8,)) -> i32 {
    whole.x + i32::from(*by_reference) + i32::from(*inner)
}

// The names that patterns get are not taken from other parameters.
#[worker]
fn collisions((a, b): (u8, u8), argument0: u8, (c, d): (u8, u8), argument2: u8) -> [u8; 6] {
    [a, b, argument0, c, d, argument2]
}

// Attributes on parameters stay with the function.
#[worker]
fn attributes(#[allow(unused_variables)] unused: u8, #[expect(unused_mut)] mut used: u8) -> u8 {
    used
}

#[test]
fn it_runs() {
    assert_eq!(
        mutable::run(vec![1, 2], "text").unwrap(),
        (vec![1, 2, 3], 3)
    );
    assert_eq!(
        destructured::run(
            (2, 3),
            Point { x: 4, y: 5 },
            [1, 0, 0, 2],
            Unit,
            &("left".into(), 1)
        )
        .unwrap(),
        (6, 9, 4, 4)
    );
    ignored::run("text".to_owned(), 1, "more").unwrap();
    assert_eq!(bound::run(Point { x: 1, y: 2 }, 3, (4,)).unwrap(), 8);
    assert_eq!(
        collisions::run((1, 2), 3, (4, 5), 6).unwrap(),
        [1, 2, 3, 4, 5, 6]
    );
    assert_eq!(attributes::run(1, 2).unwrap(), 2);
}
