//! Whatever the bytes of a message are, reading them ends in a value or an error.

use super::*;

/// Everything at once, for the tests that do violence to messages.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    nested: Named<f32>,
    numbers: (u8, i16, u32, i64, u128, f64, char, bool),
    lists: (Vec<u8>, Vec<f64>, Vec<bool>, Vec<String>),
    map: BTreeMap<String, Option<Value>>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
    long: Vec<u8>,
    long_text: String,
}

fn everything() -> Everything {
    Everything {
        nested: nested(),
        numbers: (200, -300, 70_000, i64::MIN, u128::MAX, 0.5, '🦀', true),
        lists: (vec![1; 5], vec![1.0], vec![true], vec!["x".to_owned()]),
        map: BTreeMap::from([("a".to_owned(), None), ("b".to_owned(), Some(json!([1])))]),
        rest: BTreeMap::from([("c".to_owned(), json!({"d": [null, -1.5]}))]),
        long: vec![3; SPLICE_MINIMUM],
        long_text: "x".repeat(SPLICE_MINIMUM),
    }
}

fn encoded(value: &impl Serialize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut out = Output::new(0);
    out.write(value).unwrap();
    let message = sent(out);
    (message.head, message.splices)
}

fn message(head: &[u8], splices: &[Vec<u8>]) -> Message {
    Message {
        head: head.to_vec(),
        splices: splices.to_vec(),
        ..Message::default()
    }
}

/// Reads the message as several types: whatever comes of it, it comes.
fn survives(head: &[u8], splices: &[Vec<u8>]) {
    let _ = decode::<Everything>(&mut message(head, splices));
    let _ = decode::<Value>(&mut message(head, splices));
    let _ = decode::<IgnoredAny>(&mut message(head, splices));
    let _ = decode::<Vec<u64>>(&mut message(head, splices));
    let _ = decode::<(Shape, String)>(&mut message(head, splices));
}

#[test]
fn truncated_messages_are_errors() {
    let (head, splices) = encoded(&everything());
    assert_eq!(splices.len(), 2);
    assert_eq!(
        decode::<Everything>(&mut message(&head, &splices)),
        Ok(everything())
    );
    for length in 0..head.len() {
        assert!(decode::<Everything>(&mut message(&head[..length], &splices)).is_err());
        survives(&head[..length], &[]);
    }
    assert!(decode::<Everything>(&mut message(&head, &splices[..1])).is_err());
    assert!(decode::<Everything>(&mut message(&head, &[])).is_err());
    let odd = vec![0; SPLICE_MINIMUM + 1];
    let (head, _) = encoded(&vec![0_u32; SPLICE_MINIMUM]);
    assert!(decode::<Vec<u32>>(&mut message(&head, std::slice::from_ref(&odd))).is_err());
    assert!(decode::<Vec<u64>>(&mut message(&head, &[odd])).is_err());
}

#[test]
fn damaged_messages_do_no_damage() {
    let (head, splices) = encoded(&everything());
    let splices: Vec<_> = splices.iter().map(|splice| splice[..9].to_vec()).collect();
    for bit in 0..head.len() * 8 {
        let mut damaged = head.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        survives(&damaged, &splices);
    }
}

#[test]
fn noise_does_no_damage() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..20_000 {
        let length = random.below(40);
        let head: Vec<u8> = (0..length).map(|_| random.byte()).collect();
        survives(&head, &[head.clone(), Vec::new()]);
    }
}
