package app

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/artifetch/artifetch/internal/config"
	"github.com/artifetch/artifetch/internal/fetch"
)

type digestState int

const (
	digestAbsent digestState = iota // GitHub gives none
	digestVerified
	digestMismatch  // and digest-mismatch lets it pass
	digestUnknown   // of an algorithm we do not know
	digestUnchecked // not all of the artifact was fetched
)

func (d digestState) String() string {
	switch d {
	case digestVerified:
		return "verified"
	case digestMismatch:
		return "**mismatch**"
	case digestUnknown:
		return "unknown algorithm"
	case digestUnchecked:
		return "not checked, as only a part was fetched (CRC-32 was)"
	}
	return "none given"
}

// expectedDigest is the state before the digest is compared: verified where it
// will be, since what differs is found out then.
func (d *download) expectedDigest() digestState {
	switch digest := d.parcel.Artifact.Digest; {
	case digest == "":
		return digestAbsent
	case !strings.HasPrefix(digest, sha256Prefix):
		return digestUnknown
	}
	return digestVerified
}

const sha256Prefix = "sha256:"

// checkDigest compares with what GitHub has on record, under the policy of
// digest-mismatch.
func (d *download) checkDigest(blob fetch.Info) error {
	a := d.parcel.Artifact
	if a.Digest == "" {
		return nil
	}
	want, ok := strings.CutPrefix(a.Digest, sha256Prefix)
	if !ok {
		d.parcel.digest = digestUnknown
		d.log.Warningf("artifact %q: its digest %s is of an unknown algorithm and was not checked", a.Name, a.Digest)
		return nil
	}
	if !blob.Whole {
		d.parcel.digest = digestUnchecked
		return nil
	}
	sum := hex.EncodeToString(blob.SHA256[:])
	if strings.EqualFold(want, sum) {
		d.parcel.digest = digestVerified
		return nil
	}
	err := &digestError{name: a.Name, want: want, got: sum}
	d.parcel.digest = digestMismatch
	switch d.cfg.DigestMismatch {
	case config.MismatchIgnore:
	case config.MismatchInfo:
		d.log.Infof("%v", err)
	case config.MismatchWarn:
		d.log.Warningf("%v", err)
	default:
		return err
	}
	return nil
}

// digestError says that an artifact's bytes are not those GitHub has on
// record.
type digestError struct {
	name, want, got string
}

func (e *digestError) Error() string {
	return fmt.Sprintf("artifact %q: its SHA-256 is %s, but GitHub has %s on record", e.name, e.got, e.want)
}
