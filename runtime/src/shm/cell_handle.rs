//! A cell with a type: a machine, and data behind it.

#![expect(unsafe_code, reason = "a cell's memory is given its types")]

use std::alloc::Layout;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use serde::de::Deserializer;
use serde::ser::{Serialize, Serializer};

use super::arena;
use super::kind::{HandleLimit, Stored};
use super::object::Object;
use super::shareable::Shareable;
use crate::codec::Error;
use crate::codec::handle::{self, HandleKind, Identity, Parts};
use crate::raw::{Holders, Left};
use crate::sys::fd::OwnedFd;

/// A handle to a machine `M` and data `T` in shared memory. What may be done with the data is for
/// the machine's owner to say.
pub(crate) struct CellHandle<M, T: ?Sized> {
    object: Arc<Object>,
    machine: NonNull<M>,
    data: NonNull<T>,
    /// Whether what is there is a value. `T` is [`Shareable`] where handles are made, and not where
    /// they are used.
    is_value: unsafe fn(NonNull<T>, Left) -> bool,
}

// SAFETY: a handle hands out `&M`, which is `Sync` by `Machine`, and a raw pointer to the data,
// whose users answer for what they do with it.
unsafe impl<M: Stored, T: ?Sized> Send for CellHandle<M, T> {}
// SAFETY: as above.
unsafe impl<M: Stored, T: ?Sized> Sync for CellHandle<M, T> {}

// What a panic can leave half done is marked by the machines that care.
impl<M, T: ?Sized> UnwindSafe for CellHandle<M, T> {}
impl<M, T: ?Sized> RefUnwindSafe for CellHandle<M, T> {}

impl<M: Stored, T: Shareable> CellHandle<M, T> {
    /// Puts a value into a new cell.
    pub(crate) fn new(value: T) -> io::Result<CellHandle<M, T>> {
        const { assert_no_drop::<T>() }
        let cell = UnfinishedCell::<M, T>::allocate(1)?;
        // SAFETY: the cell is ours, aligned, and has room for one.
        unsafe { cell.data.write(value) };
        cell.publish(1);
        Ok(cell.into_value())
    }

    /// The handle of that type that a message carries.
    pub(crate) fn receive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        handle::deserialize(deserializer, Self::identity(), |parts| {
            let (address, [descriptor]) = parts.exactly()?;
            Self::unpack(descriptor, address)
        })
    }

    /// The handle of that type that is a part of another.
    pub(super) fn unpack(descriptor: &OwnedFd, address: [u64; 2]) -> Result<Self, Error> {
        let (cell, _) = UnfinishedCell::<M, T>::unpack(descriptor, address, Self::identity())?;
        Ok(cell.into_value())
    }
}

impl<M: Stored, T: Shareable> CellHandle<M, [T]> {
    /// Puts a slice, made element by element, into a new cell.
    ///
    /// # Errors
    ///
    /// A length of 0 is invalid input.
    pub(crate) fn from_fn(
        length: usize,
        mut element: impl FnMut(usize) -> T,
    ) -> io::Result<CellHandle<M, [T]>> {
        const { assert_no_drop::<T>() }
        let cell = UnfinishedCell::<M, T>::allocate_slice(length)?;
        for index in 0..length {
            // SAFETY: the cell has room for `length` elements.
            let slot = unsafe { cell.data.add(index) };
            // SAFETY: the cell is ours and aligned.
            unsafe { slot.write(element(index)) };
        }
        cell.publish_slice(length);
        Ok(cell.into_slice(length))
    }

    /// Puts so many default values into a new cell.
    ///
    /// # Errors
    ///
    /// As [`from_fn`](CellHandle::from_fn).
    pub(crate) fn of_defaults(length: usize) -> io::Result<CellHandle<M, [T]>>
    where
        T: Default,
    {
        const { assert_no_drop::<T>() }
        if !T::__DEFAULT_IS_ZERO {
            return Self::from_fn(length, |_| T::default());
        }
        let cell = UnfinishedCell::<M, T>::allocate_slice(length)?;
        if !cell.object.is_dedicated() {
            // SAFETY: the cell has room for `length` elements, is ours and aligned.
            unsafe { cell.data.write_bytes(0, length) };
        }
        // Zero bytes are values: the type has promised it.
        cell.publish_slice(length);
        Ok(cell.into_slice(length))
    }

