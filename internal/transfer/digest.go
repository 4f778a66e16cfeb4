package transfer

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/artifetch/artifetch/internal/fetch"
)

// DigestState is the outcome of comparing an artifact's digest.
type DigestState int

// The states of digests.
const (
	DigestAbsent    DigestState = iota // there is no digest to compare with
	DigestVerified                     // the bytes are those that were uploaded
	DigestMismatch                     // the digest differs, and Options.AllowMismatch lets it pass
	DigestUnknown                      // the digest is of an unknown algorithm
	DigestUnchecked                    // not all of the artifact was fetched
)

// provable returns DigestVerified if the bytes will be compared with a digest, on record or
// expected; otherwise the state that says why not.
func (t *attempt) provable() DigestState {
	switch digest := t.item.Artifact.Digest; {
	case t.engine.expects():
		return DigestVerified
	case digest == "":
		return DigestAbsent
	case !strings.HasPrefix(digest, sha256Prefix):
		return DigestUnknown
	}
	return DigestVerified
}

// proved reports whether a digest proves the bytes received.
func (t *attempt) proved() bool { return t.item.Digest == DigestVerified || t.item.Expected }

const sha256Prefix = "sha256:"

// checkDigest compares the bytes with the digest on record, and with those expected.
func (t *attempt) checkDigest(blob fetch.Info) error {
	if err := t.checkRecorded(blob); err != nil {
		return err
	}
	return t.checkExpected(blob)
}

// checkRecorded compares the bytes with the digest on record. A digest that differs is
// a *DigestError, unless Options.AllowMismatch lets it pass.
func (t *attempt) checkRecorded(blob fetch.Info) error {
	a := t.item.Artifact
	if a.Digest == "" {
		return nil
	}
	want, ok := strings.CutPrefix(a.Digest, sha256Prefix)
	if !ok {
		t.item.Digest = DigestUnknown
		t.engine.opt.Notify(UnknownDigest{Artifact: a})
		return nil
	}
	if !blob.Whole {
		t.item.Digest = DigestUnchecked
		return nil
	}
	sum := hex.EncodeToString(blob.SHA256[:])
	if strings.EqualFold(want, sum) {
		t.item.Digest = DigestVerified
		return nil
	}
	differs := &DigestError{Name: a.Name, Want: want, Got: sum, Final: t.engine.expects() && !t.engine.isExpected(a.Name, sum)}
	t.item.Digest = DigestMismatch
	if !t.engine.opt.AllowMismatch {
		return differs
	}
	t.engine.opt.Notify(Mismatch{Err: differs})
	return nil
}

// DigestError says that the bytes of the artifact Name differ from the digest on record.
// Want and Got are SHA-256 digests in hex. Its text does not name the artifact.
type DigestError struct {
	Name, Want, Got string
	// Final says that no option lets the bytes pass: they are not those of
	// Options.Expect either.
	Final bool
}

func (e *DigestError) Error() string {
	return fmt.Sprintf("its SHA-256 is %s, but the server has %s on record", e.Got, e.Want)
}
