package spec

import "gopkg.in/yaml.v3"

const (
	// maxNodes bounds how many values a document has when each alias is written out. A file of maxSize without aliases has fewer.
	maxNodes = 1_000_000
	// textPerNode is how many bytes of a string count as one more value.
	textPerNode = 16
)

// checkSize reports a document that its aliases blow up, or that contains itself. It returns how many values the document has.
func checkSize(root *yaml.Node, report *Report) int {
	c := counter{report: report, counted: map[*yaml.Node]int{}}
	count := c.count(root)
	if count > maxNodes && !c.cycle {
		report.AddAt(start, "write the values out instead", "with its aliases written out, the file has more than %d values or %d MB of text", maxNodes, maxNodes*textPerNode/1_000_000)
	}
	return count
}

// A counter counts the nodes below aliases, each of them once.
type counter struct {
	report  *Report
	counted map[*yaml.Node]int // the nodes below each alias; 0 while they are being counted
	cycle   bool
}

func (c *counter) count(n *yaml.Node) int {
	if n.Kind == yaml.AliasNode {
		return c.behind(n)
	}
	total := 1 + len(n.Value)/textPerNode
	for _, child := range n.Content {
		if total += c.count(child); total > maxNodes {
			return maxNodes + 1
		}
	}
	return total
}

func (c *counter) behind(alias *yaml.Node) int {
	total, ok := c.counted[alias.Alias]
	switch {
	case ok && total == 0:
		c.cycle = true
		c.report.AddAt(Position{Line: alias.Line, Column: alias.Column}, "", "*%s is an alias for a value that contains it", alias.Value)
		return maxNodes + 1
	case !ok:
		c.counted[alias.Alias] = 0
		total = c.count(alias.Alias)
		c.counted[alias.Alias] = total
	}
	return total
}
