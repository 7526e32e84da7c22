use std::collections::BTreeMap;
use std::time::Duration;

use multiproc::worker;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Clone, Serialize, Deserialize)]
enum Shape {
    Circle { radius: f64 },
    Square(f64),
    Nothing,
}

#[worker]
fn none() -> u8 {
    1
}

#[worker]
fn several(
    number: i64,
    text: String,
    bytes: Vec<u8>,
    pause: Duration,
    pair: (u8, Option<char>),
    array: [u16; 3],
) -> (i64, String, usize, Duration, Option<char>, u16) {
    (number, text, bytes.len(), pause, pair.1, array[2])
}

#[worker]
fn areas(shapes: BTreeMap<String, Shape>) -> Vec<f64> {
    shapes
        .values()
        .map(|shape| match shape {
            Shape::Circle { radius } => 3.0 * radius * radius,
            Shape::Square(side) => side * side,
            Shape::Nothing => 0.0,
        })
        .collect()
}

#[worker]
fn echo(shape: Shape) -> Shape {
    shape
}

#[test]
fn it_runs() {
    assert_eq!(none::run().unwrap(), 1);

    let process = several::spawn(
        -1,
        "text".to_owned(),
        vec![1, 2],
        Duration::from_millis(5),
        (1, Some('x')),
        [7, 8, 9],
    );
    assert_eq!(
        process.unwrap().join().unwrap(),
        (
            -1,
            "text".to_owned(),
            2,
            Duration::from_millis(5),
            Some('x'),
            9
        )
    );

    let shapes = [
        ("circle", Shape::Circle { radius: 2.0 }),
        ("nothing", Shape::Nothing),
        ("square", Shape::Square(3.0)),
    ];
    let shapes = shapes.map(|(name, shape)| (name.to_owned(), shape));
    assert_eq!(areas::run(shapes.into()).unwrap(), [12.0, 0.0, 9.0]);

    let circle = Shape::Circle { radius: 0.5 };
    assert_eq!(echo::run(circle.clone()).unwrap(), circle);
    // And it is still an ordinary function.
    assert_eq!(echo(circle.clone()), circle);
}
