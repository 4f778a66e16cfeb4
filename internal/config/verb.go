package config

// Verb is what the command does.
type Verb string

// The verbs. Fetch is what the command does without one.
const (
	Fetch Verb = "artifetch"
	List  Verb = "list"
	Ls    Verb = "ls"
	Cat   Verb = "cat"
	Diff  Verb = "diff"
)

// has reports whether a verb has a flag for an input. All verbs but Fetch only read, so
// they need no input that says where files go. A Diff gets its runs as arguments.
func (v Verb) has(in *Input) bool {
	switch in.Group {
	case OtherNames:
		return false
	case WhereFrom, WhichArtifact:
		return v != Diff || !in.notInDiff
	case WhichRun:
		return v != Diff
	}
	return v == Fetch || in.reading
}
