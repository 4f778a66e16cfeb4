package report

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/search"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/words"
)

// A summary holds 1 MiB, so its tables and texts are bounded.
const (
	maxRunLines = 100  // runs
	maxRows     = 1000 // artifacts
	maxCell     = 512  // bytes
)

// cell escapes and cuts a text for a table's cell.
func cell(s string) string { return actions.Cell(words.Cut(s, maxCell)) }

// paragraph escapes and cuts a longer text.
func paragraph(s string) string { return actions.Cell(words.Cut(s, maxErrorMessage)) }

// andMore writes how many things the summary leaves out.
func andMore(b *strings.Builder, n, shown int, noun string) {
	if more := n - shown; more > 0 {
		fmt.Fprintf(b, "and %s\n\n", words.Count(more, "more "+noun))
	}
}

// Summary returns the job summary in Markdown.
func (r *Result) Summary() string {
	var b strings.Builder
	var inputs *config.Errors
	switch {
	case errors.As(r.Err, &inputs):
		b.WriteString("### artifetch: nothing was fetched\n\n")
		for _, p := range inputs.Problems {
			fmt.Fprintf(&b, "- %s\n", paragraph(p.Error()))
		}
		b.WriteString("\n")
	case r.Err != nil && !r.Published:
		fmt.Fprintf(&b, "### artifetch: nothing was fetched\n\n%s\n\n", paragraph(author.message(r.Err)))
	case r.Err != nil:
		fmt.Fprintf(&b, "### artifetch: fetched, but failed afterwards\n\n%s\n\n", paragraph(author.message(r.Err)))
	case r.DryRun && r.Found:
		b.WriteString("### artifetch: dry run, nothing was written\n\n")
	case !r.Found:
		b.WriteString("### artifetch: nothing found\n\n")
		if r.NotFound != nil {
			fmt.Fprintf(&b, "%s\n\n", paragraph(author.message(r.NotFound)))
		}
	default:
		fmt.Fprintf(&b, "### artifetch: %s\n\n", r.total())
	}
	for _, run := range r.Runs[:min(len(r.Runs), maxRunLines)] {
		b.WriteString(runLine(run))
	}
	andMore(&b, len(r.Runs), maxRunLines, "run")
	b.WriteString(r.orphanLine())
	if len(r.Runs) > 0 && len(r.Doubts) > 0 {
		fmt.Fprintf(&b, "**%s**: %s\n\n", doubtful, paragraph(search.DoubtsInWords(r.Doubts)))
	}
	if len(r.Items) > 0 {
		r.artifactTable(&b)
		r.placesLine(&b)
		r.mergedList(&b)
	}
	if r.DryRun || !r.Found {
		passedOverTable(&b, r.PassedOver)
	}
	return b.String()
}

func runLine(run artifact.Run) string {
	fork := map[artifact.Origin]string{
		artifact.OriginFork:    ", **from a fork**",
		artifact.OriginUnknown: ", **perhaps from a fork**: the server does not say",
	}[run.Origin()]
	if run.Stub {
		return fmt.Sprintf("From run %d of %s, which no longer exists: %s at %s%s\n\n", run.ID, cell(run.Repo.String()),
			cell(run.HeadBranch), cell(shortSHA(run.HeadSHA)), fork)
	}
	return fmt.Sprintf("From %s of %s: %s on %s at %s%s\n\n", runLink(run, run.Label()), cell(run.Repo.String()),
		cell(run.Event), cell(run.HeadBranch), cell(shortSHA(run.HeadSHA)), fork)
}

// runLink returns text as a link to the run, or as it is if the server gave no address
// that a browser opens.
func runLink(run artifact.Run, text string) string {
	if !strings.HasPrefix(run.URL, "https://") && !strings.HasPrefix(run.URL, "http://") {
		return cell(text)
	}
	return fmt.Sprintf(`<a href="%s">%s</a>`, actions.Attribute(words.Cut(run.URL, maxErrorMessage)), cell(text))
}