    /// Puts so many copies of a value into a new cell.
    ///
    /// # Errors
    ///
    /// As [`from_fn`](CellHandle::from_fn).
    pub(crate) fn from_elem(value: T, length: usize) -> io::Result<CellHandle<M, [T]>>
    where
        T: Copy,
    {
        const { assert_no_drop::<T>() }
        let cell = UnfinishedCell::<M, T>::allocate_slice(length)?;
        // SAFETY: the cell is ours and aligned, and has room for one.
        unsafe { cell.data.write(value) };
        // What is there is copied behind itself: few steps, which are fast even where nothing is
        // optimised.
        let mut written = 1;
        while written < length {
            let count = written.min(length - written);
            // SAFETY: the cell has room for `length` elements.
            let rest = unsafe { cell.data.add(written) };
            // SAFETY: so many elements are before `rest`, and there is room for as many behind it.
            unsafe { rest.copy_from_nonoverlapping(cell.data, count) };
            written += count;
        }
        cell.publish_slice(length);
        Ok(cell.into_slice(length))
    }

    /// Copies a slice into a new cell.
    ///
    /// # Errors
    ///
    /// As [`from_fn`](CellHandle::from_fn).
    pub(crate) fn from_slice(slice: &[T]) -> io::Result<CellHandle<M, [T]>>
    where
        T: Copy,
    {
        const { assert_no_drop::<T>() }
        let cell = UnfinishedCell::<M, T>::allocate_slice(slice.len())?;
        // SAFETY: the cell has room for as many, is ours and aligned, and overlaps nothing.
        unsafe { ptr::copy_nonoverlapping(slice.as_ptr(), cell.data.as_ptr(), slice.len()) };
        cell.publish_slice(slice.len());
        Ok(cell.into_slice(slice.len()))
    }

    /// The same data with another machine, neither of which has any words.
    ///
    /// The caller is the only one who has the cell, or the others have it as nothing that they use.
    pub(super) fn with_machine<N: Stored>(self) -> CellHandle<N, [T]> {
        const { assert!(size_of::<M>() == 0 && size_of::<N>() == 0) }
        const { assert!(align_of::<M>() == 1 && align_of::<N>() == 1) }
        let types = CellHandle::<N, [T]>::identity().types();
        self.object.publish(N::KIND, types, self.data.len());
        CellHandle {
            // Where it is does not matter, and the data begin at the same place.
            machine: self.object.payload().cast(),
            object: self.object,
            data: self.data,
            is_value: self.is_value,
        }
    }

    /// The handle of that type that a message carries.
    pub(crate) fn receive_slice<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        handle::deserialize(deserializer, Self::identity(), |parts| {
            let (address, [descriptor]) = parts.exactly()?;
            Self::unpack_slice(descriptor, address)
        })
    }

    /// The handle of that type that is a part of another.
    pub(super) fn unpack_slice(descriptor: &OwnedFd, address: [u64; 2]) -> Result<Self, Error> {
        let (cell, length) = UnfinishedCell::<M, T>::unpack(descriptor, address, Self::identity())?;
        Ok(cell.into_slice(length))
    }
}

impl<M, T: ?Sized> CellHandle<M, T> {
    fn identity() -> Identity {
        Identity::new::<Self>(HandleKind::Cell)
    }

    /// Adds the cell to what another handle is made of.
    pub(super) fn pack(&self, parts: &mut Parts) -> Result<(), Error> {
        self.object.pack(parts)
    }
}

impl<M: Stored, T: ?Sized> CellHandle<M, T> {
    #[inline]
    pub(crate) fn machine(&self) -> &M {
        // SAFETY: a machine was made at the start of the cell before there was a handle, or the
        // cell's record says so; the object keeps it there. `M` is `Sync`, and there is no
        // unique reference.
        unsafe { self.machine.as_ref() }
    }

