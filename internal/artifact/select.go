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
	// Patterns are globs on the name, in the syntax of package glob.
	Patterns []string
	// Regexp is unanchored.
	Regexp *regexp.Regexp
}

// Matcher returns a function that reports whether artifacts of a name are asked for.
// Calling Matcher takes time in proportion to the size of the selector, calling the
// function takes next to none.
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

// Idle returns the Patterns that match none of the artifacts. A pattern that excludes is
// never idle.
func (s Selector) Idle(items []Item) []string {
	tally := glob.NewTally(s.Patterns)
	for _, item := range items {
		tally.Match(item.Artifact.Name)
	}
	return tally.Idle()
}

// OnlyName returns the name if exactly one is asked for, else "".
func (s Selector) OnlyName() string {
	if len(s.Names) == 1 {
		return s.Names[0]
	}
	return ""
}

// Picker returns the Picker for this selector. gone holds the ids of artifacts
// that turned out to be expired though the server does not list them as such; it
// may be nil, and must not change while the Picker is in use.
func (s Selector) Picker(gone map[int64]bool) Picker {
	return Picker{names: s.Names, wanted: s.Matcher(), gone: gone}
}

// Picker decides which artifacts count, in lists of a repository as well as of a run.
// Nothing else decides that.
type Picker struct {
	names  []string
	wanted func(name string) bool
	gone   map[int64]bool
}

// Verdict is a Picker's decision about one artifact.
type Verdict int

const (
	// Unwanted says that the artifact is not asked for.
	Unwanted Verdict = iota
	// Gone says that the artifact is asked for, but has expired.
	Gone
	// Eligible says that the artifact is asked for, and can be downloaded.
	Eligible
)

// Judge decides whether an artifact counts: only an Eligible one does.
func (p Picker) Judge(a Artifact) Verdict {
	switch {
	case !p.wanted(a.Name):
		return Unwanted
	case a.Expired || p.gone[a.ID]:
		return Gone
	}
	return Eligible
}

// Picked is a Picker's choice from the artifacts of one run.
type Picked struct {
	// Artifacts are the newest eligible artifact of each name, newest first.
	Artifacts []Artifact
	// Superseded are eligible, too, but a newer artifact has the same name: all attempts of
	// a run share one list of artifacts.
	Superseded []Artifact
	// Expired are asked for, but gone.
	Expired []Artifact
	// Missing are the exact names without an eligible artifact.
	Missing []string
	// Others are the names of artifacts that are not asked for.
	Others []string
}

// Complete reports whether the run holds what is asked for.
func (p Picked) Complete() bool { return len(p.Artifacts) > 0 && len(p.Missing) == 0 }

// Pick chooses from the artifacts of one run. Of several eligible ones with the
// same name the newest counts.
func (p Picker) Pick(all []Artifact) Picked {
	var picked Picked
	newestFirst := slices.Clone(all)
	slices.SortFunc(newestFirst, CompareArtifacts)
	seen := map[string]bool{}
	for _, a := range newestFirst {
		switch verdict := p.Judge(a); {
		case verdict == Unwanted:
			picked.Others = append(picked.Others, a.Name)
		case verdict == Gone:
			picked.Expired = append(picked.Expired, a)
		case seen[a.Name]:
			picked.Superseded = append(picked.Superseded, a)
		default:
			seen[a.Name] = true
			picked.Artifacts = append(picked.Artifacts, a)
		}
	}
	for _, n := range p.names {
		if !seen[n] {
			picked.Missing = append(picked.Missing, n)
		}
	}
	return picked
}

// CompareArtifacts orders artifacts newest first, and those without a known time
// last. Ids are not monotonic, so they only break ties.
func CompareArtifacts(a, b Artifact) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
}

// CompareRuns orders runs newest first, and those without a known time last.
func CompareRuns(a, b Run) int {
	return cmp.Or(b.Begun().Compare(a.Begun()), cmp.Compare(b.ID, a.ID))
}