// artifactTable writes a row for each artifact. If there are several runs, the table has a
// column for them, because names of artifacts repeat from run to run.
func (r *Result) artifactTable(b *strings.Builder) {
	runs := len(r.Runs) > 1
	column, line := "", ""
	if runs {
		column, line = " Run |", " --- |"
	}
	fmt.Fprintf(b, "| Artifact |%s Size | Files | Digest | Destination |\n| --- |%s ---: | ---: | --- | --- |\n", column, line)
	for _, p := range r.Items[:min(len(r.Items), maxRows)] {
		run := ""
		if runs {
			run = " " + tableRun(p.Run) + " |"
		}
		files, digest, size := "", "not fetched", p.Artifact.Size
		if p.Fetched() {
			digest, size = digestText(&p), p.Wire
		}
		if p.Fetched() || p.Files > 0 { // in a dry run the files are known if they were listed
			files = words.Number(p.Files)
		}
		fmt.Fprintf(b, "| %s |%s %s | %s | %s | %s |\n", cell(p.Artifact.Name), run, words.Bytes(size),
			files, digest, cell(path.Join(r.Destination.Output, p.To)))
	}
	b.WriteString("\n")
	andMore(b, len(r.Items), maxRows, "artifact")
}

// placesLine writes what became of files whose place was taken.
func (r *Result) placesLine(b *strings.Builder) {
	if lines := author.placesLines(r.Places); len(lines) > 0 {
		fmt.Fprintf(b, "%s\n\n", strings.Join(lines, "; "))
	}
}

// passedOverTable writes the runs that were passed over, folded away.
func passedOverTable(b *strings.Builder, passed []search.PassedOver) {
	if len(passed) == 0 {
		return
	}
	fmt.Fprintf(b, "<details><summary>%s passed over</summary>\n\n", words.Were(len(passed), "run"))
	b.WriteString("| Run | Branch | Created (UTC) | Why | Its artifacts |\n| --- | --- | --- | --- | --- |\n")
	shown := worthShowing(passed)
	for _, p := range shown {
		created := ""
		if !p.Run.Stub && !p.Run.CreatedAt.IsZero() { // of a stub only the artifact's time is known
			created = p.Run.CreatedAt.UTC().Format(time.DateTime)
		}
		have, _ := artifactsOf(p)
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", tableRun(p.Run), cell(p.Run.HeadBranch),
			created, cell(p.Reason), cell(have))
	}
	b.WriteString("\n")
	andMore(b, len(passed), len(shown), "run")
	b.WriteString("</details>\n\n")
}

// tableRun names a run in a table.
func tableRun(r artifact.Run) string {
	switch {
	case r.ID == 0:
		return "unknown"
	case r.Stub:
		return cell(fmt.Sprint(r.ID))
	}
	return runLink(r, fmt.Sprintf("%d (%s)", r.ID, r.Label()))
}

// total says in one line what was fetched and how fast.
func (r *Result) total() string {
	files, bytes, wire := r.totals()
	s := fmt.Sprintf("%s, %s, %s", words.Count(len(r.Items), "artifact"), words.Count(files, "file"), words.Bytes(bytes))
	if sec := r.Took.Seconds(); sec > 0 {
		s += fmt.Sprintf(" in %s (%s/s over the network)", brief(r.Took), words.Bytes(int64(float64(wire)/sec)))
	}
	return s
}

// brief rounds a duration to two or three digits.
func brief(d time.Duration) time.Duration {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond)
	case d < time.Minute:
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

// digestText returns the outcome of comparing an artifact's digest, in Markdown.
func digestText(item *transfer.Item) string {
	switch {
	case !item.Expected:
		return recordText(item.Digest)
	case item.Digest == transfer.DigestAbsent:
		return "as expected"
	}
	return recordText(item.Digest) + ", as expected"
}

// recordText returns the outcome of comparing the digest that the server has on record.
func recordText(d transfer.DigestState) string {
	switch d {
	case transfer.DigestVerified:
		return "verified"
	case transfer.DigestMismatch:
		return "**mismatch**"
	case transfer.DigestUnknown:
		return "unknown algorithm"
	case transfer.DigestUnchecked:
		return "not checked, as only a part was fetched (CRC-32 was)"
	}
	return "none given"
}