    /// Valid, aligned and initialised as long as the handle is there. Others may have it too.
    #[inline]
    pub(crate) fn data(&self) -> NonNull<T> {
        self.data
    }

    /// Whether the data, or a part of them, are a value of their type, whatever it was that `left`
    /// them.
    ///
    /// # Safety
    ///
    /// The part is one of [`data`](CellHandle::data), and no thread writes to it meanwhile.
    pub(crate) unsafe fn is_value(&self, part: NonNull<T>, left: Left) -> bool {
        // SAFETY: the caller's promise; the data are there as long as `self`.
        unsafe { (self.is_value)(part, left) }
    }

    #[inline]
    pub(crate) fn holders(&self) -> &dyn Holders {
        self.object.holders()
    }

    /// See [`Object::is_alone`].
    pub(super) fn is_alone(&self) -> bool {
        self.object.is_alone()
    }

    /// See [`Object::is_soon_alone`].
    pub(super) fn is_soon_alone(&self, timeout: Duration) -> bool {
        self.object.is_soon_alone(timeout)
    }

    /// Whether both are handles to the same cell.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.object, &other.object)
    }
}

impl<M, T: ?Sized> Clone for CellHandle<M, T> {
    fn clone(&self) -> Self {
        CellHandle {
            object: Arc::clone(&self.object),
            machine: self.machine,
            data: self.data,
            is_value: self.is_value,
        }
    }
}

impl<M: Stored, T: ?Sized> Serialize for CellHandle<M, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const {
            assert!(
                matches!(M::KIND.handles(), HandleLimit::Many),
                "a cell that has one owner is sent with that"
            );
        }
        handle::serialize(serializer, Self::identity(), |parts| self.pack(parts))
    }
}

impl<M, T: ?Sized> fmt::Debug for CellHandle<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(f)
    }
}

/// Lets a public type that wraps a [`CellHandle`] be cloned, sent and received as that is.
///
/// It takes the type's name, and its parameter if it has one with what has to be true of that to
/// send a value; `[T]` behind it if there are slices, too.
macro_rules! pass_on_cell_handle {
    ($Handle:ident) => {
        $crate::shm::pass_on_cell_handle!(@cloned [] $Handle);
        $crate::shm::pass_on_cell_handle!(@sent [] $Handle, receive);
    };
    ($Handle:ident<T: $bound:ident $(+ $more:ident)*>) => {
        $crate::shm::pass_on_cell_handle!(@cloned [T] $Handle<T>);
        $crate::shm::pass_on_cell_handle!(@sent [T: $bound $(+ $more)*] $Handle<T>, receive);
    };
    ($Handle:ident<T: $bound:ident $(+ $more:ident)*>, [T]) => {
        $crate::shm::pass_on_cell_handle!(@cloned [T: ?Sized] $Handle<T>);
        $crate::shm::pass_on_cell_handle!(@sent [T: $bound $(+ $more)*] $Handle<T>, receive);
        $crate::shm::pass_on_cell_handle!(@sent [T: $bound $(+ $more)*] $Handle<[T]>, receive_slice);
    };
    (@cloned [$($generics:tt)*] $Handle:ident $(<$T:ty>)?) => {
        impl<$($generics)*> Clone for $Handle $(<$T>)? {
            fn clone(&self) -> $Handle $(<$T>)? {
                $Handle(self.0.clone())
            }
        }
    };
    (@sent [$($generics:tt)*] $Handle:ident $(<$T:ty>)?, $receive:ident) => {
        // Bounds of both halves are the same: what is said of a type that serde knows by half is not
        // what is wrong with these.
        impl<$($generics)*> serde::Serialize for $Handle $(<$T>)? {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de, $($generics)*> serde::Deserialize<'de> for $Handle $(<$T>)? {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$Handle $(<$T>)?, D::Error> {
                $crate::shm::CellHandle::$receive(deserializer).map($Handle)
            }
        }
    };
}

pub(crate) use pass_on_cell_handle;

/// A cell that no handle is of yet. Dropped before, it is free again.
struct UnfinishedCell<M, T> {
    object: Arc<Object>,
    data: NonNull<T>,
    machine: PhantomData<M>,
}

