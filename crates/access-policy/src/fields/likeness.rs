//! Which of some stored objects a changed one most likely is.

use super::content::Content;

/// A member that more stored objects than this have in common tells none of them from the others.
const COMMON: usize = 16;

/// Stored objects by their visible members.
pub(super) struct Likeness {
    /// By place, ascending: sorted contents of members.
    objects: Vec<(usize, Vec<Content>)>,
    /// Sorted: each member's content, with the index of its object in `objects`.
    members: Vec<(Content, usize)>,
}

impl Likeness {
    pub(super) fn of(objects: Vec<(usize, Vec<Content>)>) -> Self {
        let mut members = Vec::new();
        for (index, (_, contents)) in objects.iter().enumerate() {
            members.extend(contents.iter().map(|content| (*content, index)));
        }
        members.sort_unstable();
        Likeness { objects, members }
    }

    /// The place of the stored object that has more than half of its members in common with the object at `place`, more than
    /// half of that one's too: of several the one with the most, then the nearest. At most [`COMMON`] are looked at.
    pub(super) fn most_alike(
        &self,
        place: usize,
        members: &[Content],
        free: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let mut hits = Vec::new();
        for content in members {
            let begin = self.members.partition_point(|(other, _)| other < content);
            let holders = self.members.get(begin..)?;
            let holders = holders.iter().take_while(|(other, _)| other == content);
            let holders = holders.take(COMMON.saturating_add(1)).map(|(_, at)| *at);
            let before = hits.len();
            hits.extend(holders);
            if hits.len().saturating_sub(before) > COMMON {
                hits.truncate(before);
            }
        }
        hits.sort_unstable();
        let mut candidates: Vec<(usize, usize)> = hits
            .chunk_by(|one, next| one == next)
            .filter_map(|hits| Some((hits.len(), *hits.first()?)))
            .collect();
        candidates.sort_unstable_by_key(|(hits, at)| (std::cmp::Reverse(*hits), *at));
        candidates
            .into_iter()
            .filter_map(|(_, at)| self.objects.get(at))
            .filter(|(other, _)| free(*other))
            .take(COMMON)
            .filter_map(|(other, theirs)| {
                let common = in_common(members, theirs);
                let enough = common.saturating_mul(2) > members.len().max(theirs.len());
                enough.then_some((std::cmp::Reverse(common), other.abs_diff(place), *other))
            })
            .min()
            .map(|(_, _, other)| other)
    }
}

/// How many contents two sorted lists share.
fn in_common(one: &[Content], other: &[Content]) -> usize {
    let mut other = other.iter().peekable();
    one.iter()
        .filter(|content| {
            while other.next_if(|next| next < content).is_some() {}
            other.next_if(|next| next == content).is_some()
        })
        .count()
}
