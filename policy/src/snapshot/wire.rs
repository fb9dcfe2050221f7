//! Fixed-size little-endian records: how each field is written and read.
//!
//! Reading takes bytes off the front of a slice and gives `None` when there are too few or when they mean nothing;
//! it never panics and never allocates.

use super::contents::CostCenterRule;
use crate::limit::Measure;
use crate::role::{Lifts, PersonState, Role, SubjectKind};
use crate::time::{PeriodKind, Timestamp};
use crate::tres::{GPU_TYPES, Gpus, Prices, Resource};

/// A value of fixed size in the file.
pub(super) trait Wire: Sized {
    /// The bytes it takes.
    const SIZE: usize;

    /// Appends the value.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes the value off the front of `bytes`.
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

macro_rules! number {
    ($($kind:ty),*) => {$(
        impl Wire for $kind {
            const SIZE: usize = size_of::<$kind>();

            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                let (head, tail) = bytes.split_first_chunk()?;
                *bytes = tail;
                Some(Self::from_le_bytes(*head))
            }
        }
    )*};
}

number!(u8, u32, u64, i64);

/// The largest number stands for "none": no limit, no parent, no such thing.
macro_rules! optional {
    ($($kind:ty),*) => {$(
        impl Wire for Option<$kind> {
            const SIZE: usize = <$kind>::SIZE;

            fn put(&self, out: &mut Vec<u8>) {
                self.unwrap_or(<$kind>::MAX).put(out);
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                <$kind>::take(bytes).map(|value| (value != <$kind>::MAX).then_some(value))
            }
        }
    )*};
}

optional!(u32, u64);

impl<T: Wire + Copy + Default, const N: usize> Wire for [T; N] {
    const SIZE: usize = T::SIZE * N;

    fn put(&self, out: &mut Vec<u8>) {
        for item in self {
            item.put(out);
        }
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let mut items = [T::default(); N];
        for item in &mut items {
            *item = T::take(bytes)?;
        }
        Some(items)
    }
}

impl Wire for bool {
    const SIZE: usize = 1;

    fn put(&self, out: &mut Vec<u8>) {
        u8::from(*self).put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        match u8::take(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Wire for Timestamp {
    const SIZE: usize = 8;

    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        i64::take(bytes).map(Self)
    }
}

/// Enumerations are written as their position in a list that only grows.
macro_rules! listed {
    ($kind:ty, [$($value:path),+]) => {
        impl Wire for $kind {
            const SIZE: usize = 1;

            fn put(&self, out: &mut Vec<u8>) {
                let position = [$($value),+].iter().position(|value| value == self).unwrap_or_default();
                u8::try_from(position).unwrap_or_default().put(out);
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                [$($value),+].get(usize::from(u8::take(bytes)?)).copied()
            }
        }
    };
}

listed!(Role, [Role::Observer, Role::ComputeUser, Role::ClusterAdmin]);
listed!(SubjectKind, [SubjectKind::Member, SubjectKind::Guest]);
listed!(PersonState, [PersonState::Active, PersonState::Disabled, PersonState::Removed]);
listed!(CostCenterRule, [CostCenterRule::Any, CostCenterRule::Known, CostCenterRule::Required]);
listed!(PeriodKind, [PeriodKind::Day, PeriodKind::Week, PeriodKind::Month, PeriodKind::Quarter, PeriodKind::Year]);
listed!(super::Kind, [super::Kind::Controller, super::Kind::Node, super::Kind::Jobs]);

/// Declares a record: a struct whose fields are written one after the other.
macro_rules! record {
    ($(#[$doc:meta])* $vis:vis struct $name:ident { $($(#[$fdoc:meta])* $fvis:vis $field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis struct $name { $($(#[$fdoc])* $fvis $field: $kind),* }
        $crate::snapshot::wire::fields!($name { $($field: $kind),* });
    };
}
pub(super) use record;

/// Writes an existing struct field after field.
macro_rules! fields {
    ($name:ty { $($field:ident: $kind:ty),* $(,)? }) => {
        impl $crate::snapshot::wire::Wire for $name {
            const SIZE: usize = 0 $(+ <$kind as $crate::snapshot::wire::Wire>::SIZE)*;

            fn put(&self, out: &mut Vec<u8>) {
                $($crate::snapshot::wire::Wire::put(&self.$field, out);)*
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: $crate::snapshot::wire::Wire::take(bytes)?),* })
            }
        }
    };
}
pub(super) use fields;

fields!(Gpus { all: u32, typed: [u32; GPU_TYPES] });
fields!(Prices { cpu: u64, gpu: u64, memory_gib: u64, node: u64, gpu_types: [Option<u64>; GPU_TYPES] });

/// 0 is nothing lifted, otherwise the position in [`Lifts::ALL`] and one.
impl Wire for Option<Lifts> {
    const SIZE: usize = 1;

    fn put(&self, out: &mut Vec<u8>) {
        let position = Lifts::ALL.iter().position(|lifts| Some(*lifts) == *self).map_or(0, |at| at + 1);
        u8::try_from(position).unwrap_or_default().put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        match usize::from(u8::take(bytes)?).checked_sub(1) {
            None => Some(None),
            Some(at) => Lifts::ALL.get(at).copied().map(Some),
        }
    }
}

impl Wire for Resource {
    const SIZE: usize = 1;

    fn put(&self, out: &mut Vec<u8>) {
        u8::try_from(self.index()).unwrap_or_default().put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Self::at(u8::take(bytes)?.into())
    }
}

/// A tag, the kind of period and the resource; where one says nothing, its first value stands.
impl Wire for Measure {
    const SIZE: usize = 3;

    fn put(&self, out: &mut Vec<u8>) {
        let (tag, kind, resource): (u8, _, _) = match *self {
            Self::RunningJobs => (0, PeriodKind::Day, Resource::Cpu),
            Self::QueuedJobs => (1, PeriodKind::Day, Resource::Cpu),
            Self::AtOnce(resource) => (2, PeriodKind::Day, resource),
            Self::Within(kind, resource) => (3, kind, resource),
            Self::OfGrant(resource) => (4, PeriodKind::Day, resource),
        };
        tag.put(out);
        kind.put(out);
        resource.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (tag, kind, resource) = (u8::take(bytes)?, PeriodKind::take(bytes)?, Resource::take(bytes)?);
        match tag {
            0 => Some(Self::RunningJobs),
            1 => Some(Self::QueuedJobs),
            2 => Some(Self::AtOnce(resource)),
            3 => Some(Self::Within(kind, resource)),
            4 => Some(Self::OfGrant(resource)),
            _ => None,
        }
    }
}

record! {
    /// A stretch of the string heap.
    pub(super) struct Text { pub(super) at: u32, pub(super) len: u32 }
}

record! {
    /// A stretch of another section's records.
    #[derive(Default)]
    pub(super) struct Span { pub(super) first: u32, pub(super) len: u32 }
}
