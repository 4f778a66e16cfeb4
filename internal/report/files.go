package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/artifetch/artifetch/internal/inspect"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/words"
)

// fileOutput is an element of the JSON list of files.
type fileOutput struct {
	Path       string `json:"path"` // below a destination
	Name       string `json:"name"` // in the artifact
	Size       int64  `json:"size"`
	CRC32      any    `json:"crc32"` // null for an artifact that is one file
	Symlink    bool   `json:"symlink"`
	Artifact   string `json:"artifact"`
	ArtifactID int64  `json:"artifact_id"`
	RunID      known  `json:"run_id"`
	Repository string `json:"repository"`
}

// filesDocument is the JSON object of a list of files.
type filesDocument struct {
	Found        bool         `json:"found"`
	FileCount    int          `json:"file-count"`
	Bytes        int64        `json:"bytes"`
	Files        []fileOutput `json:"files"`
	ErrorMessage string       `json:"error-message"`
}

// Files writes the files of the result's artifacts, which lists has in the same order.
func (p *Printer) Files(r *Result, lists []transfer.Listing) error {
	if !p.JSON && !p.forPeople() {
		return p.fileLines(r, lists)
	}
	d := filesDocument{Found: r.Found, Files: []fileOutput{}, ErrorMessage: r.errorMessage(OutputOptions{Redact: p.Redact})}
	if r.Err == nil {
		for i, list := range lists {
			for _, e := range list.First {
				d.Files = append(d.Files, newFileOutput(&r.Items[i], e, list.Raw))
				d.Bytes += e.Size
			}
		}
	}
	d.FileCount = len(d.Files)
	slices.SortStableFunc(d.Files, func(a, b fileOutput) int { return unpack.ComparePaths(a.Path, b.Path) })
	switch {
	case p.JSON:
		return p.object(d)
	case r.Err != nil:
		return nil //nolint:nilerr // the log has it
	}
	return p.files(d)
}

// fileLines writes a line for each file. There may be a million, so what is known of them is
// neither copied nor written one by one.
func (p *Printer) fileLines(r *Result, lists []transfer.Listing) error {
	if r.Err != nil {
		return nil //nolint:nilerr // the log has it
	}
	type file struct {
		list  int
		entry *unpack.Entry
	}
	count := 0
	for _, list := range lists {
		count += len(list.First)
	}
	files := make([]file, 0, count)
	for i, list := range lists {
		for j := range list.First {
			files = append(files, file{i, &list.First[j]})
		}
	}
	slices.SortStableFunc(files, func(a, b file) int { // no artifact's directory lies in another's
		return cmp.Or(unpack.ComparePaths(r.Items[a.list].To, r.Items[b.list].To), unpack.ComparePaths(a.entry.Name, b.entry.Name))
	})
	out := bufio.NewWriterSize(p.Out, 64<<10)
	lines := Printer{Out: out}
	for _, f := range files {
		sum := ""
		if !lists[f.list].Raw {
			sum = hex32(f.entry.CRC32)
		}
		if err := lines.line(p.text(path.Join(r.Items[f.list].To, f.entry.Name)), strconv.FormatInt(f.entry.Size, 10), sum); err != nil {
			return err
		}
	}
	return out.Flush()
}

func newFileOutput(item *transfer.Item, e unpack.Entry, raw bool) fileOutput {
	f := fileOutput{
		Path: path.Join(item.To, e.Name), Name: e.Name, Size: e.Size, Symlink: e.Mode&fs.ModeSymlink != 0,
		Artifact: item.Artifact.Name, ArtifactID: item.Artifact.ID, RunID: known(item.Run.ID), Repository: item.Artifact.Repo.String(),
	}
	if !raw {
		f.CRC32 = hex32(e.CRC32)
	}
	return f
}

func hex32(sum uint32) string { return fmt.Sprintf("%08x", sum) }

// files writes a table of files.
func (p *Printer) files(d filesDocument) error {
	head := []column{{title: "SIZE", right: true}, {title: "CRC-32"}, {title: "PATH"}}
	rows := make([][]string, len(d.Files))
	for i, f := range d.Files {
		sum, _ := f.CRC32.(string)
		name := p.text(f.Path)
		if f.Symlink {
			name += " (a symlink)"
		}
		rows[i] = []string{words.Bytes(f.Size), sum, name}
	}
	if err := p.table(head, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.Out, p.paint(dim, words.Count(d.FileCount, "file")+", "+words.Bytes(d.Bytes)))
	return err
}

