package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/inspect"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/words"
)

// Printer writes to stdout what a command was asked for: one JSON object with --json, a text
// for people on a terminal, else lines for programs. Texts that others chose can neither
// control the terminal nor, in a step, issue a workflow command.
type Printer struct {
	Out    io.Writer
	Redact func(string) string // hides secrets
	JSON   bool
	// Columns returns the width of the terminal that Out is, or 0 if that is unknown; nil
	// if Out is no terminal.
	Columns func() int
	Color   bool // on a terminal
	Now     func() time.Time
}

// forPeople reports whether people read what is written.
func (p *Printer) forPeople() bool { return p.Columns != nil && !p.JSON }

// text makes a text fit for a line.
func (p *Printer) text(s string) string { return actions.Escape(p.Redact(s)) }

// line writes fields with tabs between them.
func (p *Printer) line(fields ...string) error {
	_, err := fmt.Fprintln(p.Out, strings.Join(fields, "\t"))
	return err
}

// table writes a table.
func (p *Printer) table(head []column, rows [][]string) error {
	columns := 0
	if p.Columns != nil {
		columns = p.Columns()
	}
	lines := table(head, rows, columns)
	lines[0] = p.paint(dim, lines[0])
	for i, row := range rows {
		lines[i+1] = p.paint(kindColors[inspect.Kind(row[0])], lines[i+1])
	}
	_, err := io.WriteString(p.Out, strings.Join(lines, "\n")+"\n")
	return err
}

// color is how a terminal shows a text, as a parameter of SGR (ECMA-48).
type color int

const (
	bold   color = 1
	dim    color = 2
	red    color = 31
	green  color = 32
	yellow color = 33
)

func (p *Printer) paint(c color, s string) string {
	if !p.Color || s == "" || c == 0 {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, s)
}

// object writes a JSON object. Characters that could control a terminal are escaped, and so
// is the marker that begins a workflow command within a line.
func (p *Printer) object(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(p.Out, plainJSON(p.Redact(b.String())))
	return err
}

// plainJSON escapes in a JSON text what actions.Escape would escape: such characters occur
// in strings only.
func plainJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < unicode.MaxASCII || !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return strings.ReplaceAll(b.String(), "##[", `#\u0023[`)
}

// document is the JSON object of a fetch: the outputs.
type document struct {
	Found         bool             `json:"found"`
	Artifacts     []artifactOutput `json:"artifacts"`
	ArtifactCount int              `json:"artifact-count"`
	FileCount     int              `json:"file-count"`
	Bytes         int64            `json:"bytes"`
	Path          string           `json:"path"`
	DownloadPath  string           `json:"download-path"`

	runFields // of the newest run

	Runs         []runOutput `json:"runs"`
	ErrorMessage string      `json:"error-message"`
}

func (r *Result) document(o OutputOptions) document {
	d := document{
		Found: r.Found, Artifacts: []artifactOutput{}, ArtifactCount: len(r.Items), Runs: []runOutput{},
		Path: o.text(r.Destination.Output, 2*maxText), DownloadPath: o.text(r.Destination.HostPath, 2*maxText),
		ErrorMessage: r.errorMessage(o),
	}
	for i := range r.Items {
		d.Artifacts = append(d.Artifacts, r.artifactOutput(i, o))
	}
	d.FileCount, d.Bytes, _ = r.totals()
	for _, run := range r.Runs {
		d.Runs = append(d.Runs, newRunOutput(run, o))
	}
	if len(d.Runs) > 0 {
		d.runFields = d.Runs[0].runFields
	}
	d.FromFork = r.fromFork()
	return d
}

// Fetched writes the outcome of a fetch. On a terminal a failure is in the log, and
// nowhere else.
func (p *Printer) Fetched(r *Result) error {
	o := OutputOptions{Redact: p.Redact}
	switch {
	case p.JSON:
		return p.object(r.document(o))
	case p.forPeople():
		return p.fetched(r)
	}
	outputs, _, err := r.Outputs(o)
	if err != nil {
		return err
	}
	for _, output := range outputs {
		value := actions.Escape(output.Value)
		if output.Name == "artifacts" || output.Name == "runs" {
			value = plainJSON(output.Value)
		}
		if err := p.line(output.Name + "=" + value); err != nil {
			return err
		}
	}
	return nil
}

// fetched tells people what a fetch did.
func (p *Printer) fetched(r *Result) error {
	if r.Err != nil || !r.Found {
		return nil //nolint:nilerr // the log has it
	}
	title := r.total() + " into " + p.text(r.Destination.Abs)
	if r.DryRun {
		title = "dry run: nothing was written"
	}
	if _, err := fmt.Fprintln(p.Out, p.paint(bold, title)); err != nil || len(r.Items) == 0 {
		return err
	}
	head := []column{{title: "RUN"}, {title: "ARTIFACT", shrinks: true}, {title: "FILES", right: true}, {title: "SIZE", right: true}, {title: "SHA-256"}, {title: "INTO"}}
	var rows [][]string
	for i := range r.Items[:min(len(r.Items), maxNames)] {
		item := &r.Items[i]
		files, digest, size := "", "", item.Artifact.Size
		if item.Fetched() {
			files, digest, size = words.Number(item.Files), strings.ReplaceAll(digestText(item), "*", ""), item.Bytes
		}
		rows = append(rows, []string{p.run(item), p.text(item.Artifact.Name), files, words.Bytes(size), digest, p.text(path.Join(r.Destination.Output, item.To))})
	}
	if err := p.table(head, rows); err != nil {
		return err
	}
	return p.more(len(r.Items)-len(rows), "artifact")
}

// more says how many things are left out.
func (p *Printer) more(n int, noun string) error {
	if n <= 0 {
		return nil
	}
	_, err := fmt.Fprintf(p.Out, "and %s\n", words.Count(n, "more "+noun))
	return err
}

// run names the run of an artifact.
func (p *Printer) run(item *transfer.Item) string {
	if item.Run.ID == 0 {
		return "unknown"
	}
	if label := item.Run.Label(); label != "" && !item.Run.Stub {
		return fmt.Sprintf("%d (%s)", item.Run.ID, p.text(words.Cut(label, maxLabel)))
	}
	return strconv.FormatInt(item.Run.ID, 10)
}

// maxLabel bounds the name of a workflow in a table, in bytes.
const maxLabel = 40
