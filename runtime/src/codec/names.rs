/// Field and variant names in the order of their first use in a message.
#[derive(Debug, Default)]
pub(super) struct Names {
    seen: Vec<&'static str>,
    /// Where the next name probably is: an array of structs repeats the same few in order.
    next: usize,
}

impl Names {
    /// The place of a name already seen; else remembers it.
    #[inline]
    pub(super) fn place(&mut self, name: &'static str) -> Option<usize> {
        if let Some(seen) = self.seen.get(self.next)
            && std::ptr::eq(*seen, name)
        {
            self.next += 1;
            return Some(self.next - 1);
        }
        self.search(name)
    }

    fn search(&mut self, name: &'static str) -> Option<usize> {
        let place = self.seen.iter().position(|seen| *seen == name);
        self.next = place.map_or(0, |place| place + 1);
        if place.is_none() {
            self.seen.push(name);
        }
        place
    }
}