// kindColors are the colours of a table's rows that begin with a kind.
var kindColors = map[inspect.Kind]color{inspect.Added: green, inspect.Removed: red, inspect.Changed: yellow}

// versionOutput and changeOutput are parts of diffDocument.
type versionOutput struct {
	Size   int64 `json:"size"`
	CRC32  any   `json:"crc32"`
	Digest any   `json:"digest"`
}

type changeOutput struct {
	Change   inspect.Kind   `json:"change"`
	Path     string         `json:"path"`
	Artifact string         `json:"artifact"`
	Before   *versionOutput `json:"before"`
	After    *versionOutput `json:"after"`
}

// diffDocument is the JSON object of a comparison.
type diffDocument struct {
	Found         bool           `json:"found"`
	Before        known          `json:"before"`
	After         known          `json:"after"`
	Changes       []changeOutput `json:"changes"`
	Same          int            `json:"same-count"`
	SameArtifacts int            `json:"same-artifact-count"`
	ErrorMessage  string         `json:"error-message"`
}

func newVersionOutput(v *inspect.Version) *versionOutput {
	if v == nil {
		return nil
	}
	out := &versionOutput{Size: v.Size}
	if v.CRC32 != nil {
		out.CRC32 = hex32(*v.CRC32)
	}
	if v.Digest != "" {
		out.Digest = v.Digest
	}
	return out
}

// Differences writes what differs between two runs.
func (p *Printer) Differences(r *Result, d *inspect.Diff) error {
	switch {
	case p.JSON:
		doc := diffDocument{
			Found: r.Found, Before: known(d.Before), After: known(d.After), Changes: []changeOutput{},
			Same: d.Same, SameArtifacts: d.SameArtifacts, ErrorMessage: r.errorMessage(OutputOptions{Redact: p.Redact}),
		}
		for _, c := range d.Changes {
			doc.Changes = append(doc.Changes, changeOutput{c.Kind(), c.Path, c.Artifact, newVersionOutput(c.Before), newVersionOutput(c.After)})
		}
		return p.object(doc)
	case r.Err != nil:
		return nil //nolint:nilerr // the log has it
	case p.forPeople():
		return p.differences(d)
	}
	for _, c := range d.Changes {
		if err := p.line(string(c.Kind()), p.text(c.Path), size(c.Before), size(c.After)); err != nil {
			return err
		}
	}
	return nil
}

// size returns the size of a version in bytes, or nothing.
func size(v *inspect.Version) string {
	if v == nil {
		return ""
	}
	return strconv.FormatInt(v.Size, 10)
}

// differences writes a table of changes, and how many there are.
func (p *Printer) differences(d *inspect.Diff) error {
	head := []column{{title: ""}, {title: strconv.FormatInt(d.Before, 10), right: true}, {title: strconv.FormatInt(d.After, 10), right: true}, {title: "PATH"}}
	var rows [][]string
	count := map[inspect.Kind]int{}
	for _, c := range d.Changes {
		count[c.Kind()]++
		rows = append(rows, []string{string(c.Kind()), sizeForPeople(c.Before), sizeForPeople(c.After), p.text(c.Path)})
	}
	if len(rows) > 0 {
		if err := p.table(head, rows); err != nil {
			return err
		}
	}
	var parts []string
	for _, k := range []inspect.Kind{inspect.Changed, inspect.Added, inspect.Removed, inspect.Unknown} {
		if n := count[k]; n > 0 {
			parts = append(parts, words.Number(n)+" "+string(k))
		}
	}
	text := cmp.Or(strings.Join(parts, ", "), "no differences")
	if d.Same > 0 {
		text += fmt.Sprintf("; %s the same", words.Count(d.Same, "file"))
	}
	if d.SameArtifacts > 0 {
		text += fmt.Sprintf("; %s the same by SHA-256", words.Count(d.SameArtifacts, "artifact"))
	}
	_, err := fmt.Fprintln(p.Out, p.paint(dim, text))
	return err
}

// sizeForPeople returns the size of a version as people read it, or nothing.
func sizeForPeople(v *inspect.Version) string {
	if v == nil {
		return ""
	}
	return words.Bytes(v.Size)
}
