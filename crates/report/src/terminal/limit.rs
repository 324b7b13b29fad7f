//! Prints a tree on a limited number of lines.

use crate::options::Style;
use crate::terminal::tree::{Node, Tone, print};

/// How many nodes below each node are shown, and how many lines each node has. The first that fits is taken.
const STEPS: [(usize, usize); 6] = [(10, 4), (6, 3), (4, 2), (3, 2), (2, 1), (1, 1)];

/// Prints a tree on at most this number of lines. Of long lists, nodes that are good are left out first. All nodes below the
/// root are shown, as far as they fit.
pub(crate) fn limited(root: &Node, style: Style, max_lines: usize) -> String {
    let mut text = String::new();
    for (nodes, lines) in STEPS {
        let columns = lines * style.width;
        let children = root.nodes().iter().map(|room| short(room, nodes, columns));
        text = print(&root.cut(columns).children(children), style);
        if text.lines().count() <= max_lines {
            return text;
        }
    }
    let mut lines: Vec<&str> = text.lines().take(max_lines.saturating_sub(1)).collect();
    lines.push("…");
    lines.join("\n") + "\n"
}

/// A node with at most this number of nodes below each of its nodes, and with texts of this length.
fn short(node: &Node, nodes: usize, columns: usize) -> Node {
    let below = node.nodes();
    let mut kept: Vec<usize> = (0..below.len()).collect();
    kept.sort_by_key(|at| below.get(*at).is_some_and(|node| node.tone() == Tone::Good));
    kept.truncate(nodes);
    kept.sort_unstable();
    let omitted = below.len() - kept.len();
    let children = kept.into_iter().filter_map(|at| below.get(at)).map(|node| short(node, nodes, columns));
    let more = (omitted > 0).then(|| Node::new(Tone::Odd, format!("… {omitted} more")));
    node.cut(columns).children(children).children(more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STYLE: Style = Style { width: 60, color: false };

    fn node(tone: Tone, text: &str) -> Node {
        Node::new(tone, text)
    }

    #[test]
    fn what_is_good_is_left_out_first() {
        let many =
            (0..20).map(|at| node(if at == 15 { Tone::Bad } else { Tone::Good }, &format!("step {at}")));
        let root = node(Tone::Strong, "root").children([node(Tone::Strong, "method").children(many)]);
        let text = limited(&root, STYLE, 40);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(lines.len(), 13);
        assert_eq!((lines[2], lines[11], lines[12]), ("├─ step 0", "├─ step 15", "└─ … 10 more"));
    }

    #[test]
    fn a_tree_that_fits_is_printed_whole() {
        let root = node(Tone::Strong, "root").children([node(Tone::Plain, &"word ".repeat(40))]);
        assert_eq!(limited(&root, STYLE, 40), print(&root, STYLE));
    }

    proptest! {
        #[test]
        fn the_limit_holds_for_any_tree(
            texts in prop::collection::vec("\\PC{0,300}", 0..60), nodes in 0_usize..30, max in 1_usize..50,
        ) {
            let below = || (0..nodes).map(|_| node(Tone::Good, "x").children([node(Tone::Bad, "y")]));
            let rooms = texts.iter().map(|text| node(Tone::Plain, text).children(below()));
            let text = limited(&node(Tone::Strong, "root").children(rooms), STYLE, max);
            prop_assert!(text.lines().count() <= max);
        }
    }
}
