package transfer

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/words"
)

// Expected is a digest that one of the artifacts must have.
type Expected struct {
	SHA256   string // in lower-case hex
	Artifact string // the name of the artifact; "" is any
}

func (x Expected) String() string {
	if x.Artifact == "" {
		return x.SHA256
	}
	return fmt.Sprintf("%s for %q", x.SHA256, words.Cut(x.Artifact, maxShown))
}

// fits reports whether the digest may be that of an artifact with this name.
func (x Expected) fits(name string) bool { return x.Artifact == "" || x.Artifact == name }

// expects reports whether artifacts have to have expected digests.
func (e *Engine) expects() bool { return len(e.opt.Expect) > 0 }

// ownExpected returns the expected digests of this job: without those that name an artifact
// of another job, which is in all, but not in chosen.
func ownExpected(list []Expected, chosen, all []artifact.Item) []Expected {
	others := map[string]bool{}
	for _, item := range all {
		others[item.Artifact.Name] = true
	}
	for _, item := range chosen {
		delete(others, item.Artifact.Name)
	}
	return slices.DeleteFunc(slices.Clone(list), func(x Expected) bool { return x.Artifact != "" && others[x.Artifact] })
}

// foresee fails if items and expected digests cannot match one to one, whatever arrives.
func (e *Engine) foresee(items []Item) error {
	if !e.expects() {
		return nil
	}
	spare := map[string]int{}
	for _, item := range items {
		spare[item.Artifact.Name]++
	}
	err := &CountError{Artifacts: len(items), Digests: len(e.expected)}
	for _, x := range e.expected {
		if x.Artifact == "" {
			continue
		}
		if spare[x.Artifact]--; spare[x.Artifact] < 0 {
			err.Spare = append(err.Spare, x)
		}
	}
	if err.Artifacts != err.Digests || len(err.Spare) > 0 {
		return err
	}
	return nil
}

// checkRecords fails if the digest that the server has on record of an artifact shows that the
// artifact cannot pass. No record makes an artifact pass.
func (e *Engine) checkRecords(items []Item) error {
	if !e.expects() || e.opt.AllowMismatch {
		return nil
	}
	for i := range items {
		a := items[i].Artifact
		sum, ok := strings.CutPrefix(a.Digest, sha256Prefix)
		if ok && !e.isExpected(a.Name, strings.ToLower(sum)) {
			return &ExpectError{Got: []Received{{Artifact: a, SHA256: sum}}, Unmet: e.expectedOf(a.Name), OnRecord: true}
		}
	}
	return nil
}

func (e *Engine) isExpected(name, sum string) bool {
	return slices.ContainsFunc(e.expected, func(x Expected) bool { return x.fits(name) && x.SHA256 == sum })
}

// expectedOf returns the digests that an artifact with this name may have.
func (e *Engine) expectedOf(name string) []Expected {
	return slices.DeleteFunc(slices.Clone(e.expected), func(x Expected) bool { return !x.fits(name) })
}

// checkExpected compares the digest of the bytes received with the expected digests. Whether
// digests and artifacts match one to one is known only when all artifacts are there: see
// matchExpected.
func (t *attempt) checkExpected(blob fetch.Info) error {
	e, a := t.engine, t.item.Artifact
	if !e.expects() {
		return nil
	}
	t.item.sum = hex.EncodeToString(blob.SHA256[:])
	if t.item.Expected = blob.Whole && e.isExpected(a.Name, t.item.sum); t.item.Expected {
		return nil
	}
	return &ExpectError{Got: []Received{{Artifact: a, SHA256: t.item.sum}}, Unmet: e.expectedOf(a.Name)}
}

// matchExpected fails unless items and expected digests match one to one. A digest with an
// artifact's name fits no other artifact, so it is used up before a digest that fits any.
func (e *Engine) matchExpected(items []Item) error {
	if !e.expects() {
		return nil
	}
	left := map[Expected]int{}
	for _, x := range e.expected {
		left[x]++
	}
	err := &ExpectError{}
	for _, item := range items {
		own, anyones := Expected{SHA256: item.sum, Artifact: item.Artifact.Name}, Expected{SHA256: item.sum}
		switch {
		case left[own] > 0:
			left[own]--
		case left[anyones] > 0:
			left[anyones]--
		default:
			err.Got = append(err.Got, Received{Artifact: item.Artifact, SHA256: item.sum})
		}
	}
	for _, x := range e.expected {
		if left[x] > 0 {
			left[x]--
			err.Unmet = append(err.Unmet, x)
		}
	}
	if len(err.Got)+len(err.Unmet) == 0 {
		return nil
	}
	return err
}

// CountError says that artifacts and expected digests cannot match one to one: their
// numbers differ, or digests are for artifacts that were not chosen. Nothing was fetched.
type CountError struct {
	Artifacts, Digests int
	// Spare are the digests whose artifact was not chosen, or has other digests already.
	Spare []Expected
}

func (e *CountError) Error() string {
	text := fmt.Sprintf("%s expected, and %s chosen", words.Are(e.Digests, "digest"), words.Are(e.Artifacts, "artifact"))
	if len(e.Spare) > 0 {
		text += "; no artifact chosen is left for " + expectedList(e.Spare)
	}
	return text
}

// Received is an artifact with the digest of its bytes.
type Received struct {
	Artifact artifact.Artifact
	SHA256   string // in hex
}

func (r Received) String() string {
	return fmt.Sprintf("artifact %q (%d) of %s has %s", words.Cut(r.Artifact.Name, maxShown), r.Artifact.ID, r.Artifact.Repo, r.SHA256)
}

// ExpectError says that artifacts do not have the digests expected.
type ExpectError struct {
	// Got are artifacts whose digest is not expected, or expected for fewer artifacts
	// than have it. Unmet are the digests that they could have had.
	Got   []Received
	Unmet []Expected
	// OnRecord says that the server has these digests on record, and that nothing was fetched.
	OnRecord bool
}

func (e *ExpectError) Error() string {
	got := make([]string, 0, maxDigests)
	for _, r := range e.Got[:min(len(e.Got), maxDigests)] {
		got = append(got, r.String())
	}
	source := ""
	if e.OnRecord {
		source = ", as the server has it on record"
	}
	return fmt.Sprintf("not the SHA-256 expected: %s%s; expected is %s", words.List(got, len(e.Got), ", "), source, expectedList(e.Unmet))
}

// maxDigests bounds the artifacts, and the digests, that a message names.
const maxDigests = 10

func expectedList(list []Expected) string {
	texts := make([]string, 0, maxDigests)
	for _, x := range list[:min(len(list), maxDigests)] {
		texts = append(texts, x.String())
	}
	return words.List(texts, len(list), ", ")
}
