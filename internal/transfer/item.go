package transfer

import (
	"errors"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/unpack"
)

// Item is one artifact to be fetched, and the outcome.
type Item struct {
	artifact.Item
	// To is a slash-separated path below the destination: the artifact's directory, or
	// its file if it is kept as a file.
	To string
	// Tree is the directory in the Sink that holds the artifact's files; empty before
	// they were fetched.
	Tree    string
	NoLinks bool // the tree is known to hold no symlinks
	Digest  DigestState
	// Expected is set if the digest of the bytes received is one of Options.Expect.
	Expected bool
	Files    int   // the number of its files, or in a dry run of those that would be written
	Bytes    int64 // the size of these files
	Wire     int64 // bytes fetched over the network

	by      *attempt // the attempt that fetched it; nil before
	sum     string   // SHA-256 of the bytes received, in hex; only with Options.Expect
	asked   bool     // outline is set if Options.Files chooses none of its files
	outline *Outline
}

// Fetched reports whether the artifact's files are in its Tree.
func (i *Item) Fetched() bool { return i.Tree != "" }

// Event is something that is no failure, but that users may want to know.
type Event interface{ event() }

// StartOver reports that another attempt begins. Err says why.
type StartOver struct{ Err error }

// UnknownDigest reports an artifact whose digest was not compared, because its algorithm
// is unknown.
type UnknownDigest struct{ Artifact artifact.Artifact }

// Mismatch reports an artifact that passes although its digest differs.
type Mismatch struct{ Err *DigestError }

// CaseCollisions reports names in an artifact that differ only in case: the first few
// pairs, and how many more there are.
type CaseCollisions struct {
	Artifact artifact.Artifact
	Pairs    [][2]string
	More     int
}

// ReplacedEntries reports how many files of an artifact are not extracted, because a later
// entry of the same archive has their name.
type ReplacedEntries struct {
	Artifact artifact.Artifact
	Files    int
}

// KeptTars reports files of an artifact that are named as tars and hold none: the first
// few, and how many more there are. They stay as they are.
type KeptTars struct {
	Artifact artifact.Artifact
	Files    []unpack.KeptFile
	More     int
}

// ReplacedByTars reports files of an artifact's tars that gave way to files of later tars:
// the first few, and how many more there are.
type ReplacedByTars struct {
	Artifact artifact.Artifact
	Files    []unpack.ReplacedFile
	More     int
}

// IdleFiles are globs of Options.Files that match no file of any artifact, although
// others do.
type IdleFiles struct{ Globs []string }

func (StartOver) event()       {}
func (UnknownDigest) event()   {}
func (Mismatch) event()        {}
func (CaseCollisions) event()  {}
func (ReplacedEntries) event() {}
func (KeptTars) event()        {}
func (ReplacedByTars) event()  {}
func (IdleFiles) event()       {}

// ExpiredError says that an artifact has expired, or was deleted, although its listing
// did not say so: the choice has to be made again without it.
type ExpiredError struct {
	ID  int64
	Err error
}

func (e *ExpiredError) Error() string { return e.Err.Error() }
func (e *ExpiredError) Unwrap() error { return e.Err }

// isGone reports whether an artifact that was listed has expired, or was deleted.
func isGone(err error) bool {
	return errors.Is(err, artifact.ErrExpired) || errors.Is(err, artifact.ErrNotFound)
}
