package report

import (
	"strconv"
	"time"

	"github.com/artifetch/artifetch/internal/words"
)

// Listed writes which artifacts a fetch would take.
func (p *Printer) Listed(r *Result) error {
	switch {
	case p.JSON:
		return p.object(r.document(OutputOptions{Redact: p.Redact}))
	case r.Err != nil:
		return nil //nolint:nilerr // the log has it
	case p.forPeople():
		return p.artifacts(r)
	}
	for i := range r.Items {
		item := &r.Items[i]
		a := item.Artifact
		err := p.line(numberOrEmpty(item.Run.ID), p.text(a.Name), strconv.FormatInt(a.Size, 10), timeOrEmpty(a.CreatedAt), timeOrEmpty(a.ExpiresAt),
			strconv.FormatInt(a.ID, 10), p.text(a.Repo.String()))
		if err != nil {
			return err
		}
	}
	return nil
}

// artifacts writes a table of artifacts.
func (p *Printer) artifacts(r *Result) error {
	head := []column{{title: "RUN"}, {title: "ARTIFACT", shrinks: true}, {title: "SIZE", right: true}, {title: "AGE"}, {title: "EXPIRES"}}
	repos := holdersOf(r.Items).repos
	if repos {
		head = append(head, column{title: "REPOSITORY"})
	}
	rows := make([][]string, len(r.Items))
	for i := range r.Items {
		item := &r.Items[i]
		a := item.Artifact
		rows[i] = []string{p.run(item), p.text(a.Name), words.Bytes(a.Size), ago(p.Now(), a.CreatedAt), until(p.Now(), a.ExpiresAt)}
		if repos {
			rows[i] = append(rows[i], p.text(a.Repo.String()))
		}
	}
	return p.table(head, rows)
}

func timeOrEmpty(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// until says how long it is until a time.
func until(now, t time.Time) string {
	switch d := t.Sub(now); {
	case t.IsZero():
		return "unknown"
	case d < time.Hour:
		return "within the hour"
	case d < 48*time.Hour:
		return "in " + words.Count(int(d.Hours()), "hour")
	default:
		return "in " + words.Count(int(d.Hours()/24), "day")
	}
}
