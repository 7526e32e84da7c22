//! What items of a run are made of.

use super::super::arrays::ArrayShape;
use super::super::bulk::ElementKind;

/// The steps of a shape. Each is as good as two when a struct is read, its name and its number.
const MOST_STEPS: usize = 64;

/// The bytes of an item, at most.
pub(in super::super) const LARGEST: usize = MOST_STEPS * size_of::<u128>();

/// A place where no step is, nor the end: where those are that have seen another step than they expected. So
/// they go on failing, also for who does not mind.
pub(super) const NOWHERE: usize = 2 * MOST_STEPS - 1;

/// The number of a tuple's items has this bit. So it is never taken for a step.
const COUNT: u8 = 0x40;

/// The byte that says how many items a tuple has.
#[inline(always)]
pub(super) fn count_byte(items: usize) -> Option<u8> {
    let count = u8::try_from(items).ok().filter(|count| *count < COUNT);
    count.map(|count| count | COUNT)
}

/// How many items a tuple has, if this byte says so.
pub(in super::super) fn read_count(byte: u8) -> Option<u8> {
    let is_one = (COUNT..2 * COUNT).contains(&byte);
    is_one.then_some(byte & !COUNT)
}

/// Steps: a number (the [`ElementKind`]), or one of these.
pub(in super::super) mod step {
    pub(in super::super::super) const BOOL: u8 = 0x10;
    pub(in super::super::super) const CHAR: u8 = 0x11;
    /// then the number of items, with [`COUNT`](super::COUNT); the items; [`END`]
    pub(in super::super::super) const TUPLE: u8 = 0x20;
    /// fields, [`END`]
    pub(in super::super::super) const STRUCT: u8 = 0x21;
    /// In a message only, where a name follows; then the value. Else the name is that of the value's
    /// first step.
    pub(in super::super::super) const FIELD: u8 = 0x22;
    pub(in super::super::super) const END: u8 = 0x23;
    /// No step: what is behind the last.
    pub(in super::super::super) const NONE: u8 = 0xff;
}

/// The steps through one item.
#[derive(Debug)]
pub(in super::super) struct Shape<'n> {
    /// Filled up with [`step::NONE`], so that none behind the last is ever the expected one.
    steps: [u8; 2 * MOST_STEPS],
    /// Of fields, at the place of their first step.
    names: [Option<&'n str>; MOST_STEPS],
    length: usize,
    /// The bytes of an item.
    pub(in super::super) width: usize,
}

impl<'n> Shape<'n> {
    pub(in super::super) fn new() -> Shape<'n> {
        Shape {
            steps: [step::NONE; 2 * MOST_STEPS],
            names: [None; MOST_STEPS],
            length: 0,
            width: 0,
        }
    }

    /// Says that the next step is the first of a field's value; says whether there is room.
    pub(in super::super) fn name_next(&mut self, name: &'n str) -> bool {
        let place = self.names.get_mut(self.length);
        place.map(|place| *place = Some(name)).is_some()
    }

    /// Appends a step; says whether there was room.
    pub(in super::super) fn push(&mut self, step: u8) -> bool {
        if self.length == MOST_STEPS {
            return false;
        }
        self.steps[self.length] = step;
        self.length += 1;
        self.width += width(step);
        true
    }

    /// Appends the number of a tuple's items, which is at the place of a step and none.
    pub(in super::super) fn push_count(&mut self, count: u8) -> bool {
        let width = self.width;
        let is_room = self.push(count);
        self.width = width;
        is_room
    }

    /// If items are arrays of numbers, which.
    pub(in super::super) fn as_array(&self) -> Option<ArrayShape> {
        let [step::TUPLE, count, first, ..] = self.steps else {
            return None;
        };
        let kind = ElementKind::from_wire(first).ok()?;
        let length = usize::from(read_count(count)?);
        let items = self.steps.get(2..2 + length)?;
        // Behind them is the end of the tuple.
        let is_array = items.iter().all(|step| *step == first) && self.length == length + 3;
        is_array.then_some(ArrayShape { kind, length })
    }

    #[inline(always)]
    pub(super) fn is_end(&self, at: usize) -> bool {
        at == self.length
    }

    #[inline(always)]
    pub(super) fn step(&self, at: usize) -> u8 {
        // No place is more than one behind the last; this says so in a way that needs no check.
        self.steps[at % (2 * MOST_STEPS)]
    }

    /// The name of the field whose value begins here.
    #[inline(always)]
    pub(super) fn name(&self, at: usize) -> Option<&'n str> {
        self.names[at % MOST_STEPS]
    }

    /// The names of the fields of the struct whose first step this is.
    pub(super) fn fields(&self, first: usize) -> impl Iterator<Item = &'n str> {
        let mut at = first;
        let mut inside = 0_usize;
        std::iter::from_fn(move || {
            loop {
                let (step, name) = (self.step(at), self.name(at));
                let is_outermost = inside == 0;
                at += 1;
                match step {
                    step::END if is_outermost => return None,
                    step::NONE => return None,
                    step::END => inside -= 1,
                    step::TUPLE => {
                        inside += 1;
                        // Past the number of items.
                        at += 1;
                    }
                    step::STRUCT => inside += 1,
                    _ => {}
                }
                if is_outermost && name.is_some() {
                    return name;
                }
            }
        })
    }

    /// How many values are left, from this step on, of the struct or tuple in which it is.
    pub(super) fn values(&self, from: usize) -> usize {
        let mut values = 0;
        let mut inside = 0_usize;
        let mut at = from;
        loop {
            let step = self.step(at);
            at += 1;
            match step {
                step::NONE => return values,
                step::END if inside == 0 => return values,
                step::END => inside -= 1,
                _ => {
                    values += usize::from(inside == 0);
                    inside += usize::from(matches!(step, step::TUPLE | step::STRUCT));
                    // Past the number of items.
                    at += usize::from(step == step::TUPLE);
                }
            }
        }
    }

    /// The steps, and the names of those that have one.
    pub(in super::super) fn steps(&self) -> impl Iterator<Item = (u8, Option<&'n str>)> + '_ {
        let steps = self.steps[..self.length].iter().zip(&self.names);
        steps.map(|(step, name)| (*step, *name))
    }
}

/// How many bytes of an item a step takes.
pub(in super::super) fn width(step: u8) -> usize {
    match step {
        step::BOOL => 1,
        step::CHAR => 4,
        _ => ElementKind::from_wire(step).map_or(0, ElementKind::width),
    }
}
