/// Field and variant names in the order of their first use in a message.
#[derive(Debug, Default)]
pub(super) struct Names {
    seen: Vec<Seen>,
    /// The place of the last name that was used.
    last: usize,
}

#[derive(Debug)]
struct Seen {
    name: &'static str,
    /// The place of the name that was used after it. Probably it is that again: structs of a sequence
    /// repeat the same few in the same order, and begin anew after the last.
    next: usize,
}

/// A place in a message, by the names that were used before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    count: usize,
    last: usize,
}

impl Names {
    /// The place of a name already seen; else remembers it.
    #[inline]
    pub(super) fn place(&mut self, name: &'static str) -> Option<usize> {
        if let Some(Seen { next, .. }) = self.seen.get(self.last)
            && let Some(seen) = self.seen.get(*next)
            && std::ptr::eq(seen.name, name)
        {
            self.last = *next;
            return Some(self.last);
        }
        self.search(name)
    }

    /// What is known now, to [go back](Names::go_back) to.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            count: self.seen.len(),
            last: self.last,
        }
    }

    /// Forgets the names that were used first since then.
    pub(super) fn go_back(&mut self, mark: Mark) {
        self.seen.truncate(mark.count);
        self.last = mark.last;
    }

    fn search(&mut self, name: &'static str) -> Option<usize> {
        let known = self.seen.iter().position(|seen| seen.name == name);
        let place = known.unwrap_or(self.seen.len());
        if known.is_none() {
            self.seen.push(Seen {
                name,
                next: place + 1,
            });
        }
        if let Some(last) = self.seen.get_mut(self.last) {
            last.next = place;
        }
        self.last = place;
        known
    }
}
