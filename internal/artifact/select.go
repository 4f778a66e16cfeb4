package artifact

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/artifetch/artifetch/internal/glob"
)

// Selector says which artifacts of a run are asked for. At most one of its
// fields is set; the zero Selector asks for all of them.
type Selector struct {
	// Names are exact; every one has to be there.
	Names []string
	// Patterns are a list of globs on the name, as package glob has them.
	Patterns []string
	// Regexp is unanchored.
	Regexp *regexp.Regexp
}

// Matches reports whether an artifact of this name is asked for. For more names
// than a few, ask a Matcher.
func (s Selector) Matches(name string) bool { return s.Matcher()(name) }

// Matcher returns what reports whether an artifact of a name is asked for. It
// takes time in proportion to the selector, and a call of what it returns next
// to none.
func (s Selector) Matcher() func(name string) bool {
	switch {
	case len(s.Names) > 0:
		names := make(map[string]bool, len(s.Names))
		for _, n := range s.Names {
			names[n] = true
		}
		return func(name string) bool { return names[name] }
	case s.Regexp != nil:
		return s.Regexp.MatchString
	}
	return glob.New(s.Patterns).Match
}

// OnlyName is the only name that is asked for, or empty for several or none.
func (s Selector) OnlyName() string {
	if len(s.Names) == 1 {
		return s.Names[0]
	}
	return ""
}

// Picked is what a Selector makes of the artifacts of one run.
type Picked struct {
	// Artifacts hold one artifact a name, newest first.
	Artifacts []Artifact
	// Superseded were asked for too, but a newer one has the same name:
	// all attempts of a run share one list.
	Superseded []Artifact
	// Expired were asked for, but their bytes are gone.
	Expired []Artifact
	// Missing are the exact names without an artifact to take.
	Missing []string
	// Others are the names of artifacts that were not asked for.
	Others []string
}

// Complete reports whether the run holds what was asked for.
func (p Picked) Complete() bool { return len(p.Artifacts) > 0 && len(p.Missing) == 0 }

// Pick chooses from the artifacts of one run. Expired artifacts, and artifacts whose
// id is in gone, do not count. Of several with one name the newest counts.
func (s Selector) Pick(all []Artifact, gone map[int64]bool) Picked {
	var p Picked
	byAge := slices.Clone(all)
	slices.SortFunc(byAge, CompareArtifacts)
	seen := map[string]bool{}
	wanted := s.Matcher()
	for _, a := range byAge {
		switch {
		case !wanted(a.Name):
			p.Others = append(p.Others, a.Name)
		case a.Expired || gone[a.ID]:
			p.Expired = append(p.Expired, a)
		case seen[a.Name]:
			p.Superseded = append(p.Superseded, a)
		default:
			seen[a.Name] = true
			p.Artifacts = append(p.Artifacts, a)
		}
	}
	for _, n := range s.Names {
		if !seen[n] {
			p.Missing = append(p.Missing, n)
		}
	}
	return p
}

// CompareArtifacts orders artifacts newest first, and last those of which the
// time is not known. Ids are not monotonic, so they only break ties.
func CompareArtifacts(a, b Artifact) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
}

// CompareRuns orders runs newest first, and last those of which no time is known.
func CompareRuns(a, b Run) int {
	return cmp.Or(b.Begun().Compare(a.Begun()), cmp.Compare(b.ID, a.ID))
}