impl<M: Stored, T: Shareable> UnfinishedCell<M, T> {
    /// A cell with a machine and room for `length` elements.
    fn allocate(length: usize) -> io::Result<Self> {
        let (layout, offset) =
            layout::<M, T>(length).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        let object = if M::KIND.is_alone() {
            arena::allocate_alone(layout.size(), layout.align())?
        } else {
            arena::allocate(layout.size(), layout.align())?
        };
        let start = object.payload();
        // SAFETY: the cell is at least that long, and no other object has it.
        unsafe { start.write_bytes(0, offset) };
        // SAFETY: the machine comes first; the cell is aligned to the layout, and any bytes are a
        // machine, which is shared by reference only.
        unsafe { start.cast::<M>().as_ref() }.init();
        Ok(UnfinishedCell {
            // SAFETY: the layout has the data at this offset.
            data: unsafe { start.add(offset) }.cast(),
            object,
            machine: PhantomData,
        })
    }

    fn allocate_slice(length: usize) -> io::Result<Self> {
        if length == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a slice in shared memory must not be empty",
            ));
        }
        Self::allocate(length)
    }

    /// The machine comes first.
    fn machine(&self) -> NonNull<M> {
        self.object.payload().cast()
    }

    fn publish(&self, length: usize) {
        let types = CellHandle::<M, T>::identity().types();
        self.object.publish(M::KIND, types, length);
    }

    fn publish_slice(&self, length: usize) {
        let types = CellHandle::<M, [T]>::identity().types();
        self.object.publish(M::KIND, types, length);
    }

    fn into_value(self) -> CellHandle<M, T> {
        CellHandle {
            machine: self.machine(),
            object: self.object,
            data: self.data,
            is_value: is_value::<T>,
        }
    }

    fn into_slice(self, length: usize) -> CellHandle<M, [T]> {
        CellHandle {
            machine: self.machine(),
            object: self.object,
            data: NonNull::slice_from_raw_parts(self.data, length),
            is_value: are_values::<T>,
        }
    }

    fn unpack(
        descriptor: &OwnedFd,
        address: [u64; 2],
        identity: Identity,
    ) -> Result<(Self, usize), Error> {
        let object = Object::unpack(descriptor, address)?;
        let length = object.is(M::KIND, identity.types()).ok_or_else(|| {
            Error::new("a handle to shared memory is damaged: it is of another type")
        })?;
        let offset = layout::<M, T>(length)
            .filter(|(layout, _)| layout.size() <= object.size())
            .map(|(_, offset)| offset)
            .ok_or_else(Error::damaged_handle)?;
        // SAFETY: the data at this offset are within the cell.
        let data = unsafe { object.payload().add(offset) }.cast();
        let cell = UnfinishedCell {
            object,
            data,
            machine: PhantomData,
        };
        Ok((cell, length))
    }
}

/// # Safety
///
/// As [`Shareable::__is_value`].
unsafe fn is_value<T: Shareable>(data: NonNull<T>, left: Left) -> bool {
    // SAFETY: the caller's promise.
    unsafe { T::__is_value(data.as_ptr(), left == Left::ByTheDead) }
}

/// # Safety
///
/// As [`Shareable::__is_value`], of each element.
unsafe fn are_values<T: Shareable>(data: NonNull<[T]>, left: Left) -> bool {
    let first: NonNull<T> = data.cast();
    // SAFETY: in bounds of the slice.
    let mut elements = (0..data.len()).map(|index| unsafe { first.add(index) });
    // SAFETY: the caller's promise.
    elements.all(|element| unsafe { is_value(element, left) })
}

/// The layout of a cell, and where the data stand in it.
fn layout<M, T>(length: usize) -> Option<(Layout, usize)> {
    let data = Layout::array::<T>(length).ok()?;
    Layout::new::<M>().extend(data).ok()
}

/// No process would run the destructor when the last one is gone.
const fn assert_no_drop<T>() {
    assert!(
        !std::mem::needs_drop::<T>(),
        "a type with a destructor cannot live in shared memory"
    );
}
