//! The node of each file, known by its topic: a file stays with its node, another file gets another one.

use crate::handle::NodeNumber;

/// Most nodes remembered.
const REMEMBERED: usize = 16;

/// Nodes asked for files, the latest first, each with its file while that stays there.
#[derive(Debug, Default)]
pub(crate) struct FileNodes(Vec<(Option<String>, NodeNumber)>);

impl FileNodes {
    pub(crate) fn asked(&mut self, topic: &str, node: NodeNumber) {
        self.leave(topic);
        self.0.retain(|(of, one)| of.is_some() || *one != node);
        self.0.insert(0, (Some(topic.to_owned()), node));
        self.0.truncate(REMEMBERED);
    }

    /// The node has no more of this file, or takes no more: the file goes on elsewhere.
    pub(crate) fn leave(&mut self, topic: &str) {
        for (of, _) in &mut self.0 {
            of.take_if(|of| of == topic);
        }
    }

    /// The nodes to prefer and to avoid for a topic: first the file's node so far, then the `preferred` ones, those
    /// asked last at the end. `not` and the other nodes asked are avoided, except preferred ones.
    pub(crate) fn plan(
        &self,
        topic: &str,
        mut preferred: Vec<NodeNumber>,
        not: &[NodeNumber],
    ) -> (Vec<NodeNumber>, Vec<NodeNumber>) {
        let (own, others): (Vec<_>, Vec<_>) = self.0.iter().partition(|(of, _)| of.as_deref() == Some(topic));
        let asked = |node: &NodeNumber| others.iter().position(|(_, one)| one == node);
        preferred.sort_by_key(|node| asked(node).map(std::cmp::Reverse));
        let prefer: Vec<_> = own.iter().map(|(_, node)| *node).chain(preferred).collect();
        let others = others.iter().map(|(_, node)| *node).filter(|node| !prefer.contains(node));
        let avoid = not.iter().copied().chain(others).collect();
        (prefer, avoid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stays_with_its_node_and_another_file_avoids_it() {
        let mut files = FileNodes::default();
        files.asked("a", 1);
        assert_eq!(files.plan("a", vec![], &[]), (vec![1], vec![]));
        assert_eq!(files.plan("b", vec![], &[5]), (vec![], vec![5, 1]));
        files.asked("b", 2);
        assert_eq!(files.plan("c", vec![], &[]), (vec![], vec![2, 1]), "the latest is the last choice");
        // What is known to arrive counts more.
        assert_eq!(files.plan("c", vec![2, 3, 1], &[]), (vec![3, 1, 2], vec![]));
        assert_eq!(files.plan("c", vec![2], &[]), (vec![2], vec![1]));
        files.leave("b");
        assert_eq!(files.plan("b", vec![], &[]), (vec![], vec![2, 1]), "it goes on elsewhere");
        files.asked("b", 2);
        assert_eq!(files.plan("b", vec![], &[]), (vec![2], vec![1]));
        (0..20).for_each(|number| files.asked(&number.to_string(), number));
        assert_eq!(files.0.len(), REMEMBERED);
    }
}
