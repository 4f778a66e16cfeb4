package report

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
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
	switch {
	case r.Err != nil && !r.Published:
		fmt.Fprintf(&b, "### artifetch: nothing was fetched\n\n%s\n\n", paragraph(Message(r.Err)))
	case r.Err != nil:
		fmt.Fprintf(&b, "### artifetch: fetched, but failed afterwards\n\n%s\n\n", paragraph(Message(r.Err)))
	case r.DryRun && r.Found:
		b.WriteString("### artifetch: dry run, nothing was written\n\n")
	case !r.Found:
		b.WriteString("### artifetch: nothing found\n\n")
		if r.NotFound != nil {
			fmt.Fprintf(&b, "%s\n\n", paragraph(Message(r.NotFound)))
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
		r.mergedList(&b)
	}
	if r.DryRun || !r.Found {
		passedOverTable(&b, r.PassedOver)
	}
	return b.String()
}

func runLine(run artifact.Run) string {
	link := cell(run.Label())
	if strings.HasPrefix(run.URL, "https://") || strings.HasPrefix(run.URL, "http://") {
		link = fmt.Sprintf(`<a href="%s">%s</a>`, actions.Attribute(words.Cut(run.URL, maxErrorMessage)), link)
	}
	fork := map[artifact.Origin]string{
		artifact.OriginFork:    ", **from a fork**",
		artifact.OriginUnknown: ", **perhaps from a fork**: the server does not say",
	}[run.Origin()]
	if run.Stub {
		return fmt.Sprintf("From run %d of %s, which no longer exists: %s at %s%s\n\n", run.ID, cell(run.Repo.String()),
			cell(run.HeadBranch), cell(shortSHA(run.HeadSHA)), fork)
	}
	return fmt.Sprintf("From %s of %s: %s on %s at %s%s\n\n", link, cell(run.Repo.String()),
		cell(run.Event), cell(run.HeadBranch), cell(shortSHA(run.HeadSHA)), fork)
}

func (r *Result) artifactTable(b *strings.Builder) {
	b.WriteString("| Artifact | Size | Files | Digest | Destination |\n| --- | ---: | ---: | --- | --- |\n")
	for _, p := range r.Items[:min(len(r.Items), maxRows)] {
		a := p.Artifact
		files, digest := "", "not fetched"
		size := a.Size
		if p.Fetched() {
			files, digest, size = words.Number(p.Files), digestText(&p), p.Wire
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", cell(a.Name), words.Bytes(size),
			files, digest, cell(path.Join(r.Destination.Output, p.To)))
	}
	b.WriteString("\n")
	andMore(b, len(r.Items), maxRows, "artifact")
}

func passedOverTable(b *strings.Builder, passed []search.PassedOver) {
	if len(passed) == 0 {
		return
	}
	b.WriteString("| Run passed over | Branch | Created | Why | Its artifacts |\n| --- | --- | --- | --- | --- |\n")
	shown := worthShowing(passed)
	for _, p := range shown {
		created := ""
		if !p.Run.Stub && !p.Run.CreatedAt.IsZero() { // of a stub only the artifact's time is known
			created = p.Run.CreatedAt.UTC().Format(time.DateTime)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", runName(p.Run), cell(p.Run.HeadBranch),
			created, cell(p.Reason), cell(strings.TrimPrefix(artifactsOf(p), "it has ")))
	}
	b.WriteString("\n")
	andMore(b, len(passed), len(shown), "run")
}

func runName(r artifact.Run) string {
	if r.Stub {
		return cell(fmt.Sprint(r.ID))
	}
	return cell(fmt.Sprintf("%d (%s)", r.ID, r.Label()))
}

// total says in one line what was fetched and how fast.
func (r *Result) total() string {
	var files int
	var bytes, wire int64
	for _, p := range r.Items {
		files += p.Files
		bytes += p.Bytes
		wire += p.Wire
	}
	s := fmt.Sprintf("%s, %s, %s", words.Count(len(r.Items), "artifact"), words.Count(files, "file"), words.Bytes(bytes))
	if sec := r.Took.Seconds(); sec > 0 {
		s += fmt.Sprintf(" in %s (%s/s over the network)", r.Took.Round(time.Millisecond), words.Bytes(int64(float64(wire)/sec)))
	}
	return s
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

// recordText is digestText for the digest on record.
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
