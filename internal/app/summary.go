package app

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/artifetch/artifetch/internal/actions"
	"github.com/artifetch/artifetch/internal/artifact"
)

// maxPassedOver bounds the table of runs passed over: a summary holds 1 MiB.
const maxPassedOver = 50

// summary is the job summary in Markdown.
func (r *result) summary() string {
	var b strings.Builder
	switch {
	case r.err != nil && !r.published:
		fmt.Fprintf(&b, "### artifetch: nothing was fetched\n\n%s\n\n", actions.Cell(message(r.err)))
	case r.err != nil:
		fmt.Fprintf(&b, "### artifetch: fetched, but failed afterwards\n\n%s\n\n", actions.Cell(message(r.err)))
	case r.dryRun && r.found:
		b.WriteString("### artifetch: dry run, nothing was written\n\n")
	case !r.found:
		b.WriteString("### artifetch: nothing found\n\n")
		if r.notFound != nil {
			fmt.Fprintf(&b, "%s\n\n", actions.Cell(message(r.notFound)))
		}
	default:
		fmt.Fprintf(&b, "### artifetch: %s\n\n", r.total())
	}
	for _, run := range r.runs {
		b.WriteString(runLine(run))
	}
	b.WriteString(r.orphanLine())
	if len(r.items) > 0 {
		r.artifactTable(&b)
	}
	if r.dryRun || !r.found {
		passedOverTable(&b, r.passedOver)
	}
	return b.String()
}

func runLine(run artifact.Run) string {
	link := actions.Cell(run.Label())
	if strings.HasPrefix(run.URL, "https://") || strings.HasPrefix(run.URL, "http://") {
		link = fmt.Sprintf(`<a href="%s">%s</a>`, actions.Attribute(run.URL), link)
	}
	fork := map[artifact.Origin]string{
		artifact.OriginFork:    ", **from a fork**",
		artifact.OriginUnknown: ", **perhaps from a fork**: the server does not tell",
	}[run.Origin()]
	if run.Stub {
		return fmt.Sprintf("From run %d of %s, which is no longer there: %s at %s%s\n\n", run.ID, actions.Cell(run.Repo.String()),
			actions.Cell(run.HeadBranch), actions.Cell(shortSHA(run.HeadSHA)), fork)
	}
	return fmt.Sprintf("From %s of %s: %s on %s at %s%s\n\n", link, actions.Cell(run.Repo.String()),
		actions.Cell(run.Event), actions.Cell(run.HeadBranch), actions.Cell(shortSHA(run.HeadSHA)), fork)
}

func (r *result) artifactTable(b *strings.Builder) {
	b.WriteString("| Artifact | Size | Files | Digest | Destination |\n| --- | ---: | ---: | --- | --- |\n")
	for _, p := range r.items {
		a := p.Artifact
		files, digest := "", "not fetched"
		size := a.Size
		if p.by != nil {
			files, digest, size = humanize.Comma(int64(p.files)), p.digest.String(), p.wire
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", actions.Cell(a.Name), ibytes(size),
			files, digest, actions.Cell(path.Join(r.dest.Output, p.to)))
	}
	b.WriteString("\n")
}

func passedOverTable(b *strings.Builder, passed []artifact.PassedOver) {
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
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", runName(p.Run), actions.Cell(p.Run.HeadBranch),
			created, actions.Cell(p.Reason), actions.Cell(strings.Join(p.Names, ", ")))
	}
	if more := len(passed) - len(shown); more > 0 {
		fmt.Fprintf(b, "\nand %d more\n", more)
	}
	b.WriteString("\n")
}

func runName(r artifact.Run) string {
	if r.Stub {
		return actions.Cell(fmt.Sprint(r.ID))
	}
	return actions.Cell(fmt.Sprintf("%d (%s)", r.ID, r.Label()))
}

// total is one line on what was fetched and how fast.
func (r *result) total() string {
	var files int
	var bytes, wire int64
	for _, p := range r.items {
		files += p.files
		bytes += p.bytes
		wire += p.wire
	}
	s := fmt.Sprintf("%s, %s, %s", count(len(r.items), "artifact"), count(files, "file"), ibytes(bytes))
	if sec := r.took.Seconds(); sec > 0 {
		s += fmt.Sprintf(" in %s (%s/s over the network)", r.took.Round(time.Millisecond), humanize.IBytes(uint64(float64(wire)/sec)))
	}
	return s
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return humanize.Comma(int64(n)) + " " + noun + "s"
}

func ibytes(n int64) string { return humanize.IBytes(nonNegative(n)) }

func nonNegative(n int64) uint64 { return uint64(max(n, 0)) }

func shortSHA(sha string) string { return sha[:min(len(sha), 7)] }
