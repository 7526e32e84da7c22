/// Field and variant names in the order of their first use in a message.
#[derive(Debug, Default)]
pub(super) struct Names {
    seen: Vec<&'static str>,
    /// Where the next name probably is: an array of structs repeats the same few in order.
    next: usize,
}

impl Names {
    /// The place of a name already seen; else remembers it.
    pub(super) fn place(&mut self, name: &'static str) -> Option<usize> {
        let place = match self.seen.get(self.next) {
            Some(seen) if std::ptr::eq(*seen, name) => Some(self.next),
            _ => self.seen.iter().position(|seen| *seen == name),
        };
        self.next = place.map_or(0, |place| place + 1);
        if place.is_none() {
            self.seen.push(name);
        }
        place
    }
}
