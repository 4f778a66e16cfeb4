package report

import (
	"fmt"
	"strings"

	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/words"
	"github.com/artifetch/artifetch/internal/workspace"
)

// maxMerged bounds the files in the summary's list of those that several artifacts have.
const maxMerged = 200

// holders names the artifacts that have a file.
type holders struct {
	items []transfer.Item
	repos bool // they are of several repositories
}

func holdersOf(items []transfer.Item) holders {
	h := holders{items: items}
	for _, item := range items {
		h.repos = h.repos || item.Artifact.Repo != items[0].Artifact.Repo
	}
	return h
}

// name names an artifact and its run.
func (h holders) name(of workspace.Holder) string {
	if of.Tree >= len(h.items) {
		return fmt.Sprintf("%q", of.Label)
	}
	item := h.items[of.Tree]
	text := fmt.Sprintf("%q", item.Artifact.Name)
	if item.Run.ID == 0 {
		return text
	}
	text += fmt.Sprintf(" of run %d", item.Run.ID)
	if h.repos {
		text += fmt.Sprintf(" of %s", item.Artifact.Repo)
	}
	if label := item.Run.Label(); label != "" {
		text += fmt.Sprintf(" (%s)", label)
	}
	return text
}

// losers names the artifacts whose file was not taken.
func (h holders) losers(c workspace.Conflict) string {
	list := make([]string, len(c.Losers))
	for i, l := range c.Losers {
		list[i] = h.name(l)
	}
	return words.List(list, c.Lost, ", ")
}

// conflict says from which artifact a file was taken, and which others have it.
func (h holders) conflict(c workspace.Conflict) string {
	return fmt.Sprintf("%q was taken from artifact %s, the newest; it is also in %s", c.Path, h.name(c.Winner), h.losers(c))
}

// conflicts names the files that several artifacts have, each once: the first in
// annotations, the others in the log, as far as r lists them.
func (l *Log) conflicts(r workspace.Report, h holders) {
	shown := r.Conflicts[:min(len(r.Conflicts), maxWarnings)]
	for _, c := range shown {
		l.Out.Warningf("%s", h.conflict(c))
	}
	more := r.Conflicting - len(shown)
	if more == 0 {
		return
	}
	l.Out.Warningf("and %s that several artifacts have", words.Count(more, "more file"))
	defer l.Out.Group("the other files that several artifacts have: %s", words.Number(more))()
	for _, c := range r.Conflicts[len(shown):] {
		l.Out.Infof("%s", h.conflict(c))
	}
	if more := r.Conflicting - len(r.Conflicts); more > 0 {
		l.Out.Infof("and %s", words.Count(more, "more file"))
	}
}

// variants warns of names of different artifacts that differ in case only.
func (l *Log) variants(r workspace.Report, h holders) {
	for _, v := range r.Variants {
		l.Out.Warningf("%q of artifact %s and %q of %s differ in case only; on a file system that ignores case one would be lost",
			v[0].Path, h.name(v[0].From), v[1].Path, h.name(v[1].From))
	}
	if more := r.Varying - len(r.Variants); more > 0 {
		l.Out.Warningf("and %s of names of different artifacts that differ in case only", words.Count(more, "more pair"))
	}
}

// mergedList writes the files that several artifacts have, folded away.
func (r *Result) mergedList(b *strings.Builder) {
	c := r.Places
	if c.Conflicting == 0 {
		return
	}
	h := holdersOf(r.Items)
	fmt.Fprintf(b, "<details><summary>%s in several artifacts</summary>\n\n", words.Are(c.Conflicting, "file"))
	b.WriteString("| File | Taken from | Also in |\n| --- | --- | --- |\n")
	shown := c.Conflicts[:min(len(c.Conflicts), maxMerged)]
	for _, one := range shown {
		fmt.Fprintf(b, "| %s | %s | %s |\n", cell(one.Path), cell(h.name(one.Winner)), cell(h.losers(one)))
	}
	b.WriteString("\n")
	andMore(b, c.Conflicting, len(shown), "file")
	b.WriteString("</details>\n\n")
}
