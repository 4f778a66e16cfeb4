package report

import (
	"fmt"
	"strings"

	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/words"
)

// keptTars issues one warning for all files of an artifact: beside each tar there may be its
// checksum and its signature.
func (l *Log) keptTars(e transfer.KeptTars) {
	var list []string
	for _, f := range e.Files {
		list = append(list, fmt.Sprintf("%q (%s)", f.Name, f.What))
	}
	more := ""
	if e.More > 0 {
		more = fmt.Sprintf(" and %d more", e.More)
	}
	l.Out.Warningf("artifact %q: named as a tar, but not a tar, and left as it is: %s%s", e.Artifact.Name, strings.Join(list, ", "), more)
}

// replacedByTars issues one warning for all files of an artifact: the tars for several
// platforms may share many files.
func (l *Log) replacedByTars(e transfer.ReplacedByTars) {
	var list []string
	for _, f := range e.Files {
		list = append(list, fmt.Sprintf("%q was taken from %q, the later one by name; it is also in %q", f.Name, f.By, f.From))
	}
	more := ""
	if e.More > 0 {
		more = fmt.Sprintf("; and %s", words.Count(e.More, "more file"))
	}
	l.Out.Warningf("artifact %q: several of its tars have the same files: %s%s", e.Artifact.Name, strings.Join(list, "; "), more)
}
