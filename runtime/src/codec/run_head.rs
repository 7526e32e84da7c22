//! Reading what stands before the items of a run.

use super::bulk::Bytes;
use super::de::Decoder;
use super::depth::CONTAINER;
use super::run::{Run, Shape, read_count, step, width};
use super::{Error, tag};

impl<'m> Decoder<'m> {
    /// The run that comes next, of so many items at most.
    #[inline(never)]
    pub(super) fn run(&mut self, most: usize) -> Result<Box<Run<'m>>, Error> {
        let is_beside = self.byte()? == tag::RUN_SPLICE;
        let count = usize::try_from(u64::from_le_bytes(self.array()?)).ok();
        let mut shape = Shape::new();
        self.shape(&mut shape)?;
        let length = count
            .filter(|count| *count <= most && shape.width > 0)
            .and_then(|count| count.checked_mul(shape.width))
            .ok_or_else(no_length)?;
        let bytes = if is_beside {
            let splice = self.splice()?;
            if splice.len() != length {
                return Err(no_length());
            }
            Bytes::Owned(splice)
        } else {
            Bytes::Borrowed(self.take(length)?)
        };
        Ok(Box::new(Run::new(shape, bytes, self.depth)))
    }

    /// Reads the steps of one value. There are only so many, so no tree of them is deep.
    fn shape(&mut self, shape: &mut Shape<'m>) -> Result<(), Error> {
        let first = self.byte()?;
        add(shape, first)?;
        let outside = self.depth;
        match first {
            step::TUPLE => {
                self.depth.enter(CONTAINER)?;
                let byte = self.byte()?;
                let count = read_count(byte).ok_or_else(no_shape)?;
                if !shape.push_count(byte) {
                    return Err(no_shape());
                }
                for _ in 0..count {
                    self.shape(shape)?;
                }
                let last = self.byte()?;
                if last != step::END {
                    return Err(no_shape());
                }
                add(shape, last)?;
            }
            step::STRUCT => {
                self.depth.enter(CONTAINER)?;
                loop {
                    match self.byte()? {
                        step::END => break add(shape, step::END)?,
                        step::FIELD if shape.name_next(self.name()?) => {}
                        _ => return Err(no_shape()),
                    }
                    self.shape(shape)?;
                }
            }
            number if width(number) > 0 => {}
            _ => return Err(no_shape()),
        }
        self.depth = outside;
        Ok(())
    }
}

fn add(shape: &mut Shape<'_>, step: u8) -> Result<(), Error> {
    shape.push(step).then_some(()).ok_or_else(no_shape)
}

#[cold]
fn no_length() -> Error {
    Error::new("corrupt message: a run of no length that can be")
}

#[cold]
fn no_shape() -> Error {
    Error::new("corrupt message: a run of items of a shape that none has")
}
