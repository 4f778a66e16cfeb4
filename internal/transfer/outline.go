package transfer

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/words"
)

const (
	// maxOutlined bounds the artifacts whose outlines a NoFilesError has.
	maxOutlined = 5
	// maxTop bounds the entries of an outline.
	maxTop = 8
	// maxShown bounds each name and glob in a message, maxText all of them, in bytes.
	maxShown, maxText = 80, 3 << 10
)

// Outline is what an artifact holds at its top.
type Outline struct {
	Artifact artifact.Artifact
	Files    int
	// Top are the first entries by name, and More says that there are others.
	Top  []TopEntry
	More bool
	// Near are names in the artifact, or globs that match some, that the globs of
	// Options.Files may have been meant to be.
	Near []string
}

// TopEntry is a file or a directory at the top of an artifact.
type TopEntry struct {
	Name  string // a directory's ends with a slash
	Files int    // in it
}

// add adds a file, or a directory, whose name ends with a slash.
func (o *Outline) add(name string) {
	top := name
	if i := strings.IndexByte(name, '/'); i >= 0 {
		top = name[:i+1]
	}
	at, found := slices.BinarySearchFunc(o.Top, top, func(e TopEntry, name string) int { return strings.Compare(e.Name, name) })
	if !found {
		// The entry that is dropped sorts behind the first ones, and is not added again.
		o.Top = slices.Insert(o.Top, at, TopEntry{Name: strings.Clone(top)})
		if len(o.Top) > maxTop {
			o.Top, o.More = o.Top[:maxTop], true
		}
	}
	if strings.HasSuffix(name, "/") {
		return
	}
	o.Files++
	if at < len(o.Top) {
		o.Top[at].Files++
	}
}

// addEntry adds an entry of an archive, and a file to names.
func (o *Outline) addEntry(e *unpack.Entry, names *sample) {
	if e.Mode.IsDir() {
		o.add(e.Name + "/")
		return
	}
	o.add(e.Name)
	names.add(e.Name)
}

func (o *Outline) String() string {
	text := fmt.Sprintf("artifact %q (%d) holds %s", words.Cut(o.Artifact.Name, maxShown), o.Artifact.ID, words.Count(o.Files, "file"))
	for i, e := range o.Top {
		between := ", "
		if i == 0 {
			between = ": "
		}
		text += between + strconv.Quote(words.Cut(e.Name, maxShown))
		if strings.HasSuffix(e.Name, "/") {
			text += fmt.Sprintf(" (%s)", words.Count(e.Files, "file"))
		}
	}
	if o.More {
		text += ", " + words.CutMark
	}
	return text
}

var errChosen = errors.New("a file is chosen")

// outlineArchive sets the item's outline if no file of an archive is chosen.
func (t *attempt) outlineArchive(archive *unpack.Archive) error {
	if !t.item.asked {
		return nil
	}
	o := &Outline{Artifact: t.item.Artifact}
	var names sample
	err := archive.All(func(e unpack.Entry, chosen bool) error {
		if chosen && !e.Mode.IsDir() {
			return errChosen
		}
		o.addEntry(&e, &names)
		return nil
	})
	if errors.Is(err, errChosen) {
		return nil
	}
	o.Near = near(t.engine.opt.Files, names.list)
	t.item.outline = o
	return err
}

// outlineFile sets the item's outline for an artifact that is a file, which is not
// chosen.
func (t *attempt) outlineFile(name string) {
	if !t.item.asked {
		return
	}
	o := t.outlineOfFile(name)
	o.Near = near(t.engine.opt.Files, []string{name})
	t.item.outline = &o
}

// outlineOfFile returns the outline of an artifact that is a file.
func (t *attempt) outlineOfFile(name string) Outline {
	return Outline{Artifact: t.item.Artifact, Files: 1, Top: []TopEntry{{Name: name, Files: 1}}}
}

// checkFiles fails when Options.Files chose nothing at all, and otherwise notifies of
// the globs that match nothing.
func (e *Engine) checkFiles(items []Item) error {
	if len(e.opt.Files) == 0 || len(items) == 0 {
		return nil
	}
	idle := e.files.Idle()
	if slices.ContainsFunc(items, func(i Item) bool { return i.Files > 0 }) {
		if len(idle) > 0 {
			e.opt.Notify(IdleFiles{Globs: idle})
		}
		return nil
	}
	err := &NoFilesError{Globs: e.opt.Files, TakenAway: len(idle) == 0, Artifacts: len(items)}
	for _, item := range items {
		if item.outline != nil {
			err.Outlines = append(err.Outlines, *item.outline)
		}
	}
	return err
}

// NoFilesError says that Options.Files chose no file of any artifact.
type NoFilesError struct {
	Globs     []string
	TakenAway bool // globs that begin with "!" took away all that the other globs match
	Artifacts int
	Outlines  []Outline // of the first artifacts
}

func (e *NoFilesError) Error() string {
	of := "artifact"
	if e.Artifacts > 1 {
		of = words.Count(e.Artifacts, of)
	}
	return outlined(fmt.Sprintf("no file of the %s matches files: %s", of, shown(e.Globs)), e.Outlines)
}

// Near are names in the artifacts, or globs that match some, that the globs may have
// been meant to be.
func (e *NoFilesError) Near() []string { return nearIn(e.Outlines) }

// outlined adds outlines to a message.
func outlined(text string, list []Outline) string {
	for i := range list {
		outline := list[i].String()
		if len(text)+len(outline) > maxText {
			break
		}
		text += "; " + outline
	}
	return text
}

// nearIn lists what the outlines have as Near.
func nearIn(outlines []Outline) []string {
	var list []string
	for _, o := range outlines {
		for _, name := range o.Near {
			if !slices.Contains(list, name) && len(list) < maxNear {
				list = append(list, name)
			}
		}
	}
	return list
}

// shown quotes the first of a list of globs.
func shown(globs []string) string {
	const most = 20
	first := slices.Clone(globs[:min(len(globs), most)])
	for i, g := range first {
		first[i] = words.Cut(g, maxShown)
	}
	return words.Quoted(first, len(globs))
}
